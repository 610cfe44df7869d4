import EventLog
import Foundation
import Lifecycle

/// Mounts with an absolute destination, such as `/data` or `~/model`: links outside of the replica's own
/// folder, which all replicas on this machine see.
///
/// A link is made only where there is nothing; what is there already must be the source itself. Folders above it that
/// are missing are made. Each replica notes in its run folder which links and folders it wants, and the last one that
/// goes removes them, so that none is left behind; a link that somebody has changed since is left alone, and so is a
/// folder that has something in it.
public struct OutsideMounts {
    let home: Home
    /// The replica's run folder.
    let directory: String

    private static let noteName = "mounts"

    func place(_ mount: FileMount) throws(LaunchFailure) {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        let path = mount.destination
        func refuse(_ why: String) -> LaunchFailure { LaunchFailure("file_mounts: \(path): \(why)") }
        guard access(mount.source, F_OK) == 0 else { throw refuse("\(mount.source) does not exist") }
        let isOurs = notes(except: nil).contains { $0.isOf(mount) }
        switch Kind(path) {
        case .nothing:
            // Noted first: a link that is not noted would never be removed.
            let missing = Self.missingFolders(above: path)
            try note(mount, folders: missing + foldersMade(above: path))
            // Folders for everybody, as `mkdir -p` makes them: what is mounted may be for others to read.
            for folder in missing where mkdir(folder, 0o755) != 0 && errno != EEXIST {
                throw refuse(Self.cannotWrite(errno, at: folder))
            }
            guard symlink(mount.source, path) == 0 else { throw refuse(Self.cannotWrite(errno, at: path)) }
        case .link, .folder, .other:
            guard Self.isSame(path, mount.source) else {
                throw refuse("there is something else already, and nothing of yours is overwritten")
            }
            if isOurs { try note(mount, folders: foldersMade(above: path)) }
        }
    }

    /// Removes the links that this replica wanted and no other wants.
    func remove() {
        guard access(directory + "/" + Self.noteName, F_OK) == 0, let lock = try? lock() else { return }
        defer { withExtendedLifetime(lock) {} }
        let wanted = notes(except: directory)
        let own = Self.read(directory + "/" + Self.noteName)
        for note in own where !wanted.contains(where: { $0.link == note.link }) {
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: note.destination)
            if target == note.source { unlink(note.destination) }
        }
        let folders = Set(own.flatMap(\.madeFolders)).subtracting(wanted.flatMap(\.madeFolders))
        for folder in folders.sorted(by: { $0.utf8.count > $1.utf8.count }) { rmdir(folder) }
        unlink(directory + "/" + Self.noteName)
    }

    // MARK: Notes

    private struct Note: Hashable, Codable {
        var destination: String
        var source: String
        /// Folders above it that were made for it, by whichever replica.
        var folders: [String]?

        var madeFolders: [String] { folders ?? [] }
        var link: [String] { [destination, source] }
        func isOf(_ mount: FileMount) -> Bool { link == [mount.destination, mount.source] }
    }

    /// Folders above `path` that replicas here have made.
    private func foldersMade(above path: String) -> [String] {
        Set(notes(except: nil).flatMap(\.madeFolders)).filter { path.hasPrefix($0 + "/") }.sorted()
    }

    private func note(_ mount: FileMount, folders: [String]) throws(LaunchFailure) {
        let path = directory + "/" + Self.noteName
        let note = Note(
            destination: mount.destination, source: mount.source,
            folders: folders.isEmpty ? nil : Array(Set(folders)).sorted())
        let notes = Self.read(path) + [note]
        do {
            try JSONEncoder().encode(notes).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw LaunchFailure("file_mounts: cannot write \(path): \(error.localizedDescription)")
        }
    }

    private static func read(_ path: String) -> [Note] {
        guard let data = HomeFile.contents(path) else { return [] }
        return (try? JSONDecoder().decode([Note].self, from: data)) ?? []
    }

    /// What the replicas of this home want, but for one.
    private func notes(except: String?) -> Set<Note> {
        var notes: Set<Note> = []
        func folders(_ path: String) -> [String] {
            ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).map { path + "/" + $0 }
        }
        for controller in folders(home.run) {
            for replica in folders(controller).flatMap(folders) where replica != except {
                notes.formUnion(Self.read(replica + "/" + Self.noteName))
            }
        }
        return notes
    }

    // MARK: Folders

    /// The folders above `path` that do not exist, the highest first.
    private static func missingFolders(above path: String) -> [String] {
        var missing: [String] = []
        var folder = (path as NSString).deletingLastPathComponent
        while folder.utf8.count > 1, Kind(folder) == .nothing {
            missing.append(folder)
            folder = (folder as NSString).deletingLastPathComponent
        }
        return missing.reversed()
    }

    private static func cannotWrite(_ code: CInt, at path: String) -> String {
        "\(String(cString: strerror(code))) (\(path)); its folder must exist, or the folder above be yours to write in"
    }

    /// Looks whether the links could be made, as far as that can be known beforehand.
    ///
    /// - Throws: for one that could not.
    public static func examine(_ mounts: [FileMount]) throws(LaunchFailure) {
        for mount in mounts where mount.destination.hasPrefix("/") && Kind(mount.destination) == .nothing {
            let path = missingFolders(above: mount.destination).first ?? mount.destination
            let folder = (path as NSString).deletingLastPathComponent
            if access(folder, W_OK | X_OK) != 0 {
                throw LaunchFailure("file_mounts: \(mount.destination): \(cannotWrite(errno, at: folder))")
            }
        }
    }

    private static func isSame(_ one: String, _ other: String) -> Bool {
        var a = stat()
        var b = stat()
        return stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino
    }

    /// So that none is removed between somebody's look and note.
    private func lock() throws(LaunchFailure) -> HeldLock {
        do {
            return HeldLock(try FileLock.wait(home.run + "/mounts.lock"))
        } catch {
            throw LaunchFailure("file_mounts: \(error)")
        }
    }

    private final class HeldLock {
        private let lock: FileLock
        init(_ lock: consuming FileLock) { self.lock = lock }
    }
}

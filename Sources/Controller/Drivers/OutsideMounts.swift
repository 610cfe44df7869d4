import EventLog
import Foundation
import Lifecycle

/// Mounts with an absolute destination, such as `/data` or `~/model`: links outside of the replica's own
/// folder, which all replicas on this machine see.
///
/// A link is made only where there is nothing, in a folder that exists; what is there already must be the
/// source itself. Each replica notes in its run folder which links it wants, and the last one that goes
/// removes them, so that none is left behind; a link that somebody has changed since is left alone.
struct OutsideMounts {
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
        let isOurs = notes(except: nil).contains(Note(path, mount.source))
        switch Kind(path) {
        case .nothing:
            // Noted first: a link that is not noted would never be removed.
            try note(mount)
            guard symlink(mount.source, path) == 0 else {
                throw refuse("\(String(cString: strerror(errno))); its folder must exist, and be yours to write in")
            }
        case .link, .folder, .other:
            guard Self.isSame(path, mount.source) else {
                throw refuse("there is something else already, and nothing of yours is overwritten")
            }
            if isOurs { try note(mount) }
        }
    }

    /// Removes the links that this replica wanted and no other wants.
    func remove() {
        guard access(directory + "/" + Self.noteName, F_OK) == 0, let lock = try? lock() else { return }
        defer { withExtendedLifetime(lock) {} }
        let wanted = notes(except: directory)
        for note in Self.read(directory + "/" + Self.noteName) where !wanted.contains(note) {
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: note.destination)
            if target == note.source { unlink(note.destination) }
        }
        unlink(directory + "/" + Self.noteName)
    }

    // MARK: Notes

    private struct Note: Hashable, Codable {
        var destination: String
        var source: String

        init(_ destination: String, _ source: String) {
            self.destination = destination
            self.source = source
        }
    }

    private func note(_ mount: FileMount) throws(LaunchFailure) {
        let path = directory + "/" + Self.noteName
        let notes = Self.read(path) + [Note(mount.destination, mount.source)]
        do {
            try JSONEncoder().encode(notes).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw LaunchFailure("file_mounts: cannot write \(path): \(error.localizedDescription)")
        }
    }

    private static func read(_ path: String) -> [Note] {
        guard let data = FileManager.default.contents(atPath: path) else { return [] }
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

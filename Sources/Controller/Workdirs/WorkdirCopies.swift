import CLinux
import EventLog
import Foundation
import Lifecycle

/// Copies of the folders that services start in: `$DWELL_HOME/sources/CONTROLLER/DIGEST-NUMBER`, for nobody else to
/// read. A version runs what its folder held when it was made, whatever becomes of the folder. Replicas of one version
/// share its copy and may write in it, so nobody else does: equal contents have equal digests, and copies of their own.
///
/// A copy is whole and on disk under its name before the event that refers to it, and it goes once no state refers to
/// it any more. In between, whoever wants it holds a lock on it (shared, for several may want the same), so that
/// nobody takes it for one that is not wanted. It is made, and removed, under another name: what is half made or half
/// removed when everything ends is found by that, and removed by the next who looks.
public struct WorkdirCopies: Sendable {
    let home: Home
    let controller: ControllerName

    public init(home: Home, controller: ControllerName) {
        self.home = home
        self.controller = controller
    }

    private var directory: String { "\(home.sources)/\(controller)" }
    func path(_ name: String) -> String { "\(directory)/\(name)" }

    /// Copies the folder, and holds the copy until it is let go.
    ///
    /// - Parameters:
    ///   - current: a copy that will do, if it was made of the same.
    ///   - report: is told how many files and bytes are copied.
    ///   - cancellation: ends it, with nothing left of it.
    public func keep(
        _ folder: String, orElse current: String? = nil, cancellation: Cancellation = Cancellation(),
        report: @escaping (_ files: Int, _ bytes: Int64) -> Void
    ) throws(LaunchFailure) -> KeptCopy {
        let (real, ours) = (Self.real(folder), Self.real(home.path))
        guard real != ours, !real.hasPrefix(ours + "/") else {
            throw LaunchFailure(
                "workdir: \(folder) lies in dwell's own folder, \(home.path), where nothing else belongs; move it out")
        }
        let new = try makeFolder()
        do throws(LaunchFailure) {
            var copy = FolderCopy(folder, except: home.path) { (progress) throws(LaunchFailure) in
                if cancellation.isCancelled { throw LaunchFailure("workdir: it is not wanted any more") }
                report(progress.files, progress.bytes)
            }
            let digest = try copy.copy(into: new.descriptor.raw)
            if let current, current.hasPrefix(digest + "-"), let there = HeldEntry(path: path(current), LOCK_SH) {
                _ = FolderRemoval.remove(new.path)
                return KeptCopy(name: current, folder: there)
            }
            let kept = try name(new, digest)
            if cancellation.isCancelled {
                _ = FolderRemoval.remove(path(kept.name))
                throw LaunchFailure("workdir: it is not wanted any more")
            }
            return kept
        } catch {
            _ = FolderRemoval.remove(new.path)
            rmdir(directory)
            throw error
        }
    }

    private static func real(_ path: String) -> String {
        URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    }

    /// A folder that is nobody's, held; removed by the next who looks once it is let go.
    func makeFolder() throws(LaunchFailure) -> HeldEntry {
        for _ in 1...100 {
            do { try home.makeDirectory(directory) } catch { throw LaunchFailure("\(error)") }
            let path = "\(directory)/\(UUID().uuidString.lowercased()).new"
            guard mkdir(path, 0o700) == 0 else {
                if errno == ENOENT { continue }  // whoever removed the last copy took the folder with it
                throw LaunchFailure("workdir: \(SystemError("make \(path)"))")
            }
            // Unless somebody took it for one that is left, in the moment in which it was not held.
            if let held = HeldEntry(path: path, LOCK_SH | LOCK_NB) { return held }
        }
        throw LaunchFailure("workdir: cannot make a folder in \(directory)")
    }

    /// Gives what was copied a name of its own.
    private func name(_ new: HeldEntry, _ digest: String) throws(LaunchFailure) -> KeptCopy {
        guard clinux_sync_file_system(new.descriptor.raw) == 0 else { throw failure("write \(new.path)") }
        for number in 1...1_000_000 {
            let name = "\(digest)-\(number)"
            if clinux_rename_to_new(new.path, path(name)) == 0 {
                do throws(SystemError) { try HeldEntry.syncFolder(directory) } catch {
                    throw LaunchFailure("workdir: \(error)")
                }
                return KeptCopy(name: name, folder: new)
            }
            guard errno == EEXIST || errno == ENOTEMPTY else { throw failure("rename \(new.path)") }
        }
        throw LaunchFailure("workdir: there are too many copies in \(directory)")
    }

    private func failure(_ what: String) -> LaunchFailure { LaunchFailure("workdir: \(SystemError(what))") }

    /// The copies that nobody holds, locked. Which of them are in use must be read after this, and before
    /// ``UnheldCopies/remove(except:)``.
    public func unheld() -> UnheldCopies {
        UnheldCopies(directory: directory, folders: HeldEntry.unheld(in: directory))
    }

    /// What is to be removed and could not be.
    func leftovers() -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.filter { $0.hasSuffix(".old") }.map { "\(directory)/\($0)" }
    }

    /// Controllers that have copies.
    public static func controllers(in home: Home) -> [ControllerName] {
        HeldEntry.controllers(in: home.sources)
    }
}

/// A copy that an event may refer to: nobody removes it while this lives. Let go, it is removed by whoever next looks,
/// unless an event refers to it.
public final class KeptCopy: Sendable {
    /// Its name in ``ServiceSpec/workdirCopy``.
    public let name: String
    private let folder: HeldEntry

    fileprivate init(name: String, folder: HeldEntry) {
        self.name = name
        self.folder = folder
    }
}

/// Copies that nobody else holds, each locked for as long as this lives.
public struct UnheldCopies: Sendable {
    fileprivate let directory: String
    fileprivate let folders: [HeldEntry]

    public var isEmpty: Bool { folders.isEmpty }

    /// Removes those that `names`, read after they were locked, does not name.
    ///
    /// - Returns: what could not be removed, in words; it is tried again by the next who looks.
    @discardableResult
    public func remove(except names: Set<String>) -> [String] {
        var left: [String] = []
        for folder in folders where !names.contains(folder.name) {
            var path = folder.path
            if !path.hasSuffix(".new"), !path.hasSuffix(".old") {
                // Under a name that nobody takes for a whole one, should this end half way.
                path = "\(directory)/\(UUID().uuidString.lowercased()).old"
                guard rename(folder.path, path) == 0 else { continue }
            }
            if let words = FolderRemoval.remove(path) { left.append(words) }
        }
        // Unless something is left in them.
        rmdir(directory)
        rmdir((directory as NSString).deletingLastPathComponent)
        return left
    }
}

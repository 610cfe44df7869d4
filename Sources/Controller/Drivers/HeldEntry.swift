import EventLog
import Foundation
import Lifecycle

/// A file or folder that an event may come to refer to, with a lock on it for as long as this lives.
///
/// What events refer to and the log does not hold (``SecretFiles``, ``WorkdirCopies``) is on disk before the event, held
/// by whoever made it; and it goes once no state refers to it, removed by whoever can hold it alone.
final class HeldEntry: Sendable {
    let path: String
    let descriptor: Descriptor

    /// Its last name.
    var name: String { (path as NSString).lastPathComponent }

    /// Nil when it is not there (any more), or the lock cannot be had.
    init?(path: String, _ operation: CInt) {
        let raw = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)
        guard raw >= 0 else { return nil }
        descriptor = Descriptor(owning: raw)
        self.path = path
        while flock(raw, operation) != 0 {
            guard errno == EINTR else { return nil }
        }
        // It may have been renamed or removed while it was waited for.
        guard let here = FileIdentity(raw), here == FileIdentity(path) else { return nil }
    }

    /// The entries of a folder that nobody holds, held alone.
    static func unheld(in folder: String) -> [HeldEntry] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.compactMap { HeldEntry(path: "\(folder)/\($0)", LOCK_EX | LOCK_NB) }
    }

    /// Controllers that have a folder of their own in this one.
    static func controllers(in folder: String) -> [ControllerName] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.compactMap(ControllerName.init)
    }

    /// Puts the names in a folder on disk.
    static func syncFolder(_ path: String) throws(SystemError) {
        let raw = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard raw >= 0 else { throw SystemError("open \(path)") }
        let descriptor = Descriptor(owning: raw)
        guard fsync(descriptor.raw) == 0 else { throw SystemError("fsync \(path)") }
    }
}

import CLinux
import EventLog
import Foundation

/// An exclusive `flock` on a file. It belongs to the open file, so it passes to a child that inherits
/// the descriptor, and is free the moment the last process that has it ends, however it ends.
struct FileLock: ~Copyable, Sendable {
    let descriptor: Descriptor

    /// Takes over a descriptor that holds the lock on `path` already, inherited from a parent. One that
    /// is something else is refused: without the lock there could be two that think they have it.
    init(inherited raw: CInt, of path: String) throws(SystemError) {
        guard let here = FileIdentity(raw), here == FileIdentity(path) else {
            throw SystemError("inherit the lock on \(path)", code: EBADF)
        }
        clinux_set_cloexec(raw)
        guard flock(raw, LOCK_EX | LOCK_NB) == 0 else { throw SystemError("inherit the lock on \(path)") }
        descriptor = Descriptor(owning: raw)
    }

    private init(_ descriptor: consuming Descriptor) {
        self.descriptor = descriptor
    }

    /// Takes the lock if nobody holds it.
    static func attempt(_ path: String) throws -> FileLock? {
        while true {
            let lock = FileLock(Descriptor(owning: try HomeFile.open(path, O_RDWR | O_CREAT)))
            while flock(lock.descriptor.raw, LOCK_EX | LOCK_NB) != 0 {
                switch errno {
                case EINTR: continue
                case EWOULDBLOCK: return nil
                default: throw SystemError("flock \(path)")
                }
            }
            if lock.isInPlace(path) { return lock }
        }
    }

    /// Waits for the lock, blocking the thread.
    static func wait(_ path: String) throws -> FileLock {
        while true {
            let lock = FileLock(Descriptor(owning: try HomeFile.open(path, O_RDWR | O_CREAT)))
            while flock(lock.descriptor.raw, LOCK_EX) != 0 {
                guard errno == EINTR else { throw SystemError("flock \(path)") }
            }
            if lock.isInPlace(path) { return lock }
        }
    }

    /// Whether the file that is locked is the one that has the name: one that was removed while it was opened, or waited
    /// for, keeps nobody out.
    borrowing func isInPlace(_ path: String) -> Bool {
        guard let here = FileIdentity(descriptor.raw) else { return false }
        return here == FileIdentity(path)
    }

    /// Writes down that this process holds it, for whoever finds it held (``holderIsDying(_:)``).
    borrowing func signHolder() {
        let text = "\(getpid())\n"
        _ = ftruncate(descriptor.raw, 0)
        _ = pwrite(descriptor.raw, text, text.utf8.count, 0)
    }

    /// Whether the process that has signed a lock that is held has been killed and not yet ended: a lock is free only
    /// once the kernel has taken its holder apart, some milliseconds after the signal.
    static func holderIsDying(_ path: String) -> Bool {
        guard let bytes = ProcessTable.read(path),
            let pid = pid_t(String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
        else { return false }
        return ProcessTable.isDying(pid)
    }
}

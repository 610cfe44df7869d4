import CLinux
import Foundation

/// An exclusive `flock` on a file. It belongs to the open file, so it passes to a child that inherits
/// the descriptor, and is free the moment the last process that has it ends, however it ends.
struct FileLock: ~Copyable, Sendable {
    let descriptor: Descriptor

    /// Takes over a descriptor that holds the lock already, inherited from a parent.
    init(inherited raw: CInt) {
        clinux_set_cloexec(raw)
        descriptor = Descriptor(owning: raw)
    }

    private init(_ descriptor: consuming Descriptor) {
        self.descriptor = descriptor
    }

    /// Takes the lock if nobody holds it.
    static func attempt(_ path: String) throws(SystemError) -> FileLock? {
        let descriptor = try openFile(path)
        while flock(descriptor.raw, LOCK_EX | LOCK_NB) != 0 {
            switch errno {
            case EINTR: continue
            case EWOULDBLOCK: return nil
            default: throw SystemError("flock \(path)")
            }
        }
        return FileLock(descriptor)
    }

    /// Waits for the lock, blocking the thread.
    static func wait(_ path: String) throws(SystemError) -> FileLock {
        let descriptor = try openFile(path)
        while flock(descriptor.raw, LOCK_EX) != 0 {
            guard errno == EINTR else { throw SystemError("flock \(path)") }
        }
        return FileLock(descriptor)
    }

    private static func openFile(_ path: String) throws(SystemError) -> Descriptor {
        let raw = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard raw >= 0 else { throw SystemError("open \(path)") }
        return Descriptor(owning: raw)
    }
}

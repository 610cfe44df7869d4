import CLinux
import Foundation

/// An exclusive `flock` on a file. It belongs to the open file, so it passes to a child that inherits
/// the descriptor, and is free the moment the last process that has it ends, however it ends.
struct FileLock: ~Copyable, Sendable {
    let descriptor: Descriptor

    /// Takes over a descriptor that holds the lock on `path` already, inherited from a parent. One that
    /// is something else is refused: without the lock there could be two that think they have it.
    init(inherited raw: CInt, of path: String) throws(SystemError) {
        var there = stat()
        var here = stat()
        guard fstat(raw, &here) == 0, stat(path, &there) == 0, here.st_dev == there.st_dev, here.st_ino == there.st_ino
        else { throw SystemError("inherit the lock on \(path)", code: EBADF) }
        clinux_set_cloexec(raw)
        guard flock(raw, LOCK_EX | LOCK_NB) == 0 else { throw SystemError("inherit the lock on \(path)") }
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

    /// Writes down that this process holds it, for whoever finds it held (``holderIsDying(_:)``).
    func signHolder() {
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

    private static func openFile(_ path: String) throws(SystemError) -> Descriptor {
        let raw = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard raw >= 0 else { throw SystemError("open \(path)") }
        return Descriptor(owning: raw)
    }
}

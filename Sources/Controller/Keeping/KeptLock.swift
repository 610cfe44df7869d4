import EventLog
import Foundation
import Synchronization

/// A lock that a process holds for as long as it lives, on a file that somebody may remove: then whoever asks for it next
/// makes another file, gets that one's, and there are two that think they have it.
///
/// So the holder looks, once in a while and before it acts. While nobody else has the new file's lock it takes that, and
/// nothing has happened: those who waited for the old one wait for the new one as soon as the old is let go
/// (``FileLock/wait(_:)``). Where somebody has it, it is theirs.
final class KeptLock: Sendable {
    private let path: String
    private let held: Mutex<FileLock?>
    private let look = Mutex<PeriodicLook?>(nil)

    /// The time between two looks: two system calls.
    private static let lookSeconds: Double = 5

    /// - Parameter whenLost: called again and again once the lock is somebody else's; nil for a holder that looks by
    ///   itself, whenever it is awake for something else.
    init(_ lock: consuming FileLock, of path: String, whenLost: (@Sendable () -> Void)? = nil) {
        self.path = path
        lock.signHolder()
        held = Mutex(lock)
        guard let whenLost else { return }
        let each = PeriodicLook(everySeconds: Self.lookSeconds) { [weak self] in
            if let self, !self.isKept() { whenLost() }
        }
        look.withLock { $0 = each }
    }

    /// Whether this process holds the lock that everybody asks for, if need be from now on.
    func isKept() -> Bool {
        held.withLock { held in
            guard held != nil else { return true }
            if held?.isInPlace(path) == true { return true }
            // Somebody who only looks holds it for a moment.
            for _ in 0..<10 {
                do {
                    if let anew = try FileLock.attempt(path) {
                        anew.signHolder()
                        held = consume anew
                        return true
                    }
                } catch let failure as HomeFailure where failure.isMissing {
                    // With the home itself the log is gone, which whoever has it open sees.
                    mkdir((path as NSString).deletingLastPathComponent, 0o700)
                } catch {
                    return true  // what nobody can open, nobody else has
                }
                usleep(10_000)
            }
            return false
        }
    }

    func release() {
        look.withLock { $0 = nil }
        held.withLock { $0 = nil }
    }
}

import Foundation
import GRDB
import Synchronization

/// How a connection waits for a lock of SQLite's that somebody else holds. SQLite itself sleeps for a millisecond at least,
/// and for a tenth of a second in the end; whoever has been called by ``DurableTransaction/callNext(_:)`` has some tenths of a
/// millisecond to wait.
final class BusyWait: Sendable {
    private struct Wait {
        var begun = SuspendingClock.now
        var sleptMicroseconds: UInt32 = 0
    }

    private let limitMicroseconds: UInt32
    private let wait = Mutex(Wait())

    /// - Parameter seconds: after how much sleep it gives up, with SQLITE_BUSY. Time in which its process is stopped, or the
    ///   machine is, does not count.
    init(seconds: Double) { limitMicroseconds = UInt32(min(max(seconds, 0), 3_600) * 1_000_000) }

    /// For `Configuration.busyMode`.
    var mode: Database.BusyMode { .callback { [self] in waits($0) } }

    /// - Parameter tries: how often the lock was tried again since it was found held.
    /// - Returns: whether to try again.
    private func waits(_ tries: Int) -> Bool {
        let napMicroseconds = wait.withLock { wait -> UInt32? in
            if tries == 0 { wait = Wait() }
            // Awake at first, and the processor is left to whoever can use it: where two cores were all there is, to do
            // nothing but wait took a third of what all who wrote did.
            if wait.sleptMicroseconds == 0, .now - wait.begun < .milliseconds(2) { return 0 }
            guard wait.sleptMicroseconds < limitMicroseconds else { return nil }
            let nap = min(max(100, wait.sleptMicroseconds / 8), 10_000)
            wait.sleptMicroseconds += nap
            return nap
        }
        guard let napMicroseconds else { return false }
        if napMicroseconds == 0 { sched_yield() } else { usleep(napMicroseconds) }
        return true
    }
}

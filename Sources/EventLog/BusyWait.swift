import Foundation
import GRDB
import Synchronization

/// How a connection waits for a lock of SQLite's that somebody else holds. SQLite itself sleeps for a millisecond at least,
/// and for a tenth of a second in the end; whoever has been called by ``DurableTransaction/callNext(_:)`` has a tenth of a
/// millisecond to wait.
final class BusyWait: Sendable {
    private let seconds: Double
    private let begun = Mutex(ContinuousClock.now)

    /// - Parameter seconds: after how long it gives up, with SQLITE_BUSY.
    init(seconds: Double) { self.seconds = seconds }

    /// For `Configuration.busyMode`.
    var mode: Database.BusyMode { .callback { [self] in waits($0) } }

    /// - Parameter tries: how often the lock was tried again since it was found held.
    /// - Returns: whether to try again.
    private func waits(_ tries: Int) -> Bool {
        if tries == 0 { begun.withLock { $0 = .now } }
        // The processor is left to whoever can use it. It is not waited for by doing nothing else: with two cores that took
        // a third of what all who write do.
        guard tries >= Self.turns else { return sched_yield() == 0 }
        guard begun.withLock({ ContinuousClock.now - $0 }) < .seconds(seconds) else { return false }
        usleep(UInt32(min(tries - Self.turns + 1, 100)) * 100)
        return true
    }

    /// How often others are let run before it sleeps.
    private static let turns = 200
}

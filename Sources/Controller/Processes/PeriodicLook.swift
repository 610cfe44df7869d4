import CLinux
import Foundation
import Synchronization

/// A look that a process takes every few seconds for as long as it lives, should nothing else have told it.
///
/// All looks of a process share one thread that sleeps in the kernel, and those of one interval share the wake. A timer of
/// Dispatch would wake the thread that keeps its timers, then a worker, and that worker would have ended from idleness and
/// be made anew each time: ten switches of context for two calls of `stat`.
final class PeriodicLook: Sendable {
    private let id: Int

    /// - Parameter look: runs on the shared thread, so it is to be short.
    init(everySeconds seconds: Double, _ look: @escaping @Sendable () -> Void) {
        id = Rounds.shared.add(Rounds.Turn(interval: .seconds(seconds), due: .now + .seconds(seconds), look: look))
    }

    /// Ends it. A look that has begun goes on.
    func cancel() { Rounds.shared.remove(id) }

    deinit { cancel() }
}

/// The thread of all ``PeriodicLook``s.
private final class Rounds: Sendable {
    static let shared = Rounds()

    struct Turn {
        let interval: Duration
        var due: ContinuousClock.Instant
        let look: @Sendable () -> Void
    }

    private struct Turns {
        var byID: [Int: Turn] = [:]
        var nextID = 0
        var isRunning = false
    }

    private let turns = Mutex(Turns())
    /// Written to when there is one more turn, which may come before all others.
    private let news = Descriptor(owning: clinux_event())

    func add(_ turn: Turn) -> Int {
        let (id, isFirst) = turns.withLock { turns in
            defer { (turns.nextID, turns.isRunning) = (turns.nextID + 1, true) }
            var turn = turn
            // With those of its interval that are there already.
            if let other = turns.byID.values.first(where: { $0.interval == turn.interval }) { turn.due = other.due }
            turns.byID[turns.nextID] = turn
            return (turns.nextID, !turns.isRunning)
        }
        if isFirst { run() } else { eventfd_write(news.raw, 1) }
        return id
    }

    /// Nobody is woken for it: the thread finds fewer turns when it wakes for the next.
    func remove(_ id: Int) {
        // What a look holds is let go of when the lock is: it may hold another look, whose end comes here too.
        let removed = turns.withLock { $0.byID.removeValue(forKey: id) }
        withExtendedLifetime(removed) {}
    }

    private func run() {
        let thread = Thread {
            while true {
                for look in self.takeDue() { look() }
                self.sleep()
            }
        }
        thread.stackSize = 256 * 1024
        thread.start()
    }

    private func takeDue() -> [@Sendable () -> Void] {
        let now = ContinuousClock.now
        return turns.withLock { turns in
            turns.byID.compactMap { (id, turn) in
                guard turn.due <= now else { return nil }
                turns.byID[id]?.due = now + turn.interval
                return turn.look
            }
        }
    }

    /// Until the next turn, or until there is a new one.
    private func sleep() {
        let next = turns.withLock { $0.byID.values.map(\.due).min() }
        // Without a descriptor for it (there may be none left), news is noticed after a while.
        let longest: Double = news.raw < 0 ? 1_000 : 60_000
        let untilNext = next.map { ContinuousClock.now.duration(to: $0) / .milliseconds(1) }
        let milliseconds = min(max(0, untilNext ?? longest), longest).rounded(.up)
        var waited = pollfd(fd: news.raw, events: Int16(POLLIN), revents: 0)
        guard poll(&waited, 1, CInt(milliseconds)) > 0 else { return }
        var count: UInt64 = 0
        eventfd_read(news.raw, &count)
    }
}

import Lifecycle

extension Laws {
    /// Since when a controller has been idle, and what its window counts from: from now, unless somebody kept the clock,
    /// or from the end of a pause that was over before anybody looked. A part of law L4.
    struct Idleness {
        /// When it began, across changes of policy and pauses.
        private var since: Instant?
        /// The last event in it, and whether it waited for a deadline then: one that waits for none does not tell how far
        /// the wall clock was set meanwhile.
        private var seen: Instant?
        private var hasDeadline = false
        private var isKnown = true
        private var clock = Clock.fromNow

        private enum Clock: Equatable {
            case fromNow
            case from(Int64)
            /// As it was, by clocks that were set.
            case unknown
        }

        mutating func see(_ stamped: StampedEvent, isPaused: Bool, in transaction: Transaction) throws(Violation) {
            let now = transaction.now
            if let seen, !seen.isInStep(with: now), !hasDeadline || seen.bootID != now.bootID {
                isKnown = false
            }
            seen = since == nil ? nil : now
            switch stamped.event {
            case .controllerPolicySet(let event) where event.idleVersion != nil:
                guard case .setAutostop(_, keepClock: true) = transaction.command, let since else {
                    clock = .fromNow
                    return
                }
                let idle = now.bootMicroseconds - since.bootMicroseconds
                clock = isKnown ? .from(now.wallMicroseconds - idle) : .unknown
            case .controllerAutostopPaused(let event) where event.idleVersion != nil: clock = .fromNow
            case .controllerAutostopResumed(let event) where event.idleVersion != nil:
                clock = event.latenessMicroseconds.map { .from(now.wallMicroseconds - $0) } ?? .fromNow
            case .controllerWoken(let event):
                clock = .unknown
                guard !isKnown || event.idleMicroseconds == since.map({ now.bootMicroseconds - $0.bootMicroseconds })
                else {
                    throw Violation(law: "L4", what: "it was not idle for \(event.idleMicroseconds) us")
                }
                guard case .controllerIdle = transaction.event(after: stamped) else { return forget() }
            case .controllerStopping, .controllerTerminating: forget()
            case .controllerIdle(let event): try begin(event, isPaused: isPaused, transaction)
            default: break
            }
        }

        private mutating func forget() {
            (since, seen, hasDeadline, isKnown, clock) = (nil, nil, false, true, .fromNow)
        }

        private mutating func begin(
            _ event: ControllerIdle, isPaused: Bool, _ transaction: Transaction
        ) throws(Violation) {
            guard (since == nil) == (event.sinceMicroseconds == nil) else {
                throw Violation(law: "L4", what: "it has been idle since another time")
            }
            if since == nil { since = transaction.now }
            (seen, hasDeadline) = (transaction.now, event.deadline != nil)
            let known: Int64? = event.clockSinceMicroseconds
            switch clock {
            case .unknown: break
            case .fromNow where known == nil: break
            case .from(let moment) where known == moment || isPaused && known == nil: break
            case .fromNow, .from: throw Violation(law: "L4", what: "the idle window counts from another time")
            }
        }
    }
}

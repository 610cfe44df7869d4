import Lifecycle

extension Laws {
    /// Since when a controller has been idle, and what its window counts from: from now, unless somebody kept the clock,
    /// or from the end of a pause that was over before anybody looked. A part of law L4.
    struct Idleness {
        /// When it began, across changes of policy and pauses.
        private var since: Instant?
        /// Whether nobody has set the wall clock since, which is what tells how long it has been.
        private var isInStep = true
        private var clock = Clock.fromNow

        private enum Clock: Equatable {
            case fromNow
            case from(Int64)
            /// As it was, by clocks that were set.
            case unknown
        }

        mutating func see(_ stamped: StampedEvent, isPaused: Bool, in transaction: Transaction) throws(Violation) {
            if let since, !since.isInStep(with: transaction.now) { isInStep = false }
            switch stamped.event {
            case .controllerPolicySet(let event) where event.idleVersion != nil:
                guard case .setAutostop(_, keepClock: true) = transaction.command, let since else {
                    clock = .fromNow
                    return
                }
                clock = isInStep ? .from(since.wallMicroseconds) : .unknown
            case .controllerAutostopPaused(let event) where event.idleVersion != nil: clock = .fromNow
            case .controllerAutostopResumed(let event) where event.idleVersion != nil:
                clock = event.latenessMicroseconds.map { .from(transaction.now.wallMicroseconds - $0) } ?? .fromNow
            case .controllerWoken:
                clock = .unknown
                guard case .controllerIdle = transaction.event(after: stamped) else { return forget() }
            case .controllerStopping, .controllerTerminating: forget()
            case .controllerIdle(let event): try begin(event, isPaused: isPaused, transaction)
            default: break
            }
        }

        private mutating func forget() { (since, isInStep, clock) = (nil, true, .fromNow) }

        private mutating func begin(
            _ event: ControllerIdle, isPaused: Bool, _ transaction: Transaction
        ) throws(Violation) {
            let began = since
            if since == nil { since = transaction.now }
            guard isInStep, event.sinceMicroseconds == began?.wallMicroseconds else {
                guard !isInStep else { throw Violation(law: "L4", what: "it has been idle since another time") }
                return
            }
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

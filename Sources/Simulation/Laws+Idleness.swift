import Lifecycle

extension Laws {
    /// Since when a controller has been idle, and what its window counts from: from now, unless somebody kept the clock,
    /// or from the end of a pause that was over before anybody looked. A part of law L4.
    struct Idleness {
        /// When it began, across changes of policy and pauses.
        private var since: Instant?
        /// The last event in it. Nobody can tell how far the wall clock was set between two boots.
        private var seen: Instant?
        private var isKnown = true
        private var clock = Clock.fromNow
        /// Since when by the wall clock as it was set when the deadline was worked out, and what the window counts from.
        private var sinceWall: Int64 = 0
        private var clockFrom: Int64 = 0
        /// When the deadline was worked out, or carried over to this boot.
        private var workedOut: Instant?

        /// How far the wall clock was set since then, as far as one boot can tell.
        private func moved(_ now: Instant) -> Int64 {
            guard let workedOut, workedOut.bootID == now.bootID else { return 0 }
            return (now.wallMicroseconds - now.bootMicroseconds)
                - (workedOut.wallMicroseconds - workedOut.bootMicroseconds)
        }

        private enum Clock: Equatable {
            case fromNow
            case from(Int64)
            /// As it was, by clocks that were set.
            case unknown
        }

        mutating func see(_ stamped: StampedEvent, isPaused: Bool, in transaction: Transaction) throws(Violation) {
            let now = transaction.now
            if let seen, seen.bootID != now.bootID { isKnown = false }
            seen = since == nil ? nil : now
            switch stamped.event {
            case .controllerPolicySet(let event) where event.idleVersion != nil:
                clock = .fromNow
                if case .setAutostop(_, keepClock: true) = transaction.command, let since {
                    let idle = now.bootMicroseconds - since.bootMicroseconds
                    clock = isKnown ? .from(now.wallMicroseconds - idle) : .unknown
                }
            case .controllerAutostopPaused(let event) where event.idleVersion != nil: clock = .fromNow
            case .controllerAutostopResumed(let event) where event.idleVersion != nil:
                clock = event.latenessMicroseconds.map { .from(now.wallMicroseconds - $0) } ?? .fromNow
            case .controllerWoken(let event):
                clock = .from(clockFrom + moved(now))
                guard !isKnown || event.idleMicroseconds == since.map({ now.bootMicroseconds - $0.bootMicroseconds })
                else {
                    throw Violation(law: "L4", what: "it was not idle for \(event.idleMicroseconds) us")
                }
            case .controllerStopping, .controllerTerminating: forget()
            case .controllerRecovered: if let workedOut, workedOut.bootID != now.bootID { self.workedOut = now }
            case .controllerIdle(let event): try begin(event, isPaused: isPaused, transaction)
            default: break
            }
            // The period that was ended is over for good where no other takes its place.
            guard stamped.event.endsIdlePeriod else { return }
            if case .controllerIdle = transaction.event(after: stamped) { return }
            forget()
        }

        private mutating func forget() {
            (since, seen, isKnown, clock) = (nil, nil, true, .fromNow)
            workedOut = nil
        }

        private mutating func begin(
            _ event: ControllerIdle, isPaused: Bool, _ transaction: Transaction
        ) throws(Violation) {
            guard (since == nil) == (event.sinceMicroseconds == nil) else {
                throw Violation(law: "L4", what: "it has been idle since another time")
            }
            let now = transaction.now
            sinceWall = since == nil ? now.wallMicroseconds : sinceWall + moved(now)
            guard event.sinceMicroseconds ?? sinceWall == sinceWall else {
                throw Violation(law: "L4", what: "it has been idle since \(sinceWall), and says another time")
            }
            if since == nil { since = now }
            clockFrom = event.clockSinceMicroseconds ?? now.wallMicroseconds
            (workedOut, seen) = (now, now)
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

extension Event {
    /// Whether it ends an idle period, if there is one, in whose place another may begin.
    fileprivate var endsIdlePeriod: Bool {
        switch self {
        case .controllerWoken, .controllerPolicySet, .controllerAutostopPaused, .controllerAutostopResumed: true
        default: false
        }
    }
}

import Lifecycle

extension Laws {
    /// A moment to come, by own arithmetic: on the boot it was set on the boot clock decides, on another the wall clock.
    struct Timer {
        private(set) var dueWall: Int64
        private(set) var dueBoot: Int64
        private(set) var bootID: String
        /// How long it was from when it was set.
        private(set) var span: Int64
        /// Stream version of the event that set it.
        var generation: Int

        init(seconds: Double, after now: Instant, generation: Int) {
            span = Int64(max(0, seconds) * 1e6)
            (dueWall, dueBoot, bootID) = (now.wallMicroseconds + span, now.bootMicroseconds + span, now.bootID)
            self.generation = generation
        }

        /// What is left at `now`; less than 0 for how late it is.
        func left(at now: Instant) -> Int64 {
            bootID == now.bootID ? dueBoot - now.bootMicroseconds : dueWall - now.wallMicroseconds
        }

        /// The wall clock tells what is left on another boot, and is believed up to the whole span.
        mutating func carryOver(to now: Instant, atLeastSeconds: Double? = nil) {
            var left = left(at: now)
            let least = atLeastSeconds.map { Int64($0 * 1e6) } ?? .min
            guard bootID != now.bootID || left < least else { return }
            left = max(least, bootID == now.bootID ? left : min(left, span))
            (dueWall, dueBoot, bootID) = (now.wallMicroseconds + left, now.bootMicroseconds + left, now.bootID)
        }

        /// Seconds are fractions there, and whole microseconds here.
        func isThat(of deadline: Deadline) -> Bool {
            abs(dueWall - deadline.wallMicroseconds) <= 1 && abs(dueBoot - deadline.bootMicroseconds) <= 1
                && bootID == deadline.bootID && abs(span - deadline.spanMicroseconds) <= 1
        }

        mutating func take(_ deadline: Deadline) {
            (dueWall, dueBoot, span) = (deadline.wallMicroseconds, deadline.bootMicroseconds, deadline.spanMicroseconds)
        }
    }

    /// Every deadline but that of idleness, of which there is more to say: how long it is by what was accepted, when it
    /// is over on clocks that jump and boots that change, and that what it leads to comes neither before nor without it.
    struct Timers {
        private(set) var open: [PendingDeadline.Key: Timer] = [:]
        /// While it is stopped: since when.
        private var stoppedAt: Instant?

        mutating func see(
            _ stamped: StampedEvent, _ specs: Specs, _ policy: Policy, in transaction: Transaction
        ) throws(Violation) {
            let now = transaction.now
            let version = stamped.stamp.version
            switch stamped.event {
            case .controllerStarting(let event):
                (open[.termination], stoppedAt) = (nil, nil)
                // How long it may be held back is of law `churn`.
                accept(.start, event.heldUntil, now, version)
            case .controllerStartDue(let event): try fire(.start, event.latenessMicroseconds, now)
            case .controllerStarted, .controllerStartFailed, .controllerStopping: open[.start] = nil
            case .controllerTerminating(let event):
                if let lateness = event.latenessMicroseconds, event.idleVersion == nil {
                    try fire(.termination, lateness, now)
                }
                (open[.termination], open[.start], stoppedAt) = (nil, nil, nil)
            case .controllerTerminated: open = [:]
            case .controllerStopped(let event):
                var seconds = policy.inForce.terminateAfterSeconds?.value
                if case .controllerStarting = transaction.event(after: stamped) { seconds = nil }
                stoppedAt = now
                try expect(.termination, event.terminateAt, seconds, now, version)
            case .controllerPolicySet(let event):
                try see(event, version, policy, transaction)
            case .controllerAutostopPaused(let event):
                guard case .pauseAutostop(let seconds, _) = transaction.command else {
                    throw Violation(law: "L4", what: "autostop is paused, and nobody wants it")
                }
                try expect(.pauseEnd, event.until, seconds, now, version)
            case .controllerAutostopResumed(let event):
                if let lateness = event.latenessMicroseconds { try fire(.pauseEnd, lateness, now) }
                open[.pauseEnd] = nil
            case .controllerRecovered: carryOver(to: now, specs)
            case .serviceGone(let event): open = open.filter { $0.key.service != event.service }
            default:
                try seeReplica(stamped, specs, now)
                try seeLoadBalancer(stamped, now)
            }
        }

        /// What becomes of the end of a controller that is stopped, when somebody says when that is to be.
        private mutating func see(
            _ event: ControllerPolicySet, _ version: Int, _ policy: Policy, _ transaction: Transaction
        ) throws(Violation) {
            guard let stoppedAt, case .setAutostop(let change, let keepClock) = transaction.command else { return }
            let now = transaction.now
            guard keepClock || change.terminateAfterSeconds != nil else {
                open[.termination]?.generation = version
                return
            }
            let seconds = policy.inForce.terminateAfterSeconds?.value
            if keepClock, let seconds, stoppedAt.bootID != now.bootID {
                // Nobody can tell how long it has been stopped, but it is no longer than that from now.
                accept(.termination, event.terminateAt, now, version)
                guard let timer = open[.termination], timer.span <= Int64(seconds * 1e6) else {
                    throw Violation(law: "L4", what: "it is to be terminated later than it may stay stopped")
                }
                return
            }
            let elapsed = keepClock ? Double(now.bootMicroseconds - stoppedAt.bootMicroseconds) / 1e6 : 0
            try expect(.termination, event.terminateAt, seconds.map { $0 - elapsed }, now, version)
        }

        private mutating func carryOver(to now: Instant, _ specs: Specs) {
            for key in open.keys {
                var least: Double?
                // A replica is asked once more, for it may have become ready while nobody was there to ask.
                if case .readiness(let service, let replica) = key {
                    least = specs.services[service]?.spec(of: replica).map { $0.readinessProbe.timeoutSeconds + 1 }
                }
                open[key]?.carryOver(to: now, atLeastSeconds: least)
            }
        }

        /// A deadline as long as it must be.
        mutating func expect(
            _ key: PendingDeadline.Key, _ deadline: Deadline?, _ seconds: Double?, _ now: Instant, _ version: Int
        ) throws(Violation) {
            open[key] = seconds.map { Timer(seconds: $0, after: now, generation: version) }
            guard let deadline, open[key]?.isThat(of: deadline) == true else {
                guard deadline == nil, seconds == nil else {
                    throw Violation(law: key.law, what: "the deadline \(key) is not \(seconds ?? -1) s from now")
                }
                return
            }
            open[key]?.take(deadline)
        }

        /// A deadline of which another law says how long it may be.
        mutating func accept(_ key: PendingDeadline.Key, _ deadline: Deadline?, _ now: Instant, _ version: Int) {
            open[key] = deadline.map {
                Timer(
                    seconds: Double($0.bootMicroseconds - now.bootMicroseconds) / 1e6, after: now, generation: version)
            }
            if let deadline { open[key]?.take(deadline) }
        }

        /// It is over now, and by as much as is recorded.
        mutating func fire(_ key: PendingDeadline.Key, _ lateness: Int64?, _ now: Instant) throws(Violation) {
            guard let timer = open.removeValue(forKey: key) else {
                throw Violation(law: key.law, what: "the deadline \(key) fires, and nobody waits for it")
            }
            let left = timer.left(at: now)
            guard left <= 0, lateness == -left else {
                throw Violation(
                    law: key.law,
                    what: "the deadline \(key) fires \(left) us early, recorded is \(lateness ?? -1) us late")
            }
        }

        mutating func drop(_ key: PendingDeadline.Key) { open[key] = nil }

        /// Something begins that was to wait.
        func checkIsOver(_ key: PendingDeadline.Key) throws(Violation) {
            guard open[key] != nil else { return }
            throw Violation(law: key.law, what: "it comes before the deadline \(key) is over")
        }

        /// What is waited for is what the books say.
        func check(_ transaction: Transaction) throws(Violation) {
            let state = transaction.after
            var missing = Set(open.keys)
            for pending in state.pendingDeadlines where pending.key != .idle {
                missing.remove(pending.key)
                guard let timer = open[pending.key], timer.isThat(of: pending.deadline),
                    timer.generation == pending.generation
                else {
                    throw Violation(law: pending.key.law, what: "the deadline \(pending.key) is another than it was")
                }
            }
            // What is to be served at the next start is not lost.
            if !state.services.isEmpty { missing.remove(.termination) }
            if let key = missing.first { throw Violation(law: key.law, what: "the deadline \(key) is forgotten") }
            guard transaction.isOfPeople else { return }
            for key in [PendingDeadline.Key.start, .pauseEnd, .termination] {
                guard let timer = open[key], timer.generation <= transaction.before.version,
                    timer.left(at: transaction.now) <= 0, key != .termination || transaction.before.services.isEmpty
                else { continue }
                throw Violation(
                    law: key.law, what: "somebody's command comes before the deadline \(key), which was over")
            }
        }

        /// Whether one of the controller itself is over that nobody has seen to.
        func hasOwnOverdue(_ now: Instant) -> Bool {
            open.contains { $0.key.service == nil && $0.value.left(at: now) <= 0 }
        }

        /// Whoever looks sees what is due.
        func checkNothingIsDue(_ now: Instant) throws(Violation) {
            for (key, timer) in open where key != .termination && timer.left(at: now) <= 0 {
                throw Violation(law: key.law, what: "the deadline \(key) is over, and the process does nothing")
            }
        }
    }
}

extension PendingDeadline.Key {
    /// The law that such a deadline is of.
    fileprivate var law: String {
        switch self {
        case .idle, .pauseEnd, .termination: "L4"
        case .start: "churn"
        case .readiness, .drain: "window"
        case .launch, .cleanup, .loadBalancerLaunch, .loadBalancerCleanup: "back-off"
        }
    }
}

import Lifecycle

extension Laws {
    /// When a controller was started, and how often in vain: starts keep their distance, and failed ones keep more of it
    /// the more there are.
    struct Starts {
        private var last: Instant?
        /// What was asked for with the start that comes next; another policy meanwhile is for the one after.
        private var interval: Double?
        private var failures = 0
        private var lastFailure: Instant?

        /// The longest that failures hold a start back, and how much of it chance may take away.
        private static let capSeconds: Double = 300
        private static let leastShare = 0.8

        func isHeld(_ state: ControllerState) -> Bool {
            state.heldStart != nil && state.status == .starting
        }

        mutating func asked(_ policy: AutostopPolicy) { interval = policy.minStartIntervalSeconds?.value }

        /// A start is held back for no longer than it must be, as far as chance allows.
        func checkHold(_ heldUntil: Deadline?, _ now: Instant) throws(Violation) {
            var most = 0.0
            if let last, let interval { most = interval - last.seconds(until: now) }
            if let lastFailure, failures > 0 {
                let longest = Self.pause(after: failures) * (2 - Self.leastShare)
                most = max(most, longest - lastFailure.seconds(until: now))
            }
            guard let heldUntil else { return }
            let seconds = Double(heldUntil.bootMicroseconds - now.bootMicroseconds) / 1e6
            guard most > 0, seconds <= most + 1e-5 else {
                throw Violation(law: "churn", what: "a start is held back for \(seconds) s, not for \(most) s")
            }
        }

        /// About how long the next start waits, chance aside.
        private static func pause(after failures: Int) -> Double {
            var least = 1.0
            for _ in 1..<max(1, failures) { least = min(capSeconds, least * 2) }
            return least
        }

        /// A start begins now. On another boot than the last only the wall clock tells, which may have been set.
        mutating func began(_ now: Instant) throws(Violation) {
            defer { last = now }
            if let last, last.bootID == now.bootID, let interval {
                let seconds = Double(now.bootMicroseconds - last.bootMicroseconds) / 1e6
                // Deadlines are whole microseconds.
                guard seconds + 1e-5 >= interval else {
                    throw Violation(law: "churn", what: "started \(seconds) s after the last start, not \(interval) s")
                }
            }
            if let lastFailure, lastFailure.bootID == now.bootID {
                let seconds = Double(now.bootMicroseconds - lastFailure.bootMicroseconds) / 1e6
                guard seconds + 1e-5 >= Self.pause(after: failures) * Self.leastShare else {
                    throw Violation(law: "churn", what: "started \(seconds) s after \(failures) failed starts")
                }
            }
        }

        mutating func succeeded() { (failures, lastFailure) = (0, nil) }

        mutating func failed(_ now: Instant) {
            failures += 1
            lastFailure = now
        }
    }
}

extension Instant {
    /// Seconds from here to a later moment, on the boot clock where that tells; none where the wall clock was set back.
    fileprivate func seconds(until later: Instant) -> Double {
        let microseconds =
            bootID == later.bootID
            ? later.bootMicroseconds - bootMicroseconds : later.wallMicroseconds - wallMicroseconds
        return max(0, Double(microseconds) / 1e6)
    }
}

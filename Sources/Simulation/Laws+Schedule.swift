import Lifecycle

extension Laws {
    /// The one window of the day in which controllers of the simulation are kept warm, in minutes, UTC.
    static let warmFromMinute = 8 * 60
    static let warmToMinute = 22 * 60

    private static func isWarm(at microseconds: Int64) -> Bool {
        let minute = microseconds / 60_000_000 % 1_440
        return minute >= warmFromMinute && minute < warmToMinute
    }

    /// By own arithmetic: time that is kept warm does not count, so it is never less than the window unless there is a
    /// time to stop at; and never in that time.
    func checkScheduled(
        _ event: ControllerIdle, _ schedule: Schedule, isPaused: Bool, _ now: Instant
    ) throws(Violation) {
        guard let left = event.deadline?.remainingMicroseconds(at: now) else {
            guard isPaused || event.idleTimeoutSeconds == nil else {
                throw Violation(law: "L4", what: "a window and times of the week without a deadline")
            }
            return
        }
        guard event.idleTimeoutSeconds != nil else {
            throw Violation(law: "L4", what: "a deadline for a controller that never stops by itself")
        }
        // One that is over just as such a time begins was over before it.
        let due = now.wallMicroseconds + left
        guard !isPaused, !Self.isWarm(at: due) || !Self.isWarm(at: due - 1) else {
            throw Violation(law: "L4", what: "the idle deadline is at a time that is kept warm")
        }
        guard schedule.stopAt.isEmpty, event.clockSinceMicroseconds == nil, let window = event.idleTimeoutSeconds else {
            return
        }
        // A warm window and what is left of another can come before it, no more.
        let least = Int64(window * 1e6)
        let most = least + 2 * 86_400_000_000
        guard left + 1 >= least, left <= most else {
            throw Violation(law: "L4", what: "the idle deadline is \(left) us away, the window \(least) us")
        }
    }

    func checkIsNotWarm(_ schedule: Schedule?, _ before: ControllerState, _ now: Instant) throws(Violation) {
        guard schedule != nil, Self.isWarm(at: now.wallMicroseconds) else { return }
        throw Violation(law: "L4", what: "\(before.name) stops at a time that it is kept warm")
    }
}

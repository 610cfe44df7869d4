import Lifecycle

extension Laws {
    /// Times of the week, minute by minute and in UTC, by own arithmetic.
    struct Week {
        var schedule: Schedule

        private static let minute: Int64 = 60_000_000
        private static let minutesADay: Int64 = 1_440
        /// A day that was a Friday, since 1970.
        private static let friday: Int64 = 20_833

        /// 0 is Monday.
        private static func weekday(_ day: Int64) -> Int { Int(((day - friday + 4) % 7 + 7) % 7) }

        func isWarm(_ microseconds: Int64) -> Bool {
            let (day, minute) = (microseconds / Self.minute).quotientAndRemainder(dividingBy: Self.minutesADay)
            return schedule.keepWarm.contains { window in
                let (start, end) = (Int64(window.startMinute), Int64(window.endMinute))
                let beginsToday = window.days.contains(Self.weekday(day)) && minute >= start
                if start < end { return beginsToday && minute < end }
                return beginsToday || window.days.contains(Self.weekday(day - 1)) && minute < end
            }
        }

        /// Time from one moment to another that counts.
        func counted(from start: Int64, to end: Int64) -> Int64 {
            var (at, sum) = (start, Int64(0))
            while at < end {
                let next = min(end, (at / Self.minute + 1) * Self.minute)
                if !isWarm(at) { sum += next - at }
                at = next
            }
            return sum
        }

        /// When so much time that counts is over, from a moment on.
        func end(from start: Int64, counting microseconds: Int64) -> Int64 {
            var (at, left) = (start, microseconds)
            while true {
                let next = (at / Self.minute + 1) * Self.minute
                if !isWarm(at) {
                    if left <= next - at { return at + left }
                    left -= next - at
                }
                at = next
            }
        }

        /// The next time to stop at that is not kept warm.
        func nextStop(after now: Int64) -> Int64? {
            let today = now / Self.minute / Self.minutesADay
            let moments = schedule.stopAt.flatMap { moment in
                (today...today + 8).filter { moment.days.contains(Self.weekday($0)) }
                    .map { ($0 * Self.minutesADay + Int64(moment.minute)) * Self.minute }
            }
            return moments.filter { $0 > now && !isWarm($0) }.min()
        }
    }

    /// The deadline is when the window is over, counted without what is kept warm, or at the next time to stop at.
    func checkScheduled(
        _ event: ControllerIdle, _ schedule: Schedule, isPaused: Bool, wasMissed: Bool, _ now: Instant
    ) throws(Violation) {
        let week = Week(schedule: schedule)
        guard let left = event.deadline?.remainingMicroseconds(at: now) else {
            guard isPaused || event.idleTimeoutSeconds == nil else {
                throw Violation(law: "L4", what: "a window and times of the week without a deadline")
            }
            return
        }
        guard let window = event.idleTimeoutSeconds, !isPaused else {
            throw Violation(law: "L4", what: "a deadline for a controller that does not stop by itself")
        }
        let wall = now.wallMicroseconds
        if wasMissed, left <= 0 { return }
        let longest: Int64 = 14 * 86_400_000_000
        if let since = event.clockSinceMicroseconds, wall - since > longest { return }
        let elapsed = event.clockSinceMicroseconds.map { week.counted(from: $0, to: wall) } ?? 0
        let counted = week.end(from: wall, counting: max(0, Int64(window * 1e6) - elapsed))
        let due = min(counted, week.nextStop(after: wall) ?? .max)
        guard abs(wall + left - due) <= 1 else {
            throw Violation(law: "L4", what: "by times of the week it is \(wall + left - due) us late")
        }
    }

    func checkIsNotWarm(_ schedule: Schedule?, _ before: ControllerState, _ now: Instant) throws(Violation) {
        guard let schedule, Week(schedule: schedule).isWarm(now.wallMicroseconds) else { return }
        throw Violation(law: "L4", what: "\(before.name) stops at a time that it is kept warm")
    }
}

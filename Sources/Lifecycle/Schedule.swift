/// Times of the week at which idleness counts for nothing (`keep_warm`), and moments at which it counts for all
/// (`stop_at`), as the configuration says them. Local times in named zones: what they come to on a day with a change of
/// clocks is worked out from the zone's rules, which come in as an argument like the clock.
public struct Schedule: Hashable, Sendable, Codable {
    public var keepWarm: [WeeklyWindow]
    public var stopAt: [WeeklyMoment]

    public init(keepWarm: [WeeklyWindow] = [], stopAt: [WeeklyMoment] = []) {
        self.keepWarm = keepWarm
        self.stopAt = stopAt
    }
}

/// From a time of day to another, on some days of the week; one that ends no later than it begins ends on the next day.
public struct WeeklyWindow: Hashable, Sendable, Codable {
    /// On which it begins: 0 is Monday.
    public var days: [Int]
    /// Minutes since midnight; the end is 1440 at most.
    public var startMinute: Int
    public var endMinute: Int
    /// As the system's zone data names it, `Europe/Berlin`.
    public var timeZone: String
    /// As it was written.
    public var text: String

    public init(days: [Int], startMinute: Int, endMinute: Int, timeZone: String, text: String) {
        self.days = days
        self.startMinute = startMinute
        self.endMinute = endMinute
        self.timeZone = timeZone
        self.text = text
    }
}

/// A time of day, on some days of the week.
public struct WeeklyMoment: Hashable, Sendable, Codable {
    /// 0 is Monday.
    public var days: [Int]
    public var minute: Int
    public var timeZone: String
    public var text: String

    public init(days: [Int], minute: Int, timeZone: String, text: String) {
        self.days = days
        self.minute = minute
        self.timeZone = timeZone
        self.text = text
    }
}

/// What is known of time zones.
public struct TimeZones: Sendable {
    /// Seconds east of Greenwich in the zone of that name at a moment, in seconds since 1970. A zone nobody knows (any
    /// more) is taken for UTC.
    public var offsetSeconds: @Sendable (_ zone: String, _ atSeconds: Int64) -> Int64

    public init(_ offsetSeconds: @escaping @Sendable (_ zone: String, _ atSeconds: Int64) -> Int64) {
        self.offsetSeconds = offsetSeconds
    }

    public static let utc = TimeZones { _, _ in 0 }

    private static let daySeconds: Int64 = 86_400

    /// The day, since 1970, that it is in the zone.
    func day(_ zone: String, _ seconds: Int64) -> Int64 {
        let local = seconds &+ offsetSeconds(zone, seconds)
        return local / Self.daySeconds - (local % Self.daySeconds < 0 ? 1 : 0)
    }

    /// The moment at which a clock in the zone shows the minute of the day.
    ///
    /// - Parameter latest: which of two, on a day on which clocks are put back. One that is left out, on a day on which
    ///   they are put forward, comes as late as if they had not been.
    func moment(_ zone: String, day: Int64, minute: Int, latest: Bool) -> Int64 {
        let local = day &* Self.daySeconds &+ Int64(minute) &* 60
        let before = local &- offsetSeconds(zone, local &- Self.daySeconds)
        let after = local &- offsetSeconds(zone, local &+ Self.daySeconds)
        let right = [before, after].filter { $0 &+ offsetSeconds(zone, $0) == local }
        return (latest ? right.max() : right.min()) ?? before
    }
}

extension Schedule {
    /// Weeks looked ahead: a window of days counts only the hours outside of what is kept warm.
    private static let weeksAhead = 60
    private static let daysAWeek: Int64 = 7

    /// Whether idleness counts for nothing at a moment, in microseconds since 1970.
    public func isWarm(at microseconds: Int64, _ zones: TimeZones) -> Bool {
        let seconds = Self.seconds(microseconds)
        return warm(around: seconds, days: 1, zones).contains { $0.contains(seconds) }
    }

    /// When a controller that is idle from `now` on has been idle for its window: the times it is kept warm do not
    /// count, and it is no later than the next moment of `stop_at`.
    ///
    /// - Returns: microseconds since 1970; nil for never.
    func idleEnd(from now: Int64, windowSeconds: Double, _ zones: TimeZones) -> Int64? {
        let counted = countedEnd(from: now, windowSeconds, zones)
        guard let stop = nextStop(after: now, zones) else { return counted }
        return counted.map { Swift.min($0, stop) } ?? stop
    }

    /// Microseconds from one moment to another that count.
    func counted(from start: Int64, to end: Int64, _ zones: TimeZones) -> Int64 {
        guard !keepWarm.isEmpty, end > start else { return Swift.max(0, end &- start) }
        let days = (end &- start) / 1_000_000 / 86_400 &+ 1
        guard days < Int64(Self.weeksAhead) * Self.daysAWeek else { return end &- start }
        let warm = merged(warm(around: Self.seconds(start), days: days, zones))
        return warm.reduce(end &- start) { left, span in
            let from = Swift.max(start, span.lowerBound &* 1_000_000)
            let to = Swift.min(end, span.upperBound &* 1_000_000)
            return to > from ? left &- (to &- from) : left
        }
    }

    /// The end of a window that begins at `now`; nil when all the time there is is kept warm.
    private func countedEnd(from now: Int64, _ windowSeconds: Double, _ zones: TimeZones) -> Int64? {
        var left = Int64(Swift.min(windowSeconds, Deadline.longestSeconds) * 1_000_000)
        guard !keepWarm.isEmpty else { return now &+ left }
        var at = now
        for week in 0..<Int64(Self.weeksAhead) {
            // A day beyond the week at both ends, for zones and windows that pass midnight.
            let begins = now &+ week &* Self.daysAWeek &* 86_400_000_000
            let ends = begins &+ Self.daysAWeek &* 86_400_000_000
            for span in merged(warm(around: Self.seconds(begins), days: Self.daysAWeek, zones)) {
                let (warmFrom, warmTo) = (span.lowerBound &* 1_000_000, span.upperBound &* 1_000_000)
                guard warmTo > at, warmFrom < ends else { continue }
                if warmFrom > at {
                    if left <= warmFrom &- at { return at &+ left }
                    left &-= warmFrom &- at
                }
                at = warmTo
            }
            if at < ends {
                if left <= ends &- at { return at &+ left }
                left &-= ends &- at
                at = ends
            }
            // Nothing of three weeks counts, so nothing ever does.
            if week == 2, left == Int64(Swift.min(windowSeconds, Deadline.longestSeconds) * 1_000_000) { return nil }
        }
        return at &+ left
    }

    private func nextStop(after now: Int64, _ zones: TimeZones) -> Int64? {
        var moments: [Int64] = []
        for moment in stopAt {
            let today = zones.day(moment.timeZone, Self.seconds(now))
            for day in today...today &+ Self.daysAWeek &+ 1 where moment.days.contains(Self.weekday(day)) {
                let seconds = zones.moment(moment.timeZone, day: day, minute: moment.minute, latest: false)
                let microseconds = seconds &* 1_000_000
                if microseconds > now, !isWarm(at: microseconds, zones) { moments.append(microseconds) }
            }
        }
        return moments.min()
    }

    /// What is kept warm from about a day before to `days` days and one after a moment, in seconds since 1970.
    private func warm(around seconds: Int64, days: Int64, _ zones: TimeZones) -> [Range<Int64>] {
        keepWarm.flatMap { window in
            let today = zones.day(window.timeZone, seconds)
            return (today &- 1...today &+ days &+ 1).compactMap { day -> Range<Int64>? in
                guard window.days.contains(Self.weekday(day)) else { return nil }
                let isOverMidnight = window.endMinute <= window.startMinute
                let start = zones.moment(window.timeZone, day: day, minute: window.startMinute, latest: false)
                let end = zones.moment(
                    window.timeZone, day: isOverMidnight ? day &+ 1 : day, minute: window.endMinute, latest: true)
                return start < end ? start..<end : nil
            }
        }
    }

    private func merged(_ spans: [Range<Int64>]) -> [Range<Int64>] {
        var merged: [Range<Int64>] = []
        for span in spans.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, span.lowerBound <= last.upperBound {
                merged[merged.count - 1] = last.lowerBound..<Swift.max(last.upperBound, span.upperBound)
            } else {
                merged.append(span)
            }
        }
        return merged
    }

    /// 0 is Monday; 1970 began on a Thursday.
    static func weekday(_ day: Int64) -> Int { Int((day % 7 + 7 + 3) % 7) }

    private static func seconds(_ microseconds: Int64) -> Int64 {
        microseconds / 1_000_000 - (microseconds % 1_000_000 < 0 ? 1 : 0)
    }
}

// What a schedule comes to, for whoever has to tell it.

extension Schedule {
    /// What of `stop_at` has its moment then, in microseconds since 1970; nil when none has.
    public func stop(at microseconds: Int64, _ zones: TimeZones) -> WeeklyMoment? {
        stopAt.first { moment in
            occurrences(of: moment, around: microseconds, zones).contains { abs($0 &- microseconds) < 1_000_000 }
        }
    }

    /// What of `stop_at` stops nothing in the week that begins now, for it lies within what is kept warm.
    public func stopsKeptWarm(from now: Int64, _ zones: TimeZones) -> [WeeklyMoment] {
        stopAt.filter { moment in
            let coming = occurrences(of: moment, around: now, zones).filter { $0 > now }
            return !coming.isEmpty && coming.allSatisfy { isWarm(at: $0, zones) }
        }
    }

    /// From the day before to a week and a day after, microseconds since 1970.
    private func occurrences(of moment: WeeklyMoment, around now: Int64, _ zones: TimeZones) -> [Int64] {
        let today = zones.day(moment.timeZone, now / 1_000_000)
        return (today &- 1...today &+ 8).filter { moment.days.contains(Self.weekday($0)) }.map {
            zones.moment(moment.timeZone, day: $0, minute: moment.minute, latest: false) &* 1_000_000
        }
    }
}

import Foundation
import TestKit
import Testing

@testable import Lifecycle

/// When an idle controller stops if some times of the week do not count. The oracle is Foundation's calendar, asked
/// minute by minute.
@Suite struct ScheduleTests {
    private static let zones = TimeZones { name, seconds in
        let zone = TimeZone(identifier: name) ?? .gmt
        return Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(seconds))))
    }

    private static func calendar(_ zone: String) -> Calendar {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(identifier: zone) ?? .gmt
        return calendar
    }

    /// Microseconds of a local time.
    private static func at(_ text: String, _ zone: String) throws -> Int64 {
        let format = DateFormatter()
        format.calendar = calendar(zone)
        format.timeZone = TimeZone(identifier: zone)
        format.locale = Locale(identifier: "en_US_POSIX")
        format.dateFormat = "yyyy-MM-dd HH:mm"
        return Int64(try #require(format.date(from: text)).timeIntervalSince1970) * 1_000_000
    }

    private static func window(_ start: Int, _ end: Int, _ zone: String, days: [Int] = Array(0...6)) -> WeeklyWindow {
        WeeklyWindow(days: days, startMinute: start, endMinute: end, timeZone: zone, text: "")
    }

    private static let workdays = Array(0...4)

    @Test(arguments: [
        // Outside of the window it counts from now; inside, from the window's end.
        ("2026-11-24 23:00", "2026-11-24 23:10"), ("2026-11-24 12:00", "2026-11-24 22:10"),
        ("2026-11-24 21:59", "2026-11-24 22:10"), ("2026-11-24 22:00", "2026-11-24 22:10"),
        // What is left when a window begins counts after it.
        ("2026-11-24 07:55", "2026-11-24 22:05"),
        // Friday evening, and a weekend.
        ("2026-11-27 21:00", "2026-11-27 22:10"), ("2026-11-28 12:00", "2026-11-28 12:10"),
    ])
    func insideItDoesNotCount(_ from: String, _ ends: String) throws {
        let zone = "Europe/Berlin"
        let schedule = Schedule(keepWarm: [Self.window(480, 1320, zone, days: Self.workdays)])
        let end = schedule.idleEnd(from: try Self.at(from, zone), windowSeconds: 600, Self.zones)
        #expect(end == (try Self.at(ends, zone)))
    }

    /// On these days clocks are put forward at 2:00 and back at 3:00.
    @Test func aDayOnWhichClocksChange() throws {
        let zone = "Europe/Berlin"
        let night = Schedule(keepWarm: [Self.window(60, 240, zone)])
        func end(_ from: String) throws -> Int64? {
            night.idleEnd(from: try Self.at(from, zone), windowSeconds: 0, Self.zones)
        }
        #expect(try end("2026-03-29 01:30") == Self.at("2026-03-29 04:00", zone))
        let spring = try #require(try end("2026-03-29 01:30")) - Self.at("2026-03-29 01:30", zone)
        #expect(spring == 90 * 60_000_000, "an hour is missing")
        let autumn = try #require(try end("2026-10-25 01:30")) - Self.at("2026-10-25 01:30", zone)
        #expect(autumn == 210 * 60_000_000, "an hour comes twice")
        let gap = Schedule(stopAt: [WeeklyMoment(days: Array(0...6), minute: 150, timeZone: zone, text: "")])
        #expect(
            gap.idleEnd(from: try Self.at("2026-03-29 01:30", zone), windowSeconds: 604_800, Self.zones)
                == (try Self.at("2026-03-29 03:30", zone)), "2:30 is left out, and comes as if it were not")
    }

    @Test func aMomentCutsTheWindowShort() throws {
        let zone = "America/New_York"
        let schedule = Schedule(
            keepWarm: [Self.window(480, 1320, zone)],
            stopAt: [1200, 1320].map { WeeklyMoment(days: Self.workdays, minute: $0, timeZone: zone, text: "") })
        func end(_ from: String, _ window: Double) throws -> Int64? {
            schedule.idleEnd(from: try Self.at(from, zone), windowSeconds: window, Self.zones)
        }
        #expect(try end("2026-11-24 12:00", 600) == Self.at("2026-11-24 22:00", zone), "not within what is kept warm")
        #expect(try end("2026-11-24 22:00", 600) == Self.at("2026-11-24 22:10", zone), "the next is tomorrow's")
        #expect(try end("2026-11-27 22:00", 604_800) == Self.at("2026-11-30 22:00", zone), "and no other on a weekend")
    }

    @Test func alwaysWarmIsNever() throws {
        let schedule = Schedule(keepWarm: [Self.window(0, 1440, "Asia/Tokyo")])
        #expect(schedule.idleEnd(from: 0, windowSeconds: 0, Self.zones) == nil)
        #expect(Schedule().idleEnd(from: 7, windowSeconds: 1, Self.zones) == 1_000_007)
    }

    /// Random windows, zones and moments against a walk over the minutes.
    @Test(arguments: Array(1...40) as [UInt64])
    func theMinutesThatCountAreCounted(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let zone = random.pick(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"])
        let windows = (0...random.below(3)).map { _ in
            let start = random.below(1440)
            return Self.window(
                start, (start + 1 + random.below(1439)) % 1441, zone, days: (0...6).filter { _ in random.chance(60) })
        }
        let schedule = Schedule(keepWarm: windows)
        let calendar = Self.calendar(zone)
        func isWarm(_ seconds: Int64) -> Bool {
            let date = Date(timeIntervalSince1970: TimeInterval(seconds))
            let parts = calendar.dateComponents([.weekday, .hour, .minute], from: date)
            let minute = (parts.hour ?? 0) * 60 + (parts.minute ?? 0)
            let day = ((parts.weekday ?? 1) + 5) % 7
            return windows.contains { window in
                window.endMinute > window.startMinute
                    ? window.days.contains(day) && minute >= window.startMinute && minute < window.endMinute
                    : window.days.contains(day) && minute >= window.startMinute
                        || window.days.contains((day + 6) % 7) && minute < window.endMinute
            }
        }
        // Away from the days of a change, on which a minute that comes twice is a matter of taste.
        let start = try Self.at("2026-06-01 00:00", zone) / 1_000_000 + Int64(random.below(40_000)) * 60
        let wanted = Int64(random.below(600))
        var (at, left) = (start, wanted)
        while left > 0 || isWarm(at), at < start + 20 * 86_400 {
            if !isWarm(at) { left -= 1 }
            at += 60
        }
        let end = schedule.idleEnd(from: start * 1_000_000, windowSeconds: Double(wanted * 60), Self.zones)
        guard at < start + 20 * 86_400 else { return }
        // A window that is over as a warm time begins ends there, or after it: nothing counts in between.
        let found = try #require(end) / 1_000_000
        #expect(
            found == at || schedule.counted(from: found * 1_000_000, to: at * 1_000_000, Self.zones) == 0,
            "seed \(seed): \(found - start) and \(at - start)")
        #expect(schedule.counted(from: start * 1_000_000, to: found * 1_000_000, Self.zones) == wanted * 60_000_000)
    }

    // On a controller.

    private func idle(_ schedule: Schedule, at wall: Int64) throws -> Scenario {
        var it = Scenario()
        it.clock.setWallClock(forwardSeconds: Double(wall - it.clock.now.wallMicroseconds) / 1e6)
        try it.given(
            .start(
                policy: AutostopPolicy(
                    idleTimeoutSeconds: 600, source: .standard, schedule: .init(schedule, .controllers))),
            .takeOver(process: "a"))
        return it
    }

    @Test func theDeadlineIsBeyondTheWarmTime() throws {
        let noon = try Self.at("2026-11-24 12:00", "UTC")
        var it = try idle(Schedule(keepWarm: [Self.window(480, 1320, "UTC")]), at: noon)
        let pending = try #require(it.pending(.idle))
        #expect(pending.deadline.remainingMicroseconds(at: it.clock.now) == (10 * 3600 + 600) * 1_000_000)
        it.clock.advance(seconds: 10 * 3600 + 600)
        try it.given(.deadlineReached(.idle, generation: pending.generation))
        #expect(it.state.status == .stopping)
    }

    /// Somebody sets the clock, and it is noon again: no stop in a time in which it is to be kept warm.
    @Test func aClockThatWasSetStopsNothingThatIsToBeKeptWarm() throws {
        let night = try Self.at("2026-11-24 23:00", "UTC")
        var it = try idle(Schedule(keepWarm: [Self.window(480, 1320, "UTC")]), at: night)
        let pending = try #require(it.pending(.idle))
        it.clock.setWallClock(forwardSeconds: -11 * 3600)
        it.clock.advance(seconds: 600)
        try it.given(.deadlineReached(.idle, generation: pending.generation))
        #expect(it.state.status == .idle)
        let left = try #require(it.pending(.idle)).deadline.remainingMicroseconds(at: it.clock.now)
        #expect(left == (10 * 3600 - 600 + 600) * 1_000_000)
    }
}

/// The table of docs/schedules.md.
extension ScheduleTests {
    /// Local minutes of a window, and when it is warm in UTC.
    @Test(arguments: [
        (60, 240, "2026-03-29 00:00", "2026-03-29 02:00"), (60, 240, "2026-10-24 23:00", "2026-10-25 03:00"),
        (60, 150, "2026-03-29 00:00", "2026-03-29 01:30"), (60, 150, "2026-10-24 23:00", "2026-10-25 01:30"),
        (150, 240, "2026-03-29 01:30", "2026-03-29 02:00"), (150, 240, "2026-10-25 00:30", "2026-10-25 03:00"),
    ])
    func aWindowOnADayOnWhichClocksChange(_ start: Int, _ end: Int, _ from: String, _ to: String) throws {
        let schedule = Schedule(keepWarm: [Self.window(start, end, "Europe/Berlin")])
        let (from, to) = (try Self.at(from, "UTC"), try Self.at(to, "UTC"))
        let minutes = stride(from: from - 3_600_000_000, to: to + 3_600_000_000, by: 60_000_000)
        let warm = minutes.filter { schedule.isWarm(at: $0, Self.zones) }
        #expect(warm.first == from && warm.last == to - 60_000_000)
        #expect(Int64(warm.count) == (to - from) / 60_000_000)
    }

    @Test(arguments: [("2026-03-29 01:30", "2026-03-30 00:30"), ("2026-10-25 00:30", "2026-10-26 01:30")])
    func aMomentOnADayOnWhichClocksChange(_ at: String, _ next: String) throws {
        let moment = WeeklyMoment(days: Array(0...6), minute: 150, timeZone: "Europe/Berlin", text: "")
        let schedule = Schedule(stopAt: [moment])
        func stop(after: Int64) -> Int64? { schedule.idleEnd(from: after, windowSeconds: 604_800, Self.zones) }
        let at = try Self.at(at, "UTC")
        #expect(stop(after: at - 60_000_000) == at)
        #expect(stop(after: at) == (try Self.at(next, "UTC")), "once on that day")
    }

    @Test func aMomentIsFoundByItsTime() throws {
        let zone = "Europe/Berlin"
        let noon = WeeklyMoment(days: Self.workdays, minute: 720, timeZone: zone, text: "noon")
        let night = WeeklyMoment(days: Array(0...6), minute: 1380, timeZone: zone, text: "night")
        let schedule = Schedule(keepWarm: [Self.window(480, 1320, zone)], stopAt: [noon, night])
        #expect(schedule.stop(at: try Self.at("2026-11-24 12:00", zone), Self.zones) == noon)
        #expect(schedule.stop(at: try Self.at("2026-11-28 12:00", zone), Self.zones) == nil, "a Saturday")
        #expect(schedule.stop(at: try Self.at("2026-11-28 23:00", zone), Self.zones) == night)
        #expect(schedule.stopsKeptWarm(from: try Self.at("2026-11-24 09:00", zone), Self.zones) == [noon])
    }
}

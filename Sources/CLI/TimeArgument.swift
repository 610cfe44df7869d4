import Foundation
import Lifecycle
import ServiceFile

/// A moment on the command line: `2026-11-01 10:00`, `10:00` (today), `2026-11-01T10:00:00Z`, `2h` or `1h30m` (ago), `now`.
enum TimeArgument {
    /// Microseconds since 1970.
    ///
    /// - Parameter option: what it was given for, to say so when it makes no sense.
    static func parse(_ text: String, for option: String) throws(CommandFailure) -> Int64 {
        let now = Date()
        if text == "now" { return microseconds(now) }
        if let seconds = IdleWindow.seconds(text.replacing(/\s+ago$/, with: "")) {
            return microseconds(now.addingTimeInterval(-min(seconds, Deadline.longestSeconds)))
        }
        switch ClockTime(text, now) {
        case .date(let date): return microseconds(date)
        case .twice(let first, let second):
            print(
                "note: \(option): \"\(text)\" was twice, as the clocks were set back: this is the first, "
                    + "\(inZone(first)); the second is \(inZone(second))", to: .error)
            return microseconds(first)
        case .skipped:
            throw CommandFailure(
                "\(option): \"\(text)\" was no time in this zone: the clocks were set forward over it", exitCode: 2)
        case .nonsense: break
        }
        throw CommandFailure(
            "\(option): \"\(text)\" is not a time: write \"2026-11-01 10:00\", 10:00, 2026-11-01T10:00:00Z, or 2h for two hours ago",
            exitCode: 2)
    }

    /// As it is written to mean just this moment.
    private static func inZone(_ date: Date) -> String {
        date.formatted(Date.ISO8601FormatStyle(timeZoneSeparator: .colon, timeZone: .current))
    }

    private static func microseconds(_ date: Date) -> Int64 {
        let seconds = max(-Deadline.longestSeconds, min(date.timeIntervalSince1970, 80 * Deadline.longestSeconds))
        return Int64((seconds * 1_000_000).rounded())
    }
}

/// What somebody wrote as a date and a time of day, in the zone that is written with it or in this machine's.
private enum ClockTime {
    case date(Date)
    /// The clocks of this zone were set back over it, so it came two times.
    case twice(Date, Date)
    /// The clocks of this zone were set forward over it.
    case skipped
    case nonsense

    init(_ text: String, _ now: Date) {
        let day = /(?:([0-9]{4})-([0-9]{2})-([0-9]{2}))?/
        let time = /(?:([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})([.,][0-9]+)?)?)?/
        let zone = /(Z|z|[+-][0-9]{2}(?::?[0-9]{2})?)?/
        var rest = text[...]
        guard let date = rest.prefixMatch(of: day) else {
            self = .nonsense
            return
        }
        rest = rest[date.range.upperBound...]
        if rest.first == " " || rest.first == "T" { rest = rest.dropFirst() }
        guard let clock = rest.prefixMatch(of: time) else {
            self = .nonsense
            return
        }
        rest = rest[clock.range.upperBound...]
        guard let offset = rest.wholeMatch(of: zone), date.1 != nil || clock.1 != nil,
            // Which day it is somewhere else nobody wants to work out.
            offset.1 == nil || date.1 != nil && clock.1 != nil,
            let timeZone = offset.1.map({ Self.zone($0) }) ?? .some(.current)
        else {
            self = .nonsense
            return
        }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = timeZone
        var parts = calendar.dateComponents([.year, .month, .day], from: now)
        if let year = date.1, let month = date.2, let day = date.3 {
            (parts.year, parts.month, parts.day) = (Int(year), Int(month), Int(day))
        }
        (parts.hour, parts.minute, parts.second) = (
            clock.1.flatMap { Int($0) } ?? 0, clock.2.flatMap { Int($0) } ?? 0, clock.3.flatMap { Int($0) } ?? 0
        )
        guard (parts.hour ?? 0) < 24, (parts.minute ?? 0) < 60, (parts.second ?? 0) < 60,
            let found = calendar.date(from: parts)
        else {
            self = .nonsense
            return
        }
        // A calendar makes something of 2026-13-40 too.
        let back = calendar.dateComponents([.year, .month, .day, .hour, .minute], from: found)
        guard back.year == parts.year, back.month == parts.month, back.day == parts.day else {
            self = .nonsense
            return
        }
        guard back.hour == parts.hour, back.minute == parts.minute else {
            self = .skipped
            return
        }
        let fraction = clock.4.flatMap { Double("0." + $0.dropFirst()) } ?? 0
        let moments = Self.moments(shownAs: found, in: timeZone).map { $0.addingTimeInterval(fraction) }
        self = moments.count == 2 ? .twice(moments[0], moments[1]) : .date(found.addingTimeInterval(fraction))
    }

    /// The moments at which clocks show what they show at this one, the earlier first.
    private static func moments(shownAs found: Date, in zone: TimeZone) -> [Date] {
        let shown = found.addingTimeInterval(Double(zone.secondsFromGMT(for: found)))
        // No zone sets its clocks twice within a day.
        let offsets = Set([-43_200, 43_200].map { zone.secondsFromGMT(for: found.addingTimeInterval($0)) })
        return offsets.map { (shown.addingTimeInterval(-Double($0)), $0) }
            .filter { zone.secondsFromGMT(for: $0.0) == $0.1 }.map { $0.0 }.sorted()
    }

    /// `Z`, `+01`, `+0100`, `+01:00`.
    private static func zone(_ text: Substring) -> TimeZone? {
        guard text != "Z", text != "z" else { return TimeZone(secondsFromGMT: 0) }
        let digits = text.filter(\.isNumber)
        guard let hours = Int(digits.prefix(2)), let minutes = digits.count > 2 ? Int(digits.suffix(2)) : 0,
            hours < 24, minutes < 60
        else { return nil }
        return TimeZone(secondsFromGMT: (hours * 60 + minutes) * 60 * (text.first == "-" ? -1 : 1))
    }
}

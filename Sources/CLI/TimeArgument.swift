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
        if let date = zoned(text) ?? local(text, now) { return microseconds(date) }
        throw CommandFailure(
            "\(option): \"\(text)\" is not a time: write \"2026-11-01 10:00\", 10:00, 2026-11-01T10:00:00Z, or 2h for two hours ago",
            exitCode: 2)
    }

    private static func microseconds(_ date: Date) -> Int64 {
        let seconds = max(-Deadline.longestSeconds, min(date.timeIntervalSince1970, 80 * Deadline.longestSeconds))
        return Int64((seconds * 1_000_000).rounded())
    }

    /// ISO 8601 with a zone.
    private static func zoned(_ text: String) -> Date? {
        let format = Date.ISO8601FormatStyle()
        return (try? format.parse(text)) ?? (try? Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(text))
    }

    /// In the zone of this machine.
    private static func local(_ text: String, _ now: Date) -> Date? {
        guard
            let match = text.wholeMatch(
                of: /(?:([0-9]{4})-([0-9]{2})-([0-9]{2}))?[ T]?(?:([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(\.[0-9]+)?)?)?/),
            match.1 != nil || match.4 != nil
        else { return nil }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .current
        var parts = calendar.dateComponents([.year, .month, .day], from: now)
        if let year = match.1, let month = match.2, let day = match.3 {
            (parts.year, parts.month, parts.day) = (Int(year), Int(month), Int(day))
        }
        (parts.hour, parts.minute, parts.second) = (
            match.4.flatMap { Int($0) } ?? 0, match.5.flatMap { Int($0) } ?? 0, match.6.flatMap { Int($0) } ?? 0
        )
        // A calendar makes something of 2026-13-40 too.
        guard let date = calendar.date(from: parts) else { return nil }
        let back = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: date)
        guard back.year == parts.year, back.month == parts.month, back.day == parts.day, back.minute == parts.minute,
            (parts.hour ?? 0) < 24, (parts.second ?? 0) < 60
        else { return nil }
        return date.addingTimeInterval(match.7.flatMap { Double("0" + $0) } ?? 0)
    }
}

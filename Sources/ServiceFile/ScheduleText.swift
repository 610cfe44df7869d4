import Foundation
import Lifecycle

/// Times of the week as people write them: `Mon-Fri 08:00-22:00 Europe/Berlin`, `22:00`, `Sat,Sun 00:00-24:00`.
enum ScheduleText {
    /// - Throws: ``OptionFailure``, which says what would be right.
    static func window(_ text: String) throws(OptionFailure) -> WeeklyWindow {
        let parts = try Parts(text, example: "Mon-Fri 08:00-22:00 Europe/Berlin")
        let times = parts.time.split(separator: "-", omittingEmptySubsequences: false)
        guard times.count == 2, let start = minute(times[0]), let end = minute(times[1]), start < 1440 else {
            throw OptionFailure("\"\(text.shortened)\" has no time from HH:MM to HH:MM, as in \(parts.example)")
        }
        guard start != end else {
            throw OptionFailure("\"\(text.shortened)\" ends when it begins; a whole day is 00:00-24:00")
        }
        return WeeklyWindow(days: parts.days, startMinute: start, endMinute: end, timeZone: parts.zone, text: text)
    }

    static func moment(_ text: String) throws(OptionFailure) -> WeeklyMoment {
        let parts = try Parts(text, example: "Mon-Fri 22:00 Europe/Berlin")
        guard let minute = minute(parts.time[...]), minute < 1440 else {
            throw OptionFailure("\"\(text.shortened)\" has no time HH:MM, as in \(parts.example)")
        }
        return WeeklyMoment(days: parts.days, minute: minute, timeZone: parts.zone, text: text)
    }

    private struct Parts {
        var days = Array(0...6)
        var time = ""
        var zone = TimeZone.current.identifier
        let example: String

        init(_ text: String, example: String) throws(OptionFailure) {
            self.example = example
            var words = text.split(whereSeparator: \.isWhitespace).map(String.init)[...]
            if let first = words.first, first.first?.isLetter == true {
                days = try ScheduleText.days(first, in: text)
                words = words.dropFirst()
            }
            guard let time = words.popFirst() else {
                throw OptionFailure("\"\(text.shortened)\" says no time, as in \(example)")
            }
            self.time = time
            if let name = words.popFirst() {
                // Only names of zones: what else Foundation takes for one, such as GMT+2, has no rules.
                guard
                    name == "UTC" || TimeZone.knownTimeZoneIdentifiers.contains(name)
                        || TimeZone(identifier: name) != nil
                else {
                    throw OptionFailure(
                        "\"\(name.shortened)\" is not a time zone of this system, such as Europe/Berlin")
                }
                zone = name
            }
            guard words.isEmpty else {
                throw OptionFailure("\"\(text.shortened)\" says more than days, a time and a zone, as in \(example)")
            }
        }
    }

    private static let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

    private static func days(_ text: String, in whole: String) throws(OptionFailure) -> [Int] {
        var days: Set<Int> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { day($0) }
            guard (1...2).contains(ends.count), let first = ends.first ?? nil, let last = ends.last ?? nil else {
                throw OptionFailure("\"\(text.shortened)\" are no days, such as Mon-Fri or Sat,Sun")
            }
            // Fri-Mon passes the end of the week.
            var next = first
            days.insert(next)
            while next != last {
                next = (next + 1) % 7
                days.insert(next)
            }
        }
        return days.sorted()
    }

    /// By its first three letters, or its whole name.
    private static func day(_ text: Substring) -> Int? {
        let whole = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
        let text = text.lowercased()
        return names.firstIndex(of: text) ?? whole.firstIndex(of: text)
    }

    /// Minutes since midnight; 24:00 is its end.
    private static func minute(_ text: Substring) -> Int? {
        guard let match = text.wholeMatch(of: /([0-9]{1,2}):([0-9]{2})/), let hours = Int(match.1),
            let minutes = Int(match.2), minutes < 60, hours * 60 + minutes <= 1440
        else { return nil }
        return hours * 60 + minutes
    }
}

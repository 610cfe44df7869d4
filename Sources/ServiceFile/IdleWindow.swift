import Lifecycle

/// Spans of time as people write them: of how long a controller stays warm, and everything else that takes a while.
public enum IdleWindow {
    /// Seconds in `90s`, `10m`, `1h30m`, `2h`, `7d`, `1w`; a plain number is minutes, as in SkyPilot.
    public static func parse(_ text: String) throws(OptionFailure) -> Double {
        if let seconds = seconds(text) { return try checked(seconds) }
        if let match = text.wholeMatch(of: /\s*([0-9]+(?:\.[0-9]+)?)\s*/), let minutes = Double(match.1) {
            return try checked(minutes * 60)
        }
        let unsigned = String(text.drop { !$0.isNumber })
        if text.wholeMatch(of: /\s*[-−].*/) != nil, seconds(unsigned) != nil || Double(unsigned) != nil {
            throw OptionFailure(
                "\"\(text.shortened)\" is negative: a time must be 0 or more, such as 90s, 10m, 2h or 7d")
        }
        throw OptionFailure("\"\(text.shortened)\" is not a time: write 90s, 10m, 1h30m, 2h or 7d")
    }

    /// Seconds in a time all of whose numbers have a unit, from the largest to the smallest, each once; nil for what
    /// is none.
    public static func seconds(_ text: String) -> Double? {
        guard text.wholeMatch(of: /\s*(?:[0-9]+(?:\.[0-9]+)?\s*[smhdw]\s*)+/) != nil else { return nil }
        var (sum, last) = (0.0, Double.infinity)
        for part in text.matches(of: /([0-9]+(?:\.[0-9]+)?)\s*([smhdw])/) {
            guard let number = Double(part.1), let unit = unitSeconds[String(part.2)], unit < last else { return nil }
            sum += number * unit
            last = unit
        }
        return sum
    }

    /// Seconds in a number of minutes.
    public static func parse(minutes: Double) throws(OptionFailure) -> Double { try checked(minutes * 60) }

    private static let unitSeconds: [String: Double] = [
        "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400,
    ]

    private static func checked(_ seconds: Double) throws(OptionFailure) -> Double {
        guard seconds.isFinite, seconds >= 0 else {
            throw OptionFailure("a time must be 0 or more, such as 90s, 10m, 2h or 7d")
        }
        guard seconds <= Deadline.longestSeconds else {
            throw OptionFailure("a time must be a hundred years at most, such as 90s, 10m, 2h or 7d")
        }
        return seconds
    }
}

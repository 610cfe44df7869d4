import Lifecycle

/// How long a controller stays warm, as people write it.
public enum IdleWindow {
    /// Seconds in `90s`, `10m`, `2h`, `7d`, `1w`; a plain number is minutes, as in SkyPilot.
    public static func parse(_ text: String) throws(OptionFailure) -> Double {
        guard let match = text.wholeMatch(of: /\s*([0-9]+(?:\.[0-9]+)?)\s*([smhdw]?)\s*/),
            let number = Double(match.1), let unit = unitSeconds[String(match.2)]
        else { throw OptionFailure("\"\(text.shortened)\" is not a time: write 90s, 10m, 2h or 7d") }
        return try checked(number * unit)
    }

    /// Seconds in a number of minutes.
    public static func parse(minutes: Double) throws(OptionFailure) -> Double { try checked(minutes * 60) }

    private static let unitSeconds: [String: Double] = [
        "": 60, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400,
    ]

    private static func checked(_ seconds: Double) throws(OptionFailure) -> Double {
        guard seconds.isFinite, seconds >= 0 else {
            throw OptionFailure("an idle time must be 0 or more; for never, use --cancel or `autostop: false`")
        }
        guard seconds <= Deadline.longestSeconds else {
            throw OptionFailure(
                "an idle time must be a hundred years at most; for never, use --cancel or `autostop: false`")
        }
        return seconds
    }
}

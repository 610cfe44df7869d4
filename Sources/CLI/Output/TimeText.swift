import Foundation
import Lifecycle
import Reporting

/// Moments and spans of time as people read them.
enum TimeText {
    /// `14:32:10`, or with the date when it is not today: the nearest second, so that what is said to come at one is
    /// said to have come at the same.
    static func clock(atMicroseconds at: Int64, now: Instant) -> String {
        let moment = components(at)
        let today = components(now.wallMicroseconds)
        let time = String(format: "%02d:%02d:%02d", moment.tm_hour, moment.tm_min, moment.tm_sec)
        guard moment.tm_yday != today.tm_yday || moment.tm_year != today.tm_year else { return time }
        return String(format: "%04d-%02d-%02d ", moment.tm_year + 1900, moment.tm_mon + 1, moment.tm_mday) + time
    }

    /// The clock time a span from now.
    static func clock(inMicroseconds left: Int64, _ now: Instant) -> String {
        clock(atMicroseconds: now.wallMicroseconds &+ left, now: now)
    }

    /// `9m 58s`, `3d 2h`, `0s`.
    static func span(microseconds: Int64) -> String {
        let seconds = Int64((Double(max(0, microseconds)) / 1_000_000).rounded())
        guard let largest = units.firstIndex(where: { seconds >= $0.0 }) else { return "0s" }
        let (size, letter) = units[largest]
        let rest = seconds % size
        guard largest + 1 < units.count, rest / units[largest + 1].0 > 0 else { return "\(seconds / size)\(letter)" }
        return "\(seconds / size)\(letter) \(rest / units[largest + 1].0)\(units[largest + 1].1)"
    }

    /// The same of what is left or has passed, where less than a second counts too: `0.5s`.
    static func shortSpan(microseconds: Int64) -> String {
        guard microseconds >= 50_000, microseconds < 950_000 else { return span(microseconds: microseconds) }
        return String(format: "%.1fs", Double(microseconds) / 1_000_000)
    }

    /// `10m`, `1h 1m 1s`, `0s`, `1.5s`: an idle window, exactly.
    static func window(seconds: Double) -> String {
        guard seconds >= 1, seconds < 1e15, seconds == seconds.rounded() else {
            return seconds == 0 ? "0s" : "\(seconds)s"
        }
        var left = Int64(seconds)
        let parts = units.compactMap { size, letter -> String? in
            defer { left %= size }
            return left >= size ? "\(left / size)\(letter)" : nil
        }
        return parts.joined(separator: " ")
    }

    /// The same for what is told in sentences.
    static func words(at now: Instant) -> Explanation.Words {
        Explanation.Words(
            clock: { clock(atMicroseconds: $0, now: now) }, span: { shortSpan(microseconds: $0) },
            window: { window(seconds: $0) })
    }

    private static let units: [(Int64, String)] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")]

    /// `0.42 s`.
    static func seconds(since begun: ContinuousClock.Instant) -> String {
        seconds((ContinuousClock.now - begun) / .seconds(1))
    }

    static func seconds(_ seconds: Double) -> String { String(format: "%.2f s", seconds) }

    private static func components(_ microseconds: Int64) -> tm {
        var seconds = time_t((Double(microseconds) / 1_000_000).rounded())
        var result = tm()
        localtime_r(&seconds, &result)
        return result
    }
}

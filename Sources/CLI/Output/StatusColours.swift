import Foundation

/// Colours for status words, at a terminal that wants any (https://no-color.org).
enum StatusColours {
    static let isWanted: Bool = {
        let environment = ProcessInfo.processInfo.environment
        return isatty(STDOUT_FILENO) == 1 && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }()

    static func paint(_ line: String) -> String {
        guard isWanted else { return line }
        // A header names columns, not conditions; and so does what a line of a turned table begins with.
        if let label = line.prefixMatch(of: #/^\s\s[A-Z][A-Z ]*\s\s/#) {
            return String(label.output) + painted(line[label.range.upperBound...])
        }
        return line.contains(/\bSTAT(E|US)\b/) ? line : painted(line[...])
    }

    private static func painted(_ text: Substring) -> String {
        String(text).replacing(/\b[A-Z][A-Z_]{1,}[A-Z]\b/) { match in
            guard let colour = colour(of: match.output) else { return String(match.output) }
            return "\u{1b}[\(colour)m\(match.output)\u{1b}[0m"
        }
    }

    private static func colour(of word: Substring) -> String? {
        switch word {
        case "READY", "UP": "32"
        case "IDLE", "STARTING", "PENDING", "PROVISIONING", "REPLICA_INIT", "CONTROLLER_INIT", "STOPPING",
            "SHUTTING_DOWN", "TERMINATING", "NOT_READY", "NO_REPLICA", "PREEMPTED":
            "33"
        case "CONTROLLER_FAILED": "31"
        case _ where word.hasPrefix("FAILED"): "31"
        case "STOPPED", "TERMINATED": "2"
        default: nil
        }
    }
}

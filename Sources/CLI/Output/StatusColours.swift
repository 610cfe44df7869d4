import Foundation

/// Colours for status words, at a terminal that wants any (https://no-color.org).
enum StatusColours {
    static let isWanted: Bool = {
        let environment = ProcessInfo.processInfo.environment
        return isatty(STDOUT_FILENO) == 1 && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }()

    static func paint(_ line: String) -> String {
        // A header names columns, not conditions.
        guard isWanted, !line.contains(/\bSTAT(E|US)\b/) else { return line }
        return line.replacing(/\b[A-Z][A-Z_]{1,}[A-Z]\b/) { match in
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

import ArgumentParser
import EventLog
import Foundation
import Lifecycle

struct Diff: ParsableCommand, LogQuestion {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Show what changed between two moments.",
        discussion: """
            A moment is a time ("2026-11-01 10:00", 10:00, 2h for two hours ago, now) or an event ('#41'). \
            Lines begin with + for what is there only at the second, - for what was there only at the first, \
            ~ for what is another.

            Examples:
              dwell diff 1h now
              dwell diff "2026-11-01 10:00" "2026-11-01 12:00"
              dwell diff '#1' '#41'
            """)

    @Argument(help: "The first moment.", completion: .times)
    var first: String

    @Argument(help: "The second moment.", completion: .times)
    var second: String = "now"

    @OptionGroup var source: LogOption

    func run() throws {
        let session = try source.session()
        let from = try PastMoment(first, for: "the first moment", session)
        let to = try PastMoment(second, for: "the second moment", session)
        guard from.position <= to.position else {
            throw CommandFailure("the first moment is after the second; say the earlier one first", exitCode: 2)
        }
        let difference = StatusDifference(try StatusThen(from, session), try StatusThen(to, session))
        let lines = difference.lines
        for line in lines.flatMap({ Self.folded($0, Terminal.width) }) { print(line) }
        let count = to.position - from.position
        let range = count > 1 ? "\(from.position + 1) to \(to.position)" : "\(to.position)"
        print(
            count == 0
                ? "Nothing happened between."
                : "\(count) event\(count == 1 ? "" : "s") between: \(range)"
                    + (!lines.isEmpty
                        ? "." : difference.isNone ? "; in the end everything was as before." : "; \(Self.isUntold)"))
        try session.ensureAllRunning()
    }
}

extension Diff {
    /// Of what is kept of a controller no more is told than people ask for.
    private static let isUntold =
        "in the end all that is told here was as before, and of the rest `dwell events` tells."

    /// A line for so many columns: what does not fit goes on below, from a comma on.
    static func folded(_ line: String, _ width: Int?) -> [String] {
        guard let width, line.count > width else { return [line] }
        let parts = line.split(separator: "  ", maxSplits: 1).flatMap { $0.components(separatedBy: ", ") }
        var lines: [String] = []
        for part in parts {
            if let last = lines.last, lines.count > 1, last.count + 2 + part.count <= width {
                lines[lines.count - 1] = last + ", " + part
            } else {
                lines.append(lines.isEmpty ? part : "    " + part)
            }
        }
        return lines
    }
}

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
        let lines = StatusDifference(try from.report(session), try to.report(session)).lines
        for line in lines.flatMap({ Self.folded($0, Terminal.width) }) { print(line) }
        let count = to.position - from.position
        let range = count > 1 ? "\(from.position + 1) to \(to.position)" : "\(to.position)"
        print(
            count == 0
                ? "Nothing happened between."
                : "\(count) event\(count == 1 ? "" : "s") between: \(range)"
                    + (lines.isEmpty ? "; in the end everything was as before." : "."))
        try session.ensureAllRunning()
    }
}

extension Diff {
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

/// What differs between two reports, a line each.
struct StatusDifference {
    private(set) var lines: [String] = []

    init(_ before: StatusReport, _ after: StatusReport) {
        compare(
            before.controllers.map { ("controller \($0.name)", Self.facts($0)) },
            after.controllers.map { ("controller \($0.name)", Self.facts($0)) })
        compare(
            before.services.map { ("service \($0.controller)/\($0.name)", Self.facts($0)) },
            after.services.map { ("service \($0.controller)/\($0.name)", Self.facts($0)) })
        compare(
            before.replicas.map { ("replica \($0.controller)/\($0.service)/\($0.id)", Self.facts($0)) },
            after.replicas.map { ("replica \($0.controller)/\($0.service)/\($0.id)", Self.facts($0)) })
    }

    private typealias Facts = [(name: String, value: String)]

    private mutating func compare(_ before: [(String, Facts)], _ after: [(String, Facts)]) {
        let old = Dictionary(before) { first, _ in first }
        let new = Dictionary(after) { first, _ in first }
        for name in Set(old.keys).union(new.keys).sorted() {
            switch (old[name], new[name]) {
            case (nil, let there?): lines.append("+ \(name)  \(Self.summary(there))")
            case (let there?, nil): lines.append("- \(name)  \(Self.summary(there))")
            case (let a?, let b?):
                let changes = zip(a, b).filter { $0.value != $1.value }.map { "\($0.name) \($0.value) -> \($1.value)" }
                if !changes.isEmpty { lines.append("~ \(name)  \(changes.joined(separator: ", "))") }
            case (nil, nil): break
            }
        }
    }

    private static func summary(_ facts: Facts) -> String { facts.first?.value ?? "" }

    private static func facts(_ row: ControllerRow) -> Facts {
        [
            ("status", row.status),
            ("autostop", row.idleTimeoutSeconds.map { TimeText.window(seconds: $0) } ?? "never"),
            ("life", String(row.incarnation)), ("recoveries", String(row.recoveries)),
        ]
    }

    private static func facts(_ row: ServiceRow) -> Facts {
        [
            ("status", row.status), ("version", String(row.version)),
            ("replicas", "\(row.readyReplicas)/\(row.wantedReplicas)"), ("endpoint", row.endpoint),
            ("reason", row.reason ?? "none"),
        ]
    }

    private static func facts(_ row: ReplicaRow) -> Facts {
        [("status", row.status), ("version", String(row.version)), ("reason", row.reason ?? "none")]
    }
}

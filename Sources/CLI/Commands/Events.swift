import ArgumentParser
import Controller
import EventLog
import Foundation

struct Events: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Show what happened.",
        discussion: """
            Examples:
              dwell events
              dwell events --follow
              dwell events --json | jq .type
            """)

    @Flag(name: [.customShort("f"), .long], help: "Go on with what happens from now on.")
    var follow = false

    @Flag(help: "Print one CloudEvents 1.0 object a line.")
    var json = false

    func run() async throws {
        let session = try Session()
        // Before anything is printed: whoever reads may close the pipe early, and that ends the command.
        try session.ensureAllRunning()
        var position = try printEvents(after: 0, session)
        guard follow else { return }
        for await _ in Commits.ticks(session.log.bell) {
            position = try printEvents(after: position, session)
        }
    }

    /// Prints what is new.
    ///
    /// - Returns: the position of the last one printed.
    private func printEvents(after position: Int, _ session: Session) throws(CommandFailure) -> Int {
        let rows = try session.read { (log) throws(LogFailure) in try log.audit(after: position) }
        for row in rows {
            print(json ? CloudEvent(row, logID: session.log.logID).line : Self.line(row))
        }
        return rows.last?.position ?? position
    }

    private static func line(_ row: AuditRow) -> String {
        let subject = [row.service, row.replica.map { "replica \($0)" }].compactMap { $0 }.joined(separator: " ")
        let place = subject.isEmpty ? row.controller : "\(row.controller)/\(subject)"
        return "\(row.position)  \(row.time)  \(place)  \(row.event)  \(row.what)  [\(row.actor), \(row.component)]"
    }
}

import ArgumentParser
import EventLog
import Lifecycle

struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check that the log is whole and that the tables say what it says.",
        discussion: """
            Walks the chain of digests, which breaks where an event was changed, removed or put in, and folds \
            every controller's events from the first and compares with the tables.

            Examples:
              dwell verify
            """)

    func run() throws {
        let session = try Session()
        if let position = try session.read({ (log) throws(LogFailure) in try log.firstBrokenPosition() }) {
            throw CommandFailure(
                "event \(position) is not as it was recorded: the chain of digests breaks there; "
                    + "look at it: sqlite3 \(session.home.database) 'select * from events where position >= \(position)'"
            )
        }
        let events = try session.read { (log) throws(LogFailure) in try log.lastPosition() }
        print("\(events) events: the chain of digests is unbroken.")
        let controllers = try session.read { (log) throws(LogFailure) in try log.status() }.controllers
        var wrong: [String] = []
        for name in controllers.compactMap({ ControllerName(rawValue: $0.name) }) {
            let difference = try session.read { (log) throws(LogFailure) in try log.replayDifference(of: name) }
            if difference != nil { wrong.append(name.rawValue) }
        }
        guard wrong.isEmpty else {
            throw CommandFailure("the tables say something else than the log of \(wrong.joined(separator: ", "))")
        }
        print("\(controllers.count) controllers: the tables say what the log says.")
    }
}

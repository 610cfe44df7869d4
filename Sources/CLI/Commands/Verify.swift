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
        let replay = try session.read { (log) throws(LogFailure) in try log.replay() }
        print("\(replay.events) events: the chain of digests is unbroken.")
        guard replay.differences.isEmpty else {
            throw CommandFailure(differences: replay)
        }
        print("\(replay.controllers) controllers: the tables say what the log says.")
    }
}

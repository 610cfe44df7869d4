import ArgumentParser
import EventLog
import Lifecycle

struct Verify: ParsableCommand, LogQuestion {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check that the log is whole and that the tables say what it says.",
        discussion: """
            Walks the chain of digests, which breaks where an event was changed, removed or put in, and folds \
            every controller's events from the first and compares with the tables.

            Examples:
              dwell verify
              dwell verify --log backup.db
            """)

    @OptionGroup var source: LogOption

    func run() throws {
        let session = try source.session()
        let last = try session.read { (log) throws(LogFailure) in try log.lastPosition() }
        let walking = ProgressLine("checking the chain")
        let broken = try session.read { (log) throws(LogFailure) in
            try log.firstBrokenPosition { walking.show($0, of: last) }
        }
        walking.clear()
        if let position = broken {
            throw CommandFailure(
                "event \(position) is not as it was recorded: the chain of digests breaks there; "
                    + "look at it: sqlite3 \(session.log.path) 'select * from events where position >= \(position)'"
            )
        }
        let folding = ProgressLine("folding")
        let replay = try session.read { (log) throws(LogFailure) in try log.replay { folding.show($0, of: $1) } }
        folding.clear()
        print("\(replay.events) events: the chain of digests is unbroken.")
        guard replay.differences.isEmpty else {
            throw CommandFailure(differences: replay)
        }
        print("\(replay.controllers) controllers: the tables say what the log says.")
    }
}

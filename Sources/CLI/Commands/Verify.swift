import ArgumentParser
import EventLog
import Foundation
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
              dwell verify --archive old.db
            """)

    @Option(
        help: ArgumentHelp(
            "Check also that this file, which `dwell archive` wrote, ends where the log begins.", valueName: "file"),
        completion: .file(extensions: ["db"]))
    var archive: String?

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
        let changed = try session.read { (log) throws(LogFailure) in try log.schemaProblems() }
        guard changed.isEmpty else {
            throw CommandFailure(
                "the schema was changed: \(changed.joined(separator: "; ")); dwell repair makes a database that has all of it"
            )
        }
        guard replay.differences.isEmpty else {
            throw CommandFailure(differences: replay)
        }
        print("\(replay.controllers) controllers: the tables say what the log says.")
        if let archive {
            try check(URL(fileURLWithPath: archive).path, session)
        } else {
            let start = try session.read { (log) throws(LogFailure) in try log.start() }
            if start.position > 0 {
                print(
                    "Events up to \(start.position) are archived; check them too: dwell verify --archive \(start.file)")
            }
        }
    }

    /// Checks that an archive is whole, and that its events led to what the log begins with.
    private func check(_ path: String, _ session: Session) throws {
        let examination = LogExamination(path: path)
        if let problem = examination.problems.first { throw CommandFailure(problem) }
        let problems = try session.read { (log) throws(LogFailure) in
            try log.differences(fromArchive: EventLog.reading(file: path))
        }
        for problem in problems { print(problem, to: .error) }
        guard problems.isEmpty else { throw CommandFailure("\(path) is not what the log goes on from") }
        print("\(path): \(examination.wholeEvents) events; the log goes on from the last of them.")
    }
}

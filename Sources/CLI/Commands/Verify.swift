import ArgumentParser
import EventLog
import Foundation
import Lifecycle

struct Verify: ParsableCommand, LogQuestion {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check that the log is whole and that the tables say what it says.",
        discussion: """
            Walks the chain of digests, which breaks where an event was changed, removed or put in, folds \
            every controller's events from the first and compares with the tables, and has SQLite check its pages \
            and indexes.

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
            try log.brokenChain { walking.show($0, of: last) }
        }
        walking.clear()
        if let broken {
            let question =
                broken.isArchivesRow
                ? "select * from archives" : "select * from events where position >= \(broken.position)"
            throw CommandFailure("\(broken); look at it: sqlite3 \(session.log.path) '\(question)'")
        }
        let folding = ProgressLine("folding")
        let replay = try session.read { (log) throws(LogFailure) in try log.replay { folding.show($0, of: $1) } }
        folding.clear()
        print("\(replay.events) events: the chain of digests is unbroken.")
        let beginning = try session.read { (log) throws(LogFailure) in try log.startProblems() }
        if !beginning.isEmpty {
            throw CommandFailure(
                lines: beginning + [
                    "what is told of archived events is not what was written; restore a backup: dwell restore FILE"
                ],
                exitCode: 1)
        }
        guard replay.differences.isEmpty else {
            throw CommandFailure(differences: replay)
        }
        try session.requireNothingElseChanged()
        print("\(replay.controllers) controllers: the tables say what the log says.")
        let damaged = try session.read { (log) throws(LogFailure) in try log.pageProblems() }
        guard damaged.isEmpty else {
            throw CommandFailure(
                lines: damaged + ["dwell repair makes a database that is whole, of all these events"], exitCode: 1)
        }
        if let archive {
            try check(URL(fileURLWithPath: archive).path, session)
        } else {
            let start = try session.read { (log) throws(LogFailure) in try log.start() }
            if start.position > 0 {
                print(
                    "Events up to \(start.position) are archived; check them too: dwell verify --archive \(start.file)")
            }
        }
        try session.ensureAllRunning()
    }

    /// Checks that an archive is whole, and that its events led to what the log begins with.
    private func check(_ path: String, _ session: Session) throws {
        let examination = LogExamination(path: path)
        if let failure = examination.failure { throw CommandFailure(named: failure) }
        if let problem = examination.problems.first { throw CommandFailure("\(path): \(problem)") }
        let problems = try session.read { (log) throws(LogFailure) in
            try log.differences(fromArchive: EventLog.reading(file: path))
        }
        guard problems.isEmpty else {
            throw CommandFailure(
                "\(path) is not what the log goes on from: \(problems.joined(separator: "; "))")
        }
        print("\(path): \(examination.wholeEvents) events; the log goes on from the last of them.")
    }
}

extension Session {
    /// Fails with a line for everything in the database that was changed and that no event is chained to.
    func requireNothingElseChanged() throws(CommandFailure) {
        var lines = try read { (log) throws(LogFailure) in try log.metaProblems() }
        if lines.isEmpty, !isOfFile, let problem = log.idProblem() { lines.append(problem) }
        let changed = try read { (log) throws(LogFailure) in try log.schemaProblems() }
        if !changed.isEmpty { lines.append("the schema was changed: \(changed.joined(separator: "; "))") }
        guard !lines.isEmpty else { return }
        throw CommandFailure(lines: lines + ["dwell repair makes a database that is as it should be"], exitCode: 1)
    }
}

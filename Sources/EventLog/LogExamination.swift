import Foundation
import GRDB
import Lifecycle

/// What a look at every part of a log's file found: SQLite's own check of its pages and indexes, the chain of
/// digests, and whether the tables say what the log says (law L2). Nothing is written.
public struct LogExamination: Sendable {
    /// Nil when it could not be read.
    public private(set) var logID: String?
    /// Events that can be read, up to the first that is not as it was recorded.
    public private(set) var wholeEvents = 0
    public private(set) var controllers = 0
    /// One sentence for each thing that is wrong with what it holds; empty when every event and table is right.
    public private(set) var problems: [String] = []
    /// What of its schema is missing or was changed; that loses nothing by itself.
    public private(set) var schemaProblems: [String] = []

    /// Whether `dwell archive` wrote it: another log goes on from where it ends.
    public private(set) var isArchive = false

    /// Why it could not be examined; it is among the problems too.
    public private(set) var failure: LogFailure?

    public var isWhole: Bool { problems.isEmpty && schemaProblems.isEmpty }

    /// A line for who goes on with a file whose schema alone is not as it should be; nil when it is.
    public var schemaNote: String? {
        schemaProblems.isEmpty
            ? nil
            : "the schema of the log was changed: \(schemaProblems.joined(separator: "; ")); every event and table is "
                + "right; dwell repair makes it as it should be"
    }

    /// Examines the database of a home. Whoever wrote to it last noted beside it how far it goes.
    public init(home: Home) { self.init(path: home.database, bell: CommitBell(path: home.commitBell)) }

    /// Examines the file at `path`, such as a backup.
    public init(path: String) { self.init(path: path, bell: nil) }

    private init(path: String, bell: CommitBell?) {
        do {
            try HomeFile.mustBeAFile(path)
            var configuration = Configuration()
            configuration.readonly = true
            configuration.busyMode = .timeout(5)
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            let witness = bell?.witness
            if let copy = try Migrator(path: path).currentCopy(of: queue) {
                problems += try queue.read { try PageExamination.problems($0, path: path) }
                if problems.isEmpty { try copy.read { try examine($0, path, witness) } }
            } else {
                try queue.read { try examine($0, path, witness) }
            }
            try queue.close()
        } catch {
            let failure = LogFailure(error, path: path)
            self.failure = failure
            problems.append(failure.description)
        }
    }

    private mutating func examine(_ db: Database, _ path: String, _ witness: CommitBell.Witness?) throws {
        problems += try PageExamination.problems(db, path: path)
        isArchive = try String.fetchOne(db, sql: "SELECT value FROM meta WHERE key = 'archive'") != nil
        schemaProblems = try SchemaExamination.problems(db, path: path)
        logID = try db.logID()
        if logID == nil { problems.append("\(path) has no log_id in its table meta") }
        let start = try LogStart(db)
        if let broken = try DigestChain.firstBrokenPosition(db) {
            wholeEvents = broken - 1 - start.position
            problems.append(try BrokenChain(at: broken, db).description)
            return
        }
        problems += try MetaExamination.problems(db, path: path) + LogStartExamination.problems(db)
        wholeEvents = try db.lastPosition() - start.position
        let replay = try ReplayReport(db, witness: witness) { _, _ in }
        controllers = replay.controllers
        problems += replay.differences
    }
}

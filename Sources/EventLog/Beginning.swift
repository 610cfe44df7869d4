import Foundation
import GRDB
import Lifecycle

/// Everything a log holds of the events that were archived: what is saved of it with the events that go on from there.
struct Beginning {
    let start: LogStart
    /// Whether it is known where archived events lay that later ones follow from.
    private(set) var hasCauses = true
    private var tables: [(name: String, rows: [[DatabaseValue]])] = []
    /// The archive that it was taken from; nil when it was read from the log itself.
    private(set) var archive: Archive?

    /// What an archive tells besides of the log that goes on from it.
    struct Archive {
        let file: String
        let logID: String?
        let branches: String?
        let commands: [CommandWithoutEvents]
    }

    /// Nil when none was archived. Throws when what they led to cannot be read: without it nothing after them can be
    /// folded.
    init?(_ db: Database) throws {
        guard try db.tableExists("archives") else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "it has no table archives")
        }
        start = try LogStart(db)
        guard start.position > 0 else { return nil }
        for name in ["archives", "bases"] {
            let rows = try Self.rows("SELECT * FROM \(name)", db)
            guard !rows.contains(where: { $0.contains(.null) }) else {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a value of \(name) is missing")
            }
            tables.append((name, rows))
        }
        for stream in try Base.streams(db) {
            guard let name = ControllerName(rawValue: stream) else { continue }
            _ = try Base.load(name, db)
        }
        let causes = try? Self.rows("SELECT stream, version, position FROM archived_causes", db)
        hasCauses = causes?.allSatisfy { !$0.contains(.null) } ?? false
        if let causes, hasCauses { tables.append(("archived_causes", causes)) }
    }

    /// The same from the archive that was made last, which holds the events that it all follows from.
    init(archive path: String) throws {
        let examination = LogExamination(path: path)
        if let problem = examination.problems.first {
            throw examination.failure ?? LogFailure.other(path: path, reason: problem)
        }
        guard examination.isArchive else {
            throw LogFailure.other(path: path, reason: "is no archive: give the file that `dwell archive` wrote last")
        }
        let log = try EventLog.reading(file: path)
        self = try log.queue.read { try Beginning(archived: $0, in: path) }
    }

    private init(archived db: Database, in path: String) throws {
        let digest = try db.lastEvent().digest
        let position = try db.lastPosition()
        let at = try Int64.fetchOne(db, sql: "SELECT at_us FROM events ORDER BY position DESC LIMIT 1") ?? 0
        start = LogStart(position: position, atMicroseconds: at, file: path, digest: digest)
        // Who archived them, and when, is known to the log alone.
        let row: [any DatabaseValueConvertible] = [
            position, digest.bytes, at, path, try Clock.now().wallMicroseconds, "dwell repair",
        ]
        let earlier = try Self.rows("SELECT * FROM archives", db)
        var bases: [[DatabaseValue]] = []
        var causes = try Self.rows("SELECT stream, version, position FROM archived_causes", db)
        for base in try Base.ends(of: db, path: path) {
            bases.append(try base.row.map(\.databaseValue))
            for version in base.state.referredVersions.sorted() {
                causes += try Row.fetchAll(
                    db, sql: "SELECT stream, version, position FROM events WHERE stream = ? AND version = ?",
                    arguments: [base.state.name.rawValue, version]
                ).map { Array($0.databaseValues) }
            }
        }
        tables = [
            ("archives", earlier + [row.map(\.databaseValue)]), ("bases", bases), ("archived_causes", causes),
        ]
        archive = Archive(
            file: path, logID: try Salvage.logID(db), branches: try EventSource.stored(db),
            commands: try CommandWithoutEvents.all(db) + CommandWithoutEvents.ofEvents(db))
    }

    private static func rows(_ sql: String, _ db: Database) throws -> [[DatabaseValue]] {
        try Row.fetchAll(db, sql: sql).map { Array($0.databaseValues) }
    }

    func write(_ db: Database) throws {
        for table in tables {
            for row in table.rows {
                try db.execute(
                    sql: "INSERT INTO \(table.name) VALUES (\(databaseQuestionMarks(count: row.count)))",
                    arguments: StatementArguments(row))
            }
        }
    }
}

/// The id of a command that no event of a log tells of.
struct CommandWithoutEvents {
    var stream: String
    var id: String
    var atMicroseconds: Int64

    /// Throws when one cannot be read.
    static func all(_ db: Database) throws -> [CommandWithoutEvents] {
        try fetch(db, "SELECT stream, command_id, at_us FROM commands_without_events")
    }

    /// Of the commands whose events are in this file: to the log that goes on from it they are without.
    static func ofEvents(_ db: Database) throws -> [CommandWithoutEvents] {
        try fetch(db, "SELECT stream, command_id, min(at_us) FROM events WHERE command_id IS NOT NULL GROUP BY 1, 2")
    }

    private static func fetch(_ db: Database, _ sql: String) throws -> [CommandWithoutEvents] {
        try Row.fetchAll(db, sql: sql).map {
            guard let stream = String.fromDatabaseValue($0[0]), let id = String.fromDatabaseValue($0[1]),
                let at = Int64.fromDatabaseValue($0[2])
            else { throw DatabaseError(resultCode: .SQLITE_CORRUPT) }
            return CommandWithoutEvents(stream: stream, id: id, atMicroseconds: at)
        }
    }
}

import Foundation
import GRDB
import Lifecycle

/// What a repair saved, and what it could not.
public struct RepairReport: Sendable {
    /// Events saved: all up to the first that cannot be read or is not as it was recorded.
    public var savedEvents = 0
    /// Position of the last of them, or of the last that was archived.
    public var lastPosition = 0
    /// Why it ended there; nil when every event there is was saved.
    public var firstLoss: String?
    /// The last position that was known to have been acknowledged, where that is known.
    public var acknowledgedPosition: Int?
    /// Where the damaged database is kept.
    public var kept: String?
}

extension EventLog {
    /// Makes a new database from what of the home's log can be read: the events up to the first that cannot, or that
    /// breaks the chain of digests, and tables folded from them. Nothing of dwell may run in the home.
    ///
    /// - Throws: ``LogFailure``; then the home is as it was.
    public static func repair(_ home: Home) throws(LogFailure) -> RepairReport {
        do {
            var report = RepairReport()
            report.acknowledgedPosition = CommitBell(path: home.commitBell).witness?.position
            let salvage = try Salvage(path: home.database)
            report.savedEvents = salvage.rows.count
            report.lastPosition = salvage.next - 1
            report.firstLoss = salvage.firstLoss
            guard salvage.isWorthKeeping else {
                throw LogFailure.corrupt(
                    path: home.database,
                    reason:
                        "no event of it can be read (\(salvage.firstLoss ?? "it holds none")); restore a backup: dwell restore FILE"
                )
            }
            let new = home.database + ".repaired"
            defer { unlink(new) }
            try salvage.write(to: new)
            if let problem = LogExamination(path: new).problems.first {
                throw LogFailure.other(path: new, reason: "what was saved is not whole: \(problem)")
            }
            report.kept = try LogFile.replace(home, with: new, keepingAs: "damaged")
            return report
        } catch {
            throw LogFailure(error, path: home.database)
        }
    }
}

/// What of a damaged log can be read.
private struct Salvage {
    struct Row {
        var event: EventRow
        var digest: Digest
    }

    private(set) var rows: [Row] = []
    /// Where it begins, and what the events before that led to.
    private var beginning: Beginning?
    private(set) var firstLoss: String?
    /// Whether there is anything to make a log of.
    var isWorthKeeping: Bool { !rows.isEmpty || beginning != nil }
    private var logID: String?
    private var receivers: [NoticeRow] = []
    private var commands: [(stream: String, id: String, atMicroseconds: Int64)] = []

    init(path: String) throws {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.read { db in
            beginning = try Beginning(db)
            do { try readEvents(db) } catch { firstLoss = "event \(next): \(LogFailure(error, path: path))" }
            // Each by itself: what one page has lost the others may still have.
            // Processes are known by the id it had when they were started.
            let first = try? String.fetchOne(db, sql: "SELECT value FROM meta WHERE key = 'first_log_id'")
            logID = try? first ?? db.logID()
            let known = try? GRDB.Row.fetchAll(db, sql: "SELECT stream, command_id, at_us FROM commands_without_events")
            receivers = (try? NoticeRow.fetchAll(db, sql: "SELECT * FROM notice_receivers")) ?? []
            commands = known?.map { ($0[0], $0[1], $0[2]) } ?? []
        }
        try queue.close()
    }

    /// Position of the event that is read next.
    var next: Int { (beginning?.start.position ?? 0) + rows.count + 1 }

    private mutating func readEvents(_ db: Database) throws {
        var previous = beginning?.start.digest ?? .zero
        let cursor = try GRDB.Row.fetchCursor(
            db,
            sql: """
                SELECT position, stream, version, type, schema_version, at_us, service, replica, actor, component,
                    command_id, cause, payload, digest
                FROM events NOT INDEXED ORDER BY position
                """)
        while let row = try cursor.next() {
            guard let event = EventRow(row), let bytes = Data.fromDatabaseValue(row[13]) else {
                throw LogFailure.unreadableEvent(
                    position: next, reason: "a column holds no value of its type")
            }
            let digest = Digest(after: previous, row: event)
            guard event.position == next, digest == Digest(bytes: bytes) else {
                throw LogFailure.unreadableEvent(position: next, reason: "it is not as it was recorded")
            }
            guard ControllerName(rawValue: event.stream) != nil else {
                throw LogFailure.unreadableEvent(
                    position: event.position, reason: "its stream is not a controller's name")
            }
            // The tables are folded from it, so it must be one that can be.
            _ = try EventCodec.decode(
                type: event.type, schemaVersion: event.schemaVersion, payload: event.payload, position: event.position)
            rows.append(Row(event: event, digest: digest))
            previous = digest
        }
    }

    /// A new log of what was saved.
    func write(to path: String) throws {
        try LogFile.create(path)
        let queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction { db in
            try Migrator(path: path).migrate(db)
            try db.inTransaction(.immediate) {
                if let logID { try MetaExamination.set(logID: logID, db) }
                try beginning?.write(db)
                for row in rows { try EventWriter.insert(row.event, row.digest, db) }
                for command in commands {
                    try db.execute(
                        sql: "INSERT INTO commands_without_events (stream, command_id, at_us) VALUES (?, ?, ?)",
                        arguments: [command.stream, command.id, command.atMicroseconds])
                }
                try CommandsWithoutEvents(db: db).seal()
                for receiver in receivers {
                    try db.execute(
                        sql: """
                            INSERT INTO notice_receivers (key, label, types, controllers, position, delivered)
                            VALUES (?, ?, ?, ?, ?, ?)
                            """,
                        arguments: [
                            receiver.key, receiver.label, receiver.types, receiver.controllers,
                            min(receiver.position, next - 1), receiver.delivered,
                        ])
                }
                try Rebuild(db: db).everything()
                return .commit
            }
        }
        try queue.close()
        try LogFile.sync(path)
    }
}

/// Everything a log holds of the events that were archived.
private struct Beginning {
    let start: LogStart
    private var tables: [(name: String, rows: [Row])] = []

    /// Nil when none was. Throws when what they led to cannot be read: without it nothing after them can be folded.
    init?(_ db: Database) throws {
        start = try LogStart(db)
        guard start.position > 0 else { return nil }
        for name in ["archives", "bases", "archived_causes"] {
            tables.append((name, try Row.fetchAll(db, sql: "SELECT * FROM \(name)")))
        }
    }

    func write(_ db: Database) throws {
        for table in tables {
            for row in table.rows {
                let marks = databaseQuestionMarks(count: row.count)
                try db.execute(
                    sql: "INSERT INTO \(table.name) VALUES (\(marks))",
                    arguments: StatementArguments(row.databaseValues))
            }
        }
    }
}

extension EventRow {
    /// A row of `events` whose columns come in the order of the table; nil when one holds something else.
    fileprivate init?(_ row: Row) {
        guard let position = Int.fromDatabaseValue(row[0]), let stream = String.fromDatabaseValue(row[1]),
            let version = Int.fromDatabaseValue(row[2]), let type = String.fromDatabaseValue(row[3]),
            let schemaVersion = Int.fromDatabaseValue(row[4]), let at = Int64.fromDatabaseValue(row[5]),
            let actor = String.fromDatabaseValue(row[8]), let component = String.fromDatabaseValue(row[9]),
            let payload = String.fromDatabaseValue(row[12])
        else { return nil }
        self.init(
            position: position, stream: stream, version: version, type: type, schemaVersion: schemaVersion,
            atMicroseconds: at, service: String.fromDatabaseValue(row[6]), replica: Int.fromDatabaseValue(row[7]),
            actor: actor, component: component, commandID: String.fromDatabaseValue(row[10]),
            cause: Int.fromDatabaseValue(row[11]), payload: payload)
    }
}

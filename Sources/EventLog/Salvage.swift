import Foundation
import GRDB
import Lifecycle

/// What of a damaged log can be read, by every way there is: with SQL, past a schema that cannot be read; then, from
/// where that ends, out of the bytes of the files (``CarvedEvents``). Each thing is read by itself, for what one page has
/// lost the others may still have.
struct Salvage {
    private struct Event {
        var row: EventRow
        var digest: Digest
    }

    private let path: String
    private var events: [Event] = []
    /// Where it begins, and what the events before that led to.
    private var beginning: Beginning?
    private(set) var firstLoss: String?
    /// What else is lost: a sentence for each thing.
    private(set) var otherLosses: [String] = []
    /// Whether there are events, even if none of them is saved.
    private var seesEvents = false
    private var logID: String?
    private var branches: String?
    private var receivers: [NoticeRow] = []
    private var commands: [CommandWithoutEvents] = []

    var savedEvents: Int { events.count }
    /// Position of the event that is read next.
    var next: Int { (beginning?.start.position ?? 0) + events.count + 1 }

    /// - Parameters:
    ///   - witness: what is known from beside the log.
    ///   - archived: what the archive that was made last says of where the log begins, in place of what the log says.
    /// - Throws: ``LogFailure`` when there are events that follow from others which are gone.
    init(path: String, witness: CommitBell.Witness?, archived: Beginning? = nil) throws {
        self.path = path
        beginning = archived
        var beginningLoss: String?
        var wasRead = false
        do {
            let queue = try DatabaseQueue(path: path, configuration: Self.configuration)
            try queue.read { db in
                if archived == nil {
                    do { beginning = try Beginning(db) } catch { beginningLoss = inWords(error) }
                }
                do { try readEvents(db) } catch { firstLoss = inWords(error) }
                readRest(db)
                wasRead = true
            }
            try queue.close()
        } catch {
            // Where something damaged was met, ending the transaction fails as well; what was read is read.
            if !wasRead {
                (beginningLoss, firstLoss) = (archived == nil ? inWords(error) : nil, inWords(error))
                otherLosses = ["what its other tables held, for none can be read"]
            }
        }
        if firstLoss != nil || beginningLoss != nil || witness.map({ $0.position >= next }) ?? false { carve() }
        if events.isEmpty, seesEvents, archived == nil, let said = beginning {
            // Perhaps it is what tells of archived events that is damaged, and none was archived.
            let loss = firstLoss
            (beginning, firstLoss) = (nil, nil)
            carve()
            if events.isEmpty { (beginning, firstLoss) = (said, loss) }
        }
        // A log that holds nothing begins anew; one whose events go on from others must not.
        if let beginningLoss, events.isEmpty, seesEvents {
            throw LogFailure.corrupt(
                path: path,
                reason: "what its archived events led to cannot be read (\(beginningLoss)), and nothing of what comes "
                    + "after them can be folded without it; restore a backup (dwell restore FILE), or name the file that "
                    + "they were archived to last: dwell repair --archive FILE")
        }
        if let archive = archived?.archive { try goOn(from: archive) }
        if logID == nil { logID = witness?.logID }
        if logID == nil { otherLosses.append("the log's id: it has a new one") }
    }

    /// Takes from an archive what the log does not tell any more.
    private mutating func goOn(from archive: Beginning.Archive) throws {
        guard logID == nil || archive.logID == nil || logID == archive.logID else {
            throw LogFailure.other(path: archive.file, reason: "is an archive of another log")
        }
        guard !events.isEmpty || !seesEvents else {
            throw LogFailure.other(
                path: archive.file,
                reason: "ends at event \(next - 1), and no event that can be read goes on from there; "
                    + "give the archive that was made last, or restore a backup (dwell restore FILE)")
        }
        logID = logID ?? archive.logID
        branches = branches ?? archive.branches
        commands += archive.commands
    }

    /// The schema's text is not needed to read the tables: what of it cannot be parsed is passed over.
    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA writable_schema = ON") }
        return configuration
    }

    private func inWords(_ error: any Error) -> String { LogFailure(error, path: path).description }

    private mutating func readEvents(_ db: Database) throws {
        let cursor = try Row.fetchCursor(
            db,
            sql: """
                SELECT position, stream, version, type, schema_version, at_us, service, replica, actor, component,
                    command_id, cause, payload, digest
                FROM events NOT INDEXED ORDER BY position
                """)
        while let row = try cursor.next() {
            seesEvents = true
            guard let event = EventRow(row), let bytes = Data.fromDatabaseValue(row[13]) else {
                throw LogFailure.unreadableEvent(
                    position: next, reason: "a column holds no value of its type")
            }
            try take(event, Digest(bytes: bytes))
        }
    }

    /// Takes the next event, if it is that.
    private mutating func take(_ row: EventRow, _ digest: Digest) throws {
        guard row.position == next, digest == Digest(after: lastDigest, row: row) else {
            throw LogFailure.unreadableEvent(position: next, reason: "it is not as it was recorded")
        }
        guard ControllerName(rawValue: row.stream) != nil else {
            throw LogFailure.unreadableEvent(position: next, reason: "its stream is not a controller's name")
        }
        // The tables are folded from it, so it must be one that can be.
        _ = try EventCodec.decode(
            type: row.type, schemaVersion: row.schemaVersion, payload: row.payload, position: row.position)
        events.append(Event(row: row, digest: digest))
    }

    private var lastDigest: Digest { events.last?.digest ?? beginning?.start.digest ?? .zero }

    /// Goes on where SQL had to end.
    private mutating func carve() {
        let carved = CarvedEvents(database: path, after: next - 1)
        guard carved.lastPosition > 0 else { return }
        seesEvents = true
        do {
            while let event = carved.event(at: next, after: lastDigest) {
                try take(event.row, event.digest)
                firstLoss = nil
            }
            if firstLoss == nil, carved.lastPosition >= next {
                firstLoss = inWords(
                    LogFailure.unreadableEvent(
                        position: next, reason: "it is nowhere in the files as it was recorded"))
            }
        } catch {
            firstLoss = inWords(error)
        }
    }

    /// The id a log had when it was begun.
    static func logID(_ db: Database) throws -> String? {
        try String.fetchOne(
            db, sql: "SELECT value FROM meta NOT INDEXED WHERE key IN ('first_log_id', 'log_id') ORDER BY key LIMIT 1")
    }

    private mutating func readRest(_ db: Database) {
        // Processes are known by the id it had when they were started.
        logID = try? Self.logID(db)
        branches = try? EventSource.stored(db)
        do {
            commands = try CommandWithoutEvents.all(db)
        } catch {
            otherLosses.append(
                "the ids of commands that changed nothing: one given again with its id is taken for a new one")
        }
        do { receivers = try NoticeRow.fetchAll(db, sql: "SELECT * FROM notice_receivers") } catch {
            otherLosses.append("how far each receiver of notices was told")
        }
        if let beginning, !beginning.hasCauses {
            otherLosses.append("where those archived events lay that later ones follow from")
        }
    }

    /// A new log of what was saved.
    func write(to path: String) throws {
        try LogFile.create(path)
        let queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA page_size = \(EventLog.pageBytes)")
            try Migrator(path: path).migrate(db)
            try db.inTransaction(.immediate) {
                if let logID { try MetaExamination.set(logID: logID, db) }
                if let branches { try EventSource.store(branches, db) }
                try beginning?.write(db)
                if let beginning, !beginning.hasCauses { try LogStartExamination.noteLostCauses(db) }
                for event in events { try EventWriter.insert(event.row, event.digest, db) }
                try EventSource.cutBranches(db)
                for command in commands {
                    try db.execute(
                        sql: """
                            INSERT OR IGNORE INTO commands_without_events (stream, command_id, at_us) VALUES (?, ?, ?)
                            """,
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

import Foundation
import GRDB
import GRDBSQLite
import Lifecycle

// What may be asked of the log. None of it takes a write lock.

/// Everything `status` shows, read in one transaction.
public struct StatusReport: Sendable {
    public var now: Instant
    public var controllers: [ControllerRow]
    public var services: [ServiceRow]
    public var replicas: [ReplicaRow]
    public var deadlines: [DeadlineRow]
}

extension DatabaseQueue {
    /// Reads in one transaction, so that all of it is of one moment.
    func readAtOneMoment<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try writeWithoutTransaction { db in try db.atOneMoment { try body(db) } }
    }
}

extension Database {
    /// Reads in one transaction. Not by GRDB's `read`: it keeps `body` from writing by `PRAGMA query_only`, after which SQLite
    /// makes every statement of the connection anew at its next use. Here it is looked afterwards, and what was written is
    /// undone.
    func atOneMoment<Value>(_ body: () throws -> Value) throws -> Value {
        try QuickStatement(self, "BEGIN").run()
        do {
            let value = try body()
            guard sqlite3_txn_state(sqliteConnection, "main") != SQLITE_TXN_WRITE else {
                let path = sqlite3_db_filename(sqliteConnection, nil).map { String(cString: $0) } ?? ""
                throw LogFailure.other(path: path, reason: "what only reads it was about to write to it")
            }
            try QuickStatement(self, "COMMIT").run()
            return value
        } catch {
            if isInsideTransaction { try? QuickStatement(self, "ROLLBACK").run() }
            throw error
        }
    }
}

extension EventLog {
    func reading<Value>(_ body: (Database) throws -> Value) throws(LogFailure) -> Value {
        do {
            try files.check()
            return try queue.readAtOneMoment(body)
        } catch {
            throw LogFailure(error, path: queue.path)
        }
    }

    /// The controller's state now, or of a controller that never was.
    public func state(of controller: ControllerName) throws(LogFailure) -> ControllerState {
        try reading { try self.loadState(of: controller, $0) }
    }

    /// The event of a controller's stream at a version; nil when there is none, or it is archived.
    public func event(of controller: ControllerName, version: Int) throws(LogFailure) -> RecordedEvent? {
        try reading { try EventReader.event(of: controller.rawValue, version: version, $0) }
    }

    /// What is true now, from the projections alone.
    public func status() throws(LogFailure) -> StatusReport {
        try reading { db in
            StatusReport(
                now: try Clock.now(),
                controllers: try ControllerRow.order(sql: "name").fetchAll(db),
                services: try ServiceRow.order(sql: "controller, name").fetchAll(db),
                replicas: try ReplicaRow.order(sql: "controller, service, id").fetchAll(db),
                deadlines: try DeadlineRow.fetchAll(db))
        }
    }

    /// Controllers that a controller process must be running for.
    public func controllersNeedingProcess() throws(LogFailure) -> [ControllerName] {
        try reading { db in
            try String.fetchAll(db, sql: "SELECT name FROM controllers WHERE needs_process ORDER BY name")
                .compactMap(ControllerName.init(rawValue:))
        }
    }

    /// Controllers that stay stopped and will be terminated, the first to be so first. Nothing of them runs that
    /// could see to it.
    public func pendingTerminations() throws(LogFailure) -> [(controller: ControllerName, deadline: DeadlineRow)] {
        try reading { db in
            try DeadlineRow.filter(sql: "kind = 'termination'").order(sql: "due_at_us").fetchAll(db).compactMap { row in
                ControllerName(rawValue: row.controller).map { ($0, row) }
            }
        }
    }

    /// Position of the last event; 0 before the first.
    public func lastPosition() throws(LogFailure) -> Int {
        try reading { try $0.lastPosition() }
    }

    /// Events after a position, oldest first.
    public func events(after position: Int, limit: Int = .max) throws(LogFailure) -> [RecordedEvent] {
        try reading { db in
            var events: [RecordedEvent] = []
            try EventReader.forEach(after: position, limit: limit, db) { events.append($0) }
            return events
        }
    }

    /// Checks the chain of digests and that positions have no holes.
    ///
    /// - Parameter progress: called with the position that was reached.
    /// - Returns: the first position that is wrong; nil when every one is right.
    public func firstBrokenPosition(progress: (Int) -> Void = { _ in }) throws(LogFailure) -> Int? {
        try reading { try DigestChain.firstBrokenPosition($0, progress: progress) }
    }
}

/// A row of `audit_log`: an event as a person reads it.
public struct AuditRow: Sendable, Codable, FetchableRecord {
    public var position: Int
    /// Local time, `YYYY-MM-DD HH:MM:SS.mmm`.
    public var time: String
    public var controller: String
    public var service: String?
    public var replica: Int?
    /// The event's type.
    public var event: String
    /// What happened, in words.
    public var what: String
    public var actor: String
    public var component: String
    public var cause: Int?
    public var atMicroseconds: Int64
    /// The stored payload, JSON.
    public var payload: String
    public var schemaVersion: Int
    public var streamVersion: Int

    enum CodingKeys: String, CodingKey {
        case position, time, controller, service, replica, event, what, actor, component, cause, payload
        case atMicroseconds = "at_us"
        case schemaVersion = "schema_version"
        case streamVersion = "stream_version"
    }
}

import Foundation
import GRDB
import Lifecycle

/// One row of `events`, as stored.
struct EventRow: Hashable {
    var position: Int
    var stream: String
    var version: Int
    var type: String
    var schemaVersion: Int
    var atMicroseconds: Int64
    var service: String?
    var replica: Int?
    var actor: String
    var component: String
    var commandID: String?
    var cause: Int?
    var payload: String
}

/// An event as it was recorded, with everything the log knows of it.
public struct RecordedEvent: Hashable, Sendable {
    /// Place in the whole log, from 1, without holes.
    public var position: Int
    public var controller: ControllerName
    public var event: Event
    public var stamp: Stamp
    public var component: String
    public var commandID: String?
    /// Position of the event that led to it.
    public var cause: Int?
}

/// Writes the events of one transaction, each chained to the one before it.
struct EventWriter {
    private let stream: ControllerName
    private let author: Author
    private let commandID: String?
    /// What led to the first event; each later one of the transaction follows from the first.
    private var cause: Int?
    private var hasWritten = false
    private(set) var lastPosition: Int
    private(set) var lastDigest: Digest

    init(stream: ControllerName, author: Author, commandID: String?, cause: Int?, _ db: Database) throws {
        self.stream = stream
        self.author = author
        self.commandID = commandID
        self.cause = cause
        (lastPosition, lastDigest) = try db.lastEvent()
    }

    mutating func write(_ stamped: StampedEvent, _ db: Database) throws -> RecordedEvent {
        let event = stamped.event
        let row = EventRow(
            position: lastPosition &+ 1, stream: stream.rawValue, version: stamped.stamp.version,
            type: event.type.rawValue, schemaVersion: event.type.schemaVersion,
            atMicroseconds: stamped.stamp.atMicroseconds, service: event.service?.rawValue, replica: event.replica,
            actor: stamped.stamp.actor, component: author.component, commandID: commandID, cause: cause,
            payload: try EventCodec.encode(event))
        let digest = Digest(after: lastDigest, row: row)
        try Self.insert(row, digest, db)
        let recorded = RecordedEvent(
            position: row.position, controller: stream, event: event, stamp: stamped.stamp,
            component: row.component, commandID: commandID, cause: cause)
        lastPosition = row.position
        lastDigest = digest
        if !hasWritten { cause = row.position }
        hasWritten = true
        return recorded
    }

    static func insert(_ row: EventRow, _ digest: Digest, _ db: Database) throws {
        var statement = try QuickStatement(db, insertion)
        statement.bind(row.position)
        statement.bind(row.stream)
        statement.bind(row.version)
        statement.bind(row.type)
        statement.bind(row.schemaVersion)
        statement.bind(row.atMicroseconds)
        statement.bind(row.service)
        statement.bind(row.replica)
        statement.bind(row.actor)
        statement.bind(row.component)
        statement.bind(row.commandID)
        statement.bind(row.cause)
        statement.bind(row.payload)
        statement.bind(digest.bytes)
        try statement.run()
    }

    static let insertion = """
        INSERT OR ROLLBACK INTO events (position, stream, version, type, schema_version, at_us, service, replica, actor,
            component, command_id, cause, payload, digest)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """
}

/// The last event of a stream, be it in this file or archived.
struct StreamHead {
    var version: Int
    var digest: Digest

    static func fetch(_ stream: ControllerName, _ db: Database) throws -> StreamHead? {
        // One after the other: together they would be sorted, in a table that SQLite makes and drops each time.
        for sql in [
            "SELECT version, digest FROM events WHERE stream = ? ORDER BY version DESC LIMIT 1",
            "SELECT version, digest FROM bases WHERE stream = ?",
        ] {
            var statement = try QuickStatement(db, sql)
            statement.bind(stream.rawValue)
            let head = try statement.first { StreamHead(version: $0.int(0), digest: Digest(bytes: $0.data(1))) }
            if let head { return head }
        }
        return nil
    }

    /// Digest of one event of a stream, which stands for all before it; nil when there is no such event.
    static func digest(of stream: ControllerName, at version: Int, _ db: Database) throws -> Digest? {
        try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT digest FROM events WHERE stream = ?1 AND version = ?2
                    UNION ALL
                    SELECT digest FROM bases WHERE stream = ?1 AND version = ?2
                    """),
            arguments: [stream.rawValue, version]
        ).map { Digest(bytes: $0[0]) }
    }
}

import Foundation
import GRDB
import Lifecycle

/// Reads events back, in order.
enum EventReader {
    /// Calls `body` with each event after `position`, whatever its stream.
    static func forEach(
        after position: Int, limit: Int, _ db: Database, _ body: (RecordedEvent) throws -> Void
    ) throws {
        let rows = try Row.fetchCursor(
            db.cachedStatement(sql: "\(select) WHERE position > ? ORDER BY position LIMIT ?"),
            arguments: [position, limit])
        while let row = try rows.next() { try body(event(row)) }
    }

    /// Calls `body` with each event that a condition of our own picks, in no order that is promised.
    static func forEach(
        where condition: String, in stream: ControllerName?, _ db: Database, _ body: (RecordedEvent) throws -> Void
    ) throws {
        let rows =
            if let stream {
                try Row.fetchCursor(
                    db.cachedStatement(sql: "\(select) WHERE stream = ? AND \(condition)"),
                    arguments: [stream.rawValue])
            } else {
                try Row.fetchCursor(db.cachedStatement(sql: "\(select) WHERE \(condition)"))
            }
        while let row = try rows.next() { try body(event(row)) }
    }

    /// The event of a stream at a version; nil when there is none.
    static func event(of stream: String, version: Int, _ db: Database) throws -> RecordedEvent? {
        try Row.fetchOne(
            db.cachedStatement(sql: "\(select) WHERE stream = ? AND version = ?"), arguments: [stream, version]
        ).map(event)
    }

    private static let select = """
        SELECT position, stream, version, type, schema_version, at_us, actor, component, command_id, cause, payload
        FROM events
        """

    /// Years that are written with four digits, microseconds since 1970. Times that lie further away come from no clock, and
    /// nobody could reckon with them.
    private static let times: ClosedRange<Int64> = -62_135_596_800_000_000...253_402_300_799_999_999

    /// Whether every column holds what is written there. The table takes nothing else, unless somebody has changed it.
    private static func isOfItsKinds(_ row: Row) -> Bool {
        for (index, value) in row.databaseValues.enumerated() {
            switch (value.storage, index) {
            case (.int64(let time), 5) where times.contains(time): continue
            case (.int64, 0), (.int64, 2), (.int64, 4), (.int64, 9): continue
            case (.string, 1), (.string, 3), (.string, 6), (.string, 7), (.string, 8), (.string, 10): continue
            case (.null, 8), (.null, 9): continue
            default: return false
            }
        }
        return true
    }

    private static func event(_ row: Row) throws -> RecordedEvent {
        let position = Int.fromDatabaseValue(row[0]) ?? 0
        guard isOfItsKinds(row) else {
            throw LogFailure.unreadableEvent(position: position, reason: "it holds what an event does not")
        }
        guard let controller = ControllerName(rawValue: row[1]) else {
            throw LogFailure.unreadableEvent(position: position, reason: "its stream is not a controller's name")
        }
        return RecordedEvent(
            position: position, controller: controller,
            event: try EventCodec.decode(type: row[3], schemaVersion: row[4], payload: row[10], position: position),
            stamp: Stamp(version: row[2], atMicroseconds: row[5], actor: row[6]),
            component: row[7], commandID: row[8], cause: row[9])
    }
}

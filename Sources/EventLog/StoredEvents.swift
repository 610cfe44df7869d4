import GRDB
import GRDBSQLite
import Lifecycle

/// Events for folding, as fast as SQLite gives them: what `apply` needs and no more, without a row between.
struct StoredEvents {
    struct Element {
        var position: Int
        var stream: String
        var stamp: Stamp
        var type: String
        var schemaVersion: Int
    }

    private let db: Database
    private let statement: Statement

    /// - Parameter condition: a condition of our own on `events`, and an order.
    init(_ db: Database, where condition: String, arguments: StatementArguments = StatementArguments()) throws {
        self.db = db
        statement = try db.makeStatement(
            sql: """
                SELECT position, stream, version, type, schema_version, at_us, actor, payload
                FROM events WHERE \(condition)
                """)
        try statement.setArguments(arguments)
    }

    /// Goes to the next; its payload is read by ``event(_:)``.
    func next() throws -> Element? {
        let row = statement.sqliteStatement
        switch sqlite3_step(row) {
        case SQLITE_ROW:
            return Element(
                position: Int(sqlite3_column_int64(row, 0)), stream: text(1),
                stamp: Stamp(
                    version: Int(sqlite3_column_int64(row, 2)), atMicroseconds: sqlite3_column_int64(row, 5),
                    actor: text(6)),
                type: text(3), schemaVersion: Int(sqlite3_column_int64(row, 4)))
        case SQLITE_DONE: return nil
        default:
            throw DatabaseError(
                resultCode: ResultCode(rawValue: sqlite3_extended_errcode(db.sqliteConnection)),
                message: sqlite3_errmsg(db.sqliteConnection).map { String(cString: $0) })
        }
    }

    /// The event that ``next()`` went to.
    func event(_ element: Element) throws -> Event {
        let payload = bytes(7)
        if let type = Self.types[element.type], element.schemaVersion == type.schemaVersion,
            let event = Event(type, flat: payload)
        {
            return event
        }
        return try EventCodec.decode(
            type: element.type, schemaVersion: element.schemaVersion,
            payload: String(decoding: payload, as: UTF8.self), position: element.position)
    }

    /// Valid until the next step.
    private func bytes(_ column: Int32) -> UnsafeRawBufferPointer {
        let row = statement.sqliteStatement
        // In this order: asking for the text may convert it, and the length is of what it was converted to.
        let start = sqlite3_column_text(row, column)
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(row, column)))
    }

    private func text(_ column: Int32) -> String { String(decoding: bytes(column), as: UTF8.self) }

    /// `EventType(rawValue:)` compares with one name after another.
    private static let types = Dictionary(uniqueKeysWithValues: EventType.allCases.map { ($0.rawValue, $0) })
}

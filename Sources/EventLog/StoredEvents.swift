import Foundation
import GRDB
import GRDBSQLite
import Lifecycle

/// Events for folding, as fast as SQLite gives them: what `apply` needs and no more, without a row between.
struct StoredEvents {
    struct Element {
        var position: Int
        var stream: String
        var stamp: Stamp
        /// Nil for one that this build does not know.
        fileprivate var type: EventType?
        fileprivate var schemaVersion: Int
    }

    private let db: Database
    private let statement: Statement
    private let specs = KnownSpecs()

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
                type: Self.types.type(bytes(3)), schemaVersion: Int(sqlite3_column_int64(row, 4)))
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
        if let type = element.type, element.schemaVersion == type.schemaVersion,
            let event = Event(type, flat: payload, spec: specs.spec)
        {
            return event
        }
        return try EventCodec.decode(
            type: element.type?.rawValue ?? text(3), schemaVersion: element.schemaVersion,
            payload: String(decoding: payload, as: UTF8.self), position: element.position)
    }

    /// Valid until the next step.
    private func bytes(_ column: Int32) -> UnsafeRawBufferPointer {
        QuickStatement.Columns(row: statement.sqliteStatement).bytes(column)
    }

    private func text(_ column: Int32) -> String { String(decoding: bytes(column), as: UTF8.self) }

    private static let types = TypeNames()
}

/// Specs that were read: services are brought up again and again with the same one.
private final class KnownSpecs {
    private var known: [[UInt8]: ServiceSpec] = [:]

    func spec(_ json: UnsafeRawBufferPointer) -> ServiceSpec? {
        let bytes = Array(json)
        if let spec = known[bytes] { return spec }
        guard let spec = try? JSONDecoder().decode(ServiceSpec.self, from: Data(bytes)) else { return nil }
        if known.count >= 256 { known.removeAll() }
        known[bytes] = spec
        return spec
    }
}

/// Finds a type by its name without making a text of it: `EventType(rawValue:)` compares with one name after another.
private struct TypeNames {
    /// By length in bytes.
    private var byLength: [[(name: [UInt8], type: EventType)]] = []

    init() {
        for type in EventType.allCases {
            let name = Array(type.rawValue.utf8)
            while byLength.count <= name.count { byLength.append([]) }
            byLength[name.count].append((name, type))
        }
    }

    func type(_ bytes: UnsafeRawBufferPointer) -> EventType? {
        guard bytes.count < byLength.count else { return nil }
        return byLength[bytes.count].first { $0.name.elementsEqual(bytes) }?.type
    }
}

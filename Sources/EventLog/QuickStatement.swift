import Foundation
import GRDB
import GRDBSQLite

/// A statement of what is done at every append, bound and stepped by SQLite's own functions. GRDB makes an array of
/// values and a row for each, and that took longer than SQLite takes to run it.
struct QuickStatement: ParameterBinding {
    private let db: Database
    private let raw: OpaquePointer
    /// Keeps `raw` alive.
    private let statement: Statement
    private let parameterCount: CInt
    private var bound: CInt = 0
    private var failure: CInt?

    init(_ db: Database, _ sql: String) throws {
        self.db = db
        statement = try db.cachedStatement(sql: sql)
        raw = statement.sqliteStatement
        parameterCount = sqlite3_bind_parameter_count(raw)
        sqlite3_reset(raw)
    }

    // Each binds the next parameter; what is more than the statement has is passed over, so that statements about the
    // first columns of a row can be given the whole of it.

    mutating func bind(_ text: String?) {
        guard let index = nextParameter() else { return }
        guard var text else { return check(sqlite3_bind_null(raw, index)) }
        check(text.withUTF8 { Self.bindText(raw, index, UnsafeRawBufferPointer($0)) })
    }

    mutating func bind(_ number: Int64?) {
        guard let index = nextParameter() else { return }
        check(number.map { sqlite3_bind_int64(raw, index, $0) } ?? sqlite3_bind_null(raw, index))
    }

    mutating func bind(_ number: Double?) {
        guard let index = nextParameter() else { return }
        check(number.map { sqlite3_bind_double(raw, index, $0) } ?? sqlite3_bind_null(raw, index))
    }

    mutating func bind(_ data: Data) {
        guard let index = nextParameter() else { return }
        check(
            data.withUnsafeBytes { bytes in
                sqlite3_bind_blob64(raw, index, bytes.baseAddress, UInt64(bytes.count), Self.copied)
            })
    }

    mutating func bind(_ value: TapeReader.Value) {
        switch value {
        case .null: bind(nil as Int64?)
        case .integer(let number): bind(number)
        case .real(let number): bind(number)
        case .text(let bytes):
            guard let index = nextParameter() else { return }
            check(Self.bindText(raw, index, bytes))
        }
    }

    /// No address stands for NULL, and the empty text has none.
    private static func bindText(_ raw: OpaquePointer, _ index: CInt, _ utf8: UnsafeRawBufferPointer) -> CInt {
        guard let start = utf8.baseAddress else { return sqlite3_bind_text(raw, index, "", 0, copied) }
        return sqlite3_bind_text64(
            raw, index, start.assumingMemoryBound(to: CChar.self), UInt64(utf8.count), copied, UInt8(SQLITE_UTF8))
    }

    /// Runs it to its end.
    func run() throws {
        defer { sqlite3_reset(raw) }
        while try step() {}
    }

    /// Its first row, read by `read`; nil when there is none.
    func first<Value>(_ read: (Columns) throws -> Value) throws -> Value? {
        defer { sqlite3_reset(raw) }
        return try step() ? read(Columns(row: raw)) : nil
    }

    /// Every row, read by `read`.
    func all<Value>(_ read: (Columns) throws -> Value) throws -> [Value] {
        defer { sqlite3_reset(raw) }
        var values: [Value] = []
        while try step() { values.append(try read(Columns(row: raw))) }
        return values
    }

    /// Its next row; nil when there is none, and then it may be run again. What is read of it is valid until the next step.
    func next() throws -> Columns? {
        if try step() { return Columns(row: raw) }
        sqlite3_reset(raw)
        return nil
    }

    /// Ends reading before its last row.
    func reset() { sqlite3_reset(raw) }

    private func step() throws -> Bool {
        if let failure {
            throw DatabaseError(resultCode: ResultCode(rawValue: failure), sql: statement.sql)
        }
        switch sqlite3_step(raw) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            throw DatabaseError(
                resultCode: ResultCode(rawValue: sqlite3_extended_errcode(db.sqliteConnection)),
                message: sqlite3_errmsg(db.sqliteConnection).map { String(cString: $0) },
                sql: statement.sql)
        }
    }

    private mutating func nextParameter() -> CInt? {
        guard bound < parameterCount else { return nil }
        bound += 1
        return bound
    }

    /// A value that could not be bound (for want of memory, or longer than a gigabyte) is told when it is to be run.
    private mutating func check(_ code: CInt) {
        if code != SQLITE_OK { failure = failure ?? code }
    }

    private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    /// The columns of the row a statement is at. Whatever somebody has put there is read as far as it can be; GRDB's `Row`
    /// ends the process over a value of another kind.
    struct Columns {
        let row: OpaquePointer

        func int(_ column: CInt) -> Int { Int(sqlite3_column_int64(row, column)) }

        func data(_ column: CInt) -> Data {
            guard let start = sqlite3_column_blob(row, column) else { return Data() }
            return Data(bytes: start, count: Int(sqlite3_column_bytes(row, column)))
        }

        /// What kind of value is stored there, whatever its column is declared to hold.
        func kind(_ column: CInt) -> StoredKind {
            switch sqlite3_column_type(row, column) {
            case SQLITE_INTEGER: .integer
            case SQLITE_FLOAT: .real
            case SQLITE_TEXT: .text
            case SQLITE_BLOB: .blob
            default: .null
            }
        }

        /// A text to its last byte, valid until the next step. What reads it as a C string, as GRDB does, ends at the first
        /// NUL, and does not see what somebody has put behind it.
        func bytes(_ column: CInt) -> UnsafeRawBufferPointer {
            // In this order: asking for the text may convert it, and the length is of what it was converted to.
            let start = sqlite3_column_text(row, column)
            return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(row, column)))
        }

        /// The same as a string; empty where there is nothing.
        func text(_ column: CInt) -> String { String(decoding: bytes(column), as: UTF8.self) }

        /// As a sentence shows it: one word that tells a NUL from nothing.
        func shown(_ column: CInt) -> String {
            switch kind(column) {
            case .null: "NULL"
            case .integer: String(sqlite3_column_int64(row, column))
            case .real: String(sqlite3_column_double(row, column))
            case .text: text(column).withControlsEscaped
            case .blob: "x'\(data(column).hexadecimal)'"
            }
        }
    }
}

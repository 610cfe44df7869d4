import GRDB

/// A row of a projection, which knows how it is written.
protocol ProjectionRow: Hashable, Sendable, Codable, FetchableRecord, PersistableRecord {
    static var sql: RowSQL { get }
}

/// The statements that write a row of a table, made once: making them anew for every row took longer than running
/// them.
struct RowSQL: Sendable {
    private let table: String
    private let columns: [String]
    private let key: [String]
    private let replacement: String
    private let removal: String

    init(_ row: (some ProjectionRow).Type, _ columns: [String], key: [String]) {
        table = row.databaseTableName
        self.columns = columns
        self.key = key
        replacement = Self.replacement(table, columns, key)
        removal =
            "DELETE FROM \(table) WHERE " + key.map { "\($0) = ?" }.joined(separator: " AND ")
    }

    /// Updates what is there in place: an index whose columns are as they were is left alone.
    private static func replacement(_ table: String, _ columns: [String], _ key: [String]) -> String {
        let values = columns.map { _ in "?" }.joined(separator: ", ")
        let changes = columns.filter { !key.contains($0) }.map { "\($0) = excluded.\($0)" }.joined(separator: ", ")
        return """
            INSERT INTO \(table) (\(columns.joined(separator: ", "))) VALUES (\(values))
            ON CONFLICT (\(key.joined(separator: ", "))) DO UPDATE SET \(changes)
            """
    }

    fileprivate func replace(_ values: [String: DatabaseValue], _ db: Database) throws {
        try db.cachedStatement(sql: replacement)
            .execute(arguments: StatementArguments(columns.map { values[$0] ?? .null }))
    }

    fileprivate func update(_ values: [String: DatabaseValue], except column: String, _ db: Database) throws {
        let changes = columns.filter { !key.contains($0) && $0 != column }
        let sql = """
            UPDATE \(table) SET \(changes.map { "\($0) = ?" }.joined(separator: ", "))
            WHERE \(key.map { "\($0) = ?" }.joined(separator: " AND "))
            """
        try db.cachedStatement(sql: sql)
            .execute(arguments: StatementArguments((changes + key).map { values[$0] ?? .null }))
    }

    fileprivate func remove(_ values: [String: DatabaseValue], _ db: Database) throws {
        try db.cachedStatement(sql: removal).execute(arguments: StatementArguments(key.map { values[$0] ?? .null }))
    }
}

extension ProjectionRow {
    /// Writes it, in the place of the row with its key if there is one.
    func replace(_ db: Database) throws { try Self.sql.replace(databaseDictionary, db) }

    /// Writes what of it is not in `column`, in the row with its key.
    func update(_ db: Database, except column: String) throws {
        try Self.sql.update(databaseDictionary, except: column, db)
    }

    /// Removes the row with its key.
    func remove(_ db: Database) throws { try Self.sql.remove(databaseDictionary, db) }

    /// Brings what the table holds from one row to the next: writes what differs, and nothing else.
    static func bring(_ before: Self?, to after: Self?, _ db: Database) throws {
        if before == after { return }
        if let after { try after.replace(db) } else { try before?.remove(db) }
    }
}

import GRDB

/// Whether the texts of the tables that follow from no event are texts to their last byte: dwell writes UTF-8 without NULs
/// there. What is behind a NUL is shown by nothing, and makes the text another one for SQLite.
enum TextExamination {
    /// What receivers of notices answered is theirs, and the projections are compared with the log.
    private static let tables = [
        "sqlite_schema", "schema_migrations", "meta", "archives", "bases", "archived_causes", "commands_without_events",
    ]

    /// A sentence for each that is none.
    static func problems(_ db: Database) throws -> [String] {
        var problems: [String] = []
        for table in tables where try table == "sqlite_schema" || db.tableExists(table) {
            let columns = try db.columns(in: table).map(\.name)
            let rows = try QuickStatement(db, "SELECT \(columns.joined(separator: ", ")) FROM \(table)")
            while let row = try rows.next() {
                for (index, column) in columns.enumerated() where !row.isWholeText(CInt(index)) {
                    problems.append(
                        "\(table): \(column) of its row \(row.shown(0).prefix(60)) holds a NUL, or bytes that are no text"
                    )
                }
            }
        }
        return problems
    }
}

extension QuickStatement.Columns {
    /// Whether a value is no text, or one that is shown to its last byte.
    fileprivate func isWholeText(_ column: CInt) -> Bool {
        guard kind(column) == .text else { return true }
        let bytes = bytes(column)
        return !bytes.contains(0) && String(validating: bytes, as: UTF8.self) != nil
    }
}

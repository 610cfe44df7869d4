import GRDB

/// A row of a projection, which knows how it is written. Each is made from a state by a plain function: what the tables hold
/// is what these functions say of the folded log, and nothing else (law L2).
protocol ProjectionRow: Hashable, Sendable, Codable, FetchableRecord, PersistableRecord {
    static var table: ProjectionTable { get }
    static var sql: RowSQL { get }

    /// Binds its columns in the order in which ``sql`` has them.
    func bind(to statement: inout some ParameterBinding)

    /// The columns of its key, as they are written.
    var key: [String] { get }

    /// How sentences call the row with this key.
    static func called(_ key: [String]) -> String

    /// Whether it is `before` but for its counter.
    func isCounted(from before: Self) -> Bool
}

/// The statements that write a row of a table, made once. A column has the same number in each of them, and those of
/// the key come first, so a row is bound to all of them alike.
struct RowSQL: Sendable {
    /// What is done to the row with a key, in an order that never changes.
    enum Write: Int {
        /// Writes it, in the place of the one that is there.
        case replacement
        /// Writes what may change of it.
        case update
        /// Updates what counts the events, and nothing else.
        case counting
        case removal

        /// Whether a row is there already, as far as the log knows.
        var wantsRow: Bool { self == .update || self == .counting }
    }

    private let replacement: String
    private let update: String
    private let counting: String?
    private let removal: String
    /// Of each column in the row with its key: whether it is what is bound, what it is, and what is bound.
    let comparison: String
    /// The keys of the rows that share the first column of the key.
    let keys: String
    let columns: [String]
    let keyCount: Int

    /// - Parameters:
    ///   - columns: those of the key first.
    ///   - fixed: columns that ``ProjectionRow/updateInPlace(_:)`` leaves as they are.
    ///   - counter: the column that may be all that an event changes.
    init(
        _ row: (some ProjectionRow).Type, _ columns: [String], keyCount: Int, fixed: Set<String> = [],
        counter: String? = nil
    ) {
        let table = row.databaseTableName
        // Arrays and not slices: their texts are joined without asking the runtime what a slice is made of.
        let key = Array(columns.prefix(keyCount))
        func parameter(_ column: String) -> String { "?\((columns.firstIndex(of: column) ?? 0) + 1)" }
        let isKey = key.map { "\($0) = \(parameter($0))" }.joined(separator: " AND ")
        let others = Array(columns.dropFirst(keyCount))
        replacement = """
            INSERT INTO \(table) (\(columns.joined(separator: ", "))) VALUES (\(columns.map(parameter).joined(separator: ", ")))
            ON CONFLICT (\(key.joined(separator: ", "))) DO UPDATE
            SET \(others.map { "\($0) = excluded.\($0)" }.joined(separator: ", "))
            """
        // Columns that stay are not named: SQLite writes an entry of an index anew when one of its columns is.
        let changes = others.filter { !fixed.contains($0) }.map { "\($0) = \(parameter($0))" }
        update = "UPDATE \(table) SET \(changes.joined(separator: ", ")) WHERE \(isKey)"
        counting = counter.map { "UPDATE \(table) SET \($0) = \(parameter($0)) WHERE \(isKey)" }
        removal = "DELETE FROM \(table) WHERE \(isKey)"
        let compared = columns.map { "\($0) IS \(parameter($0)), \($0), \(parameter($0))" }
        comparison = "SELECT \(compared.joined(separator: ", ")) FROM \(table) WHERE \(isKey)"
        keys = "SELECT \(key.joined(separator: ", ")) FROM \(table) WHERE \(columns[0]) = ?1"
        (self.columns, self.keyCount) = (columns, keyCount)
    }

    /// Nil for what rows of the table do not do.
    subscript(_ write: Write) -> String? {
        switch write {
        case .replacement: replacement
        case .update: update
        case .counting: counting
        case .removal: removal
        }
    }
}

extension ProjectionRow {
    /// Writes it, in the place of the row with its key if there is one.
    func replace(_ rows: RowWriter) throws { _ = try rows.write(self, .replacement) }

    /// Writes what may change of it in the row with its key.
    ///
    /// - Returns: whether there is one. As far as the log knows there is; somebody may have removed it by hand.
    func updateInPlace(_ rows: RowWriter) throws -> Bool { try rows.write(self, .update) }

    func isCounted(from before: Self) -> Bool { false }

    /// Removes the row with its key.
    func remove(_ rows: RowWriter) throws { _ = try rows.write(self, .removal) }

    /// Brings what the table holds from one row to the next: writes what differs, and nothing else.
    static func bring(_ before: Self?, to after: Self?, _ rows: RowWriter) throws {
        if before == after { return }
        guard let after else { return try before?.remove(rows) ?? () }
        // Most events change nothing of their controller.
        if let before, after.isCounted(from: before), try rows.write(after, .counting) { return }
        if try before == nil || !after.updateInPlace(rows) { try after.replace(rows) }
    }
}

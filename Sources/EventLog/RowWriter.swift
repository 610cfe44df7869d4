import GRDB

/// The tables of the projections, in an order that never changes: their places stand for them on a ``ValueTape``.
enum ProjectionTable: Int, CaseIterable {
    case controllers, services, replicas, deadlines

    var sql: RowSQL {
        switch self {
        case .controllers: ControllerRow.sql
        case .services: ServiceRow.sql
        case .replicas: ReplicaRow.sql
        case .deadlines: DeadlineRow.sql
        }
    }
}

/// Where rows of the projections go: into their tables, or onto a tape, for another process to write; see ``Offer``.
final class RowWriter {
    let db: Database
    private(set) var tape: ValueTape?
    /// Whether all that was to be written is on the tape.
    private(set) var isTapeWhole = true

    init(into db: Database) { self.db = db }

    /// - Parameter tape: what stands before the rows.
    init(onto tape: ValueTape, _ db: Database) {
        self.db = db
        self.tape = tape
    }

    /// - Returns: whether the row was there, for a write that wants one. On a tape it is taken for granted, and
    ///   ``replay(_:)`` looks.
    func write(_ row: some ProjectionRow, _ write: RowSQL.Write) throws -> Bool {
        if var filled = tape.take() {
            filled.bind(type(of: row).table.rawValue)
            filled.bind(write.rawValue)
            row.bind(to: &filled)
            tape = filled
            return true
        }
        guard let sql = type(of: row).sql[write] else { return false }
        var statement = try QuickStatement(db, sql)
        row.bind(to: &statement)
        try statement.run()
        return !write.wantsRow || db.changesCount > 0
    }

    /// Runs a statement about several rows of a table.
    func execute(_ sql: String, _ arguments: [String]) throws {
        guard tape == nil else { return isTapeWhole = false }
        try db.cachedStatement(sql: sql).execute(arguments: StatementArguments(arguments))
    }

    /// Something on a tape cannot be done here.
    enum ReplayFailure: Error { case noSuchWrite, rowIsMissing }

    /// Writes the next row of a tape into its table.
    func replay(_ tape: inout TapeReader) throws {
        guard let table = ProjectionTable(rawValue: try tape.integer()),
            let write = RowSQL.Write(rawValue: try tape.integer()), let sql = table.sql[write]
        else { throw ReplayFailure.noSuchWrite }
        var statement = try QuickStatement(db, sql)
        for _ in table.sql.columns { statement.bind(try tape.next()) }
        try statement.run()
        // Somebody has removed it by hand; whoever decided knows the whole of it, and writes that.
        if write.wantsRow, db.changesCount == 0 { throw ReplayFailure.rowIsMissing }
    }
}

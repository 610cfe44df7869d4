import GRDB

/// Walks the log and computes every digest again, of the very bytes that are stored.
enum DigestChain {
    static func firstBrokenPosition(_ db: Database, progress: (Int) -> Void = { _ in }) throws -> Int? {
        let start = try LogStart(db)
        var previous = start.digest
        var expected = start.position + 1
        let events = try QuickStatement(db, StoredRow.sql)
        while let event = try events.next() {
            let stored = StoredRow(event)
            guard stored.position == expected, let digest = Digest(after: previous, stored: event),
                digest == stored.digest
            else {
                events.reset()
                return expected
            }
            previous = digest
            expected += 1
            if expected % 4_096 == 0 { progress(expected) }
        }
        return nil
    }
}

/// Where an event lies, and the digest that is stored beside it.
struct StoredRow {
    let position: Int
    /// Nil when it is none.
    let digest: Digest?

    /// The columns of `events` in the order of the table.
    static let sql = """
        SELECT position, stream, version, type, schema_version, at_us, service, replica, actor, component,
            command_id, cause, payload, digest
        FROM events ORDER BY position
        """

    init(_ row: QuickStatement.Columns) {
        position = row.int(0)
        digest = row.kind(13) == .blob ? Digest(bytes: row.data(13)) : nil
    }
}

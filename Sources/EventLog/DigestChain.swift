import Foundation
import GRDB

/// Walks the log and computes every digest again.
enum DigestChain {
    static func firstBrokenPosition(_ db: Database, progress: (Int) -> Void = { _ in }) throws -> Int? {
        let start = try LogStart(db)
        var previous = start.digest
        var expected = start.position + 1
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT position, stream, version, type, schema_version, at_us, service, replica, actor, component,
                    command_id, cause, payload, digest
                FROM events ORDER BY position
                """)
        while let row = try rows.next() {
            let event = EventRow(columns: row)
            let digest = Digest(after: previous, row: event)
            guard event.position == expected, digest == Digest(bytes: row[13]) else { return expected }
            previous = digest
            expected += 1
            if expected % 4_096 == 0 { progress(expected) }
        }
        return nil
    }
}

extension EventRow {
    /// A row of `events` that holds what its columns are declared to, in the order of the table.
    init(columns row: Row) {
        self.init(
            position: row[0], stream: row[1], version: row[2], type: row[3], schemaVersion: row[4],
            atMicroseconds: row[5], service: row[6], replica: row[7], actor: row[8], component: row[9],
            commandID: row[10], cause: row[11], payload: row[12])
    }
}

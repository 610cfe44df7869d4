import GRDB
import Lifecycle

/// Folded states of the past, at regular places of each stream. Like a snapshot each is a cache: of another
/// format, unreadable or missing, it is passed over.
enum Checkpoints {
    /// One is kept whenever a stream passes a multiple of this: few enough to cost nothing, many enough that
    /// folding from one to any moment after it takes milliseconds. With many services more seldom, as snapshots are.
    static let interval = snapshots * Snapshots.interval
    private static let snapshots = 8

    /// Keeps the state after `eventCount` new events, the last of them at `position`.
    static func store(_ state: ControllerState, after eventCount: Int, position: Int, _ db: Database) throws {
        guard Snapshots.isDue(state, after: eventCount, times: snapshots) else { return }
        try db.cachedStatement(
            sql: "INSERT OR REPLACE INTO checkpoints (stream, version, position, format, state) VALUES (?, ?, ?, ?, ?)"
        )
        .execute(arguments: [
            state.name.rawValue, state.version, position, Snapshots.format, try EventCodec.json(state),
        ])
    }

    /// The last one at or before `position`.
    static func load(_ stream: ControllerName, notAfter position: Int, _ db: Database) throws -> ControllerState? {
        let json = try String.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT state FROM checkpoints WHERE stream = ? AND position <= ? AND format = ?
                    ORDER BY version DESC LIMIT 1
                    """),
            arguments: [stream.rawValue, position, Snapshots.format])
        return json.flatMap { try? EventCodec.value($0) }
    }
}

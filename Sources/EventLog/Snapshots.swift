import GRDB
import Lifecycle

/// Folded states kept beside the log, so that opening a long stream reads its tail only. A snapshot is
/// a cache: of another format, unreadable or missing, it is passed over and the stream is folded.
enum Snapshots {
    /// Raised whenever the stored form of ``ControllerState`` or the meaning of `apply` changes. As ``Base`` states of
    /// every format must be read for ever: what is new in the form is optional or has a default.
    static let format = 6
    /// A snapshot is stored whenever a stream passes a multiple of this, when its controller has few services.
    static let interval = 128

    /// The same for any number of services. To write down twice as many takes twice as long, and so it is done half as often. Reading
    /// what is not in the snapshot then takes no longer than reading it.
    static func interval(of state: ControllerState) -> Int { interval * max(1, state.services.count / 8) }

    /// Whether the last so many events of the stream passed a multiple of ``interval(of:)``, so many times over.
    static func isDue(_ state: ControllerState, after eventCount: Int, times: Int = 1) -> Bool {
        let interval = times * interval(of: state)
        return state.version / interval > (state.version &- eventCount) / interval
    }

    static func store(_ state: ControllerState, after eventCount: Int, _ db: Database) throws {
        if isDue(state, after: eventCount) { try store(state, db) }
    }

    static func store(_ state: ControllerState, _ db: Database) throws {
        try db.cachedStatement(
            sql: "INSERT OR REPLACE INTO snapshots (stream, version, format, state) VALUES (?, ?, ?, ?)"
        )
        .execute(arguments: [state.name.rawValue, state.version, format, try EventCodec.json(state)])
    }

    /// None from before what was archived: it goes on with events that are in another file.
    static func load(_ stream: ControllerName, notAfter version: Int, _ db: Database) throws -> ControllerState? {
        let json = try String.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT state FROM snapshots WHERE stream = ?1 AND version <= ?2 AND format = ?3
                        AND version >= coalesce((SELECT version FROM bases WHERE stream = ?1), 0)
                    """),
            arguments: [stream.rawValue, version, format])
        return json.flatMap { try? EventCodec.value($0) }
    }
}

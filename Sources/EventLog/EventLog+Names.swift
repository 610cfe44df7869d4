import GRDB
import Lifecycle

/// Names that the events of a log are about, also of what is gone.
public struct KnownNames: Sendable {
    public var controllers: [String] = []
    public var services: [String] = []
}

extension EventLog {
    /// Every name in this log, in order; of services that were archived those that had not gone by then. Each is a step
    /// through an index, however long the log is.
    public func knownNames() throws(LogFailure) -> KnownNames {
        try reading { db in
            let bases = try Base.streams(db)
            let archived = try bases.compactMap(ControllerName.init(rawValue:))
                .flatMap { try ControllerState(beginning: $0, db).services.keys.map(\.rawValue) }
            return KnownNames(
                controllers: Set(try Self.distinct("stream", db) + bases).sorted(),
                services: Set(try Self.distinct("service", db) + archived).sorted())
        }
    }

    private static func distinct(_ column: String, _ db: Database) throws -> [String] {
        try String.fetchAll(
            db,
            sql: """
                WITH RECURSIVE names(name) AS (
                    SELECT min(\(column)) FROM events WHERE \(column) IS NOT NULL
                    UNION ALL
                    SELECT (SELECT min(\(column)) FROM events WHERE \(column) > names.name) FROM names
                    WHERE names.name IS NOT NULL
                )
                SELECT name FROM names WHERE name IS NOT NULL
                """)
    }
}

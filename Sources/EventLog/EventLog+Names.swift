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

    /// Everybody, and every component, that did something; of what was archived nothing. Each is a look at the whole log.
    public func knownActors() throws(LogFailure) -> [String] {
        try reading { db in
            try ["actor", "component"].flatMap { column in
                try String.fetchAll(db, sql: "SELECT DISTINCT \(column) FROM events ORDER BY 1")
            }
        }
    }

    /// The ids of replicas that this service ever had in this log, or that any had: the first and the last; nil when
    /// there was none.
    public func knownReplicas(of service: String?) throws(LogFailure) -> ClosedRange<Int>? {
        try reading { db in
            let condition = service.map { EventQuery.matches("service", $0) } ?? "service IS NOT NULL"
            let row = try Row.fetchOne(
                db, sql: "SELECT min(replica), max(replica) FROM events WHERE replica IS NOT NULL AND \(condition)",
                arguments: StatementArguments([service].compactMap(\.self)))
            guard let row, let first = row[0] as Int?, let last = row[1] as Int? else { return nil }
            return first...last
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

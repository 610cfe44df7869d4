import GRDB

/// Whether the tables, indexes, triggers and views of a log are those that this build makes. Somebody may have dropped
/// the triggers that keep events from being changed; a trigger that somebody has added may write what no event says, and
/// a view tell of it. Whoever wants views of their own makes them in a database of theirs that attaches this one.
enum SchemaExamination {
    /// A sentence for each thing that is missing or another; empty when all is as it should be.
    static func problems(_ db: Database, path: String) throws -> [String] {
        // One of an earlier schema is as that one had it.
        guard try Migrator(path: path).isCurrent(db) else { return [] }
        let fresh = try DatabaseQueue()
        let wanted = try fresh.writeWithoutTransaction { fresh in
            try Migrator(path: path).migrate(fresh, keepingCopy: false)
            return try objects(fresh)
        }
        let found = try Dictionary(uniqueKeysWithValues: objects(db).map { ($0.name, $0) })
        let names = Set(wanted.map(\.name))
        // What `ANALYZE` makes is SQLite's own.
        let strange = found.values.filter { !names.contains($0.name) && !$0.name.hasPrefix("sqlite_") }
        return strange.map { "\($0.type) \($0.name) is none of dwell's" }.sorted()
            + wanted.compactMap { object in
                guard let there = found[object.name] else { return "\(object.type) \(object.name) is missing" }
                return there.sql == object.sql ? nil : "\(object.type) \(object.name) is not as dwell made it"
            }
    }

    private struct Object {
        var type: String
        var name: String
        var sql: String
    }

    private static func objects(_ db: Database) throws -> [Object] {
        try Row.fetchAll(
            db, sql: "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC, name"
        ).map { Object(type: $0[0], name: $0[1], sql: $0[2]) }
    }
}

extension EventLog {
    /// What of the schema is missing or not as this build makes it: a sentence each.
    public func schemaProblems() throws(LogFailure) -> [String] {
        try reading { try SchemaExamination.problems($0, path: self.path) }
    }
}

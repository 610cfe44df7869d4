import GRDB

/// Whether what a log says of itself is what was written when it was made: nothing of it follows from events.
enum MetaExamination {
    /// A sentence for each thing that is not.
    static func problems(_ db: Database, path: String) throws -> [String] {
        // One of an earlier schema, or that another build had last, is as that one had it.
        guard try Migrator(path: path).isCurrent(db) else { return [] }
        return try [logID(db, path), CommandsWithoutEvents(db: db).problem(), EventSource.problem(db)].compactMap(
            \.self) + receivers(db)
            + TextExamination.problems(db)
    }

    /// Receivers that are said to have been told what did not happen yet: they would not be told of it.
    private static func receivers(_ db: Database) throws -> [String] {
        let last = try db.lastPosition()
        var statement = try QuickStatement(
            db, "SELECT label, position FROM notice_receivers WHERE position > ? ORDER BY key")
        statement.bind(last)
        return try statement.all {
            "notice_receivers: \($0.shown(0)) is said to have been told of event \($0.int(1)), and the log ends at event \(last)"
        }
    }

    private static func logID(_ db: Database, _ path: String) throws -> String? {
        guard let first = try db.firstLogID() else {
            return "meta: first_log_id is missing"
        }
        guard let now = try db.logID(), now != first else { return nil }
        guard first.wholeMatch(of: /[0-9a-f]{16}/) != nil else {
            return "meta: first_log_id is \"\(first.prefix(40))\", which is no id"
        }
        return "meta: log_id is \(now), and was \(first) when the log was begun; put it back: "
            + "sqlite3 \(path) \"UPDATE meta SET value = '\(first)' WHERE key = 'log_id'\""
    }

    /// Notes what is examined, where it is not noted yet.
    static func sealIfNew(_ db: Database) throws {
        try db.execute(
            sql: "INSERT OR IGNORE INTO meta SELECT 'first_log_id', value FROM meta WHERE key = 'log_id'")
        if try db.tableExists("commands_without_events") { try CommandsWithoutEvents(db: db).sealIfNew() }
    }

    /// Makes a log the one with this id, whatever it was when its file was made.
    static func set(logID: String, _ db: Database) throws {
        try db.execute(
            sql: "UPDATE meta SET value = ? WHERE key IN ('log_id', 'first_log_id')", arguments: [logID])
    }
}

extension EventLog {
    /// What of the facts about the log itself is not as it was written: a sentence each.
    public func metaProblems() throws(LogFailure) -> [String] {
        try reading { try MetaExamination.problems($0, path: self.path) }
    }

    /// What says that the log's id was changed, if anything does: whoever wrote last noted it beside the database.
    public func idProblem() -> String? {
        guard let witness = bell.witness, witness.logID != logID else { return nil }
        return "meta: log_id is \(logID), and what was written last was written to log \(witness.logID)"
    }
}

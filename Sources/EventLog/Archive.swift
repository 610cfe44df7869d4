import Foundation
import GRDB
import Lifecycle

/// What was archived.
public struct ArchiveReport: Sendable {
    /// Events that were moved.
    public var movedEvents = 0
    /// Position of the last of them.
    public var position = 0
    /// Events that remain.
    public var remainingEvents = 0
    /// Bytes of the database's file that are free for what comes.
    public var freeBytes = 0
}

extension EventLog {
    /// Moves the events before a moment into a file of their own, a whole log that ends there. What remains begins
    /// with the states those events led to, and its first event is chained to the last one that was moved.
    ///
    /// The file is written and examined before anything is taken away, and the events go in one transaction with the
    /// record of where they are: a crash leaves all of them here, or none. Whoever wants to write waits for that
    /// transaction.
    ///
    /// - Parameters:
    ///   - microseconds: wall time, since 1970. Events from the first one that is not before it remain.
    ///   - file: the file to write, mode 0600; there must be none of that name.
    ///   - progress: called with what is being done.
    /// - Throws: ``LogFailure``; then the log is as it was.
    public func archive(
        beforeMicroseconds microseconds: Int64, to file: String, by author: Author,
        progress: (String) -> Void = { _ in }
    ) throws(LogFailure) -> ArchiveReport {
        do {
            try files.check()
            try LogFile.requireNone(file)
            let cut = try queue.read { db in
                try requireEnd(db.lastPosition(), db)
                return try Cut(beforeMicroseconds: microseconds, db)
            }
            // A log that begins behind what was acknowledged last is taken for another: that must not be this one.
            do throws(LogFailure) {
                try ringForLastEvent()
            } catch .unsynced(let path) {
                // Of others, that is: nothing was asked for yet.
                throw LogFailure.inputOutput(path: path, reason: "it does not sync what was recorded before")
            }
            let unfinished = LogFile.freeName(file + ".unfinished")
            defer { LogFile.remove(unfinished) }
            progress("copying \(cut.position - cut.start.position) events")
            try cut.write(from: self.path, to: unfinished)
            progress("checking the copy")
            let examination = LogExamination(path: unfinished)
            if let problem = examination.problems.first {
                throw LogFailure.corrupt(path: self.path, reason: "nothing was archived: \(problem)")
            }
            let bases = try cut.bases(in: unfinished)
            try LogFile.publish(unfinished, as: file)
            progress("taking the events out of the log")
            do throws(LogFailure) {
                try writing { db in
                    try requireEnd(db.lastPosition(), db)
                    try cut.take(bases, writtenTo: file, by: author, db)
                }
            } catch {
                switch error {
                case .busy, .full, .readOnly, .undelivered, .archivedMeanwhile:
                    unlink(file)
                    throw error
                // Nobody knows what the disk holds now: the file may be all there is of these events (law L1).
                case .inputOutput(let path, let reason):
                    throw LogFailure.archiveKept(file: file, reason: "the disk that holds \(path) failed: \(reason)")
                case .unsynced(let path):
                    throw LogFailure.archiveKept(file: file, reason: "the disk that holds \(path) failed to sync")
                default: throw LogFailure.archiveKept(file: file, reason: "\(error)")
                }
            }
            return try queue.read { db in
                ArchiveReport(
                    movedEvents: cut.position - cut.start.position, position: cut.position,
                    remainingEvents: try db.lastPosition() - cut.position,
                    freeBytes: try Int.fetchOne(
                        db, sql: "SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size") ?? 0)
            }
        } catch {
            throw LogFailure(error, path: self.path)
        }
    }

    /// Gives the room that is free within the file back to the disk. The file is written anew: whoever wants to write
    /// waits.
    public func shrink() throws(LogFailure) {
        do {
            try files.check()
            try queue.writeWithoutTransaction { db in
                try db.execute(sql: "VACUUM")
                try db.checkpoint(.truncate)
            }
        } catch {
            throw LogFailure(error, path: path)
        }
    }
}

/// The place where a log is cut in two.
private struct Cut {
    /// Where the log began before.
    let start: LogStart
    /// The last event that goes.
    let position: Int

    /// - Throws: ``LogFailure/nothingToArchive(first:)``, ``LogFailure/undelivered(position:receiver:)``.
    init(beforeMicroseconds microseconds: Int64, _ db: Database) throws {
        start = try LogStart(db)
        // A clock that was set back may have put later events before the moment, too: those remain.
        let remaining = try Int.fetchOne(
            db, sql: "SELECT min(position) FROM events WHERE at_us >= ?", arguments: [microseconds])
        position = try remaining.map { $0 - 1 } ?? db.lastPosition()
        guard position > start.position else {
            throw LogFailure.nothingToArchive(
                first: try Int64.fetchOne(db, sql: "SELECT at_us FROM events ORDER BY position LIMIT 1"))
        }
        try requireToldOf(db)
    }

    /// What somebody is still to be told of is not taken away.
    private func requireToldOf(_ db: Database) throws {
        guard let undelivered = try EventLog.firstUndelivered(db), undelivered.position <= position else { return }
        throw LogFailure.undelivered(position: undelivered.position, receiver: undelivered.label)
    }

    /// Writes a log that begins where this one does and ends at the cut. Events never change, so no lock is needed.
    func write(from source: String, to path: String) throws(LogFailure) {
        do {
            try copyEvents(from: source, to: path)
        } catch {
            throw LogFailure(error, path: path)
        }
    }

    private func copyEvents(from source: String, to path: String) throws {
        try LogFile.create(path)
        let queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction { db in
            try Migrator(path: path).migrate(db)
            try db.execute(sql: "ATTACH DATABASE ? AS source", arguments: [source])
            // Deferred: an immediate one would lock the log that is copied, too.
            try db.inTransaction(.deferred) {
                try db.execute(
                    sql: """
                        INSERT OR REPLACE INTO main.meta
                            SELECT * FROM source.meta WHERE key IN ('log_id', 'first_log_id', 'commands', 'branches');
                        INSERT INTO main.archives SELECT * FROM source.archives;
                        INSERT INTO main.bases SELECT * FROM source.bases;
                        INSERT INTO main.archived_causes SELECT * FROM source.archived_causes;
                        INSERT INTO main.commands_without_events SELECT * FROM source.commands_without_events;
                        """)
                try db.execute(
                    sql: "INSERT INTO main.events SELECT * FROM source.events WHERE position <= ? ORDER BY position",
                    arguments: [position])
                try EventSource.cutBranches(db)
                try Rebuild(db: db).everything()
                try db.execute(sql: "INSERT OR REPLACE INTO meta VALUES ('archive', 'yes')")
                return .commit
            }
            try db.execute(sql: "DETACH DATABASE source")
        }
        try queue.close()
        try LogFile.sync(path)
    }

    /// What the events of each controller led to, in the file that holds them.
    func bases(in path: String) throws -> [Base] {
        var configuration = Configuration()
        configuration.readonly = true
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? queue.close() }
        return try queue.read { try Base.ends(of: $0, path: path) }
    }

    /// Takes the events out of the log, and records where they are and what they led to.
    func take(_ bases: [Base], writtenTo path: String, by author: Author, _ db: Database) throws {
        guard try LogStart(db) == start else {
            throw LogFailure.archivedMeanwhile
        }
        // A receiver may have been added meanwhile.
        try requireToldOf(db)
        try db.execute(
            sql: """
                INSERT INTO archives (position, digest, at_us, file, archived_at_us, archived_by)
                SELECT position, digest, at_us, ?, ?, ? FROM events WHERE position = ?
                """,
            arguments: [path, try Clock.now().wallMicroseconds, author.actor, position])
        for base in bases {
            let stream = base.state.name.rawValue
            for version in base.state.referredVersions.sorted() {
                try db.execute(
                    sql: """
                        INSERT OR IGNORE INTO archived_causes
                        SELECT stream, version, position FROM events WHERE stream = ? AND version = ?
                        """,
                    arguments: [stream, version])
            }
            try db.execute(
                sql: "INSERT OR REPLACE INTO bases (stream, version, digest, format, state) VALUES (?, ?, ?, ?, ?)",
                arguments: StatementArguments(try base.row.map(\.databaseValue)))
        }
        try db.execute(
            sql: """
                INSERT OR IGNORE INTO commands_without_events
                SELECT stream, command_id, at_us FROM events WHERE position <= ?1 AND command_id IS NOT NULL;
                """,
            arguments: [position])
        // The copy was examined, with those that were there.
        try CommandsWithoutEvents(db: db).seal()
        // States before the cut go on with events that are not here any more.
        try db.execute(sql: "DELETE FROM checkpoints WHERE position < ?", arguments: [position])
        try db.execute(
            sql: """
                DELETE FROM snapshots
                WHERE version < (SELECT bases.version FROM bases WHERE bases.stream = snapshots.stream)
                """)
        try db.execute(sql: "DELETE FROM events WHERE position <= ?", arguments: [position])
    }
}

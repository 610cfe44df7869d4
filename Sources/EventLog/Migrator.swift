import Crypto
import Foundation
import GRDB
import Migrations

/// Brings a database to this build's schema by numbered SQL files, compiled in from `migrations/`. What
/// was applied is recorded with its checksum, and a database that a newer dwell has touched is refused.
///
/// A log that holds events is copied beside itself first. Then, in one transaction, the files are applied
/// and every projection is written anew from the fold: a file may drop and create projections as it
/// likes, and need not say what is in them.
///
/// Views hold nothing, so they are no numbered steps: `views.sql` is applied anew whenever it is another than
/// the one the database was given last.
struct Migrator {
    let path: String
    let migrations: [Migration]
    let views: Views

    init(path: String, migrations: [Migration] = Migration.shipped, views: Views = .shipped) {
        self.path = path
        self.migrations = migrations
        self.views = views
    }

    /// - Parameter keepingCopy: whether a log that holds events is copied beside itself first.
    /// - Returns: whether anything was left to do.
    @discardableResult
    func migrate(_ db: Database, keepingCopy: Bool = true) throws -> Bool {
        guard try !isCurrent(db) else { return false }
        try db.inTransaction(.immediate) {
            // Somebody else may have migrated it while the lock was waited for.
            guard try !isCurrent(db) else { return .commit }
            try db.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS schema_migrations (
                        number   INTEGER PRIMARY KEY,
                        name     TEXT    NOT NULL,
                        checksum TEXT    NOT NULL,
                        applied_at_us INTEGER NOT NULL
                    ) STRICT
                    """)
            let applied = try self.applied(db)
            let missing = migrations.filter { applied[$0.number] == nil }
            let holdsEvents =
                try !applied.isEmpty && db.lastPosition() > 0
            if keepingCopy, holdsEvents, let first = missing.first {
                try Backup(of: path).write(to: path + ".before-" + first.paddedNumber)
            }
            do {
                for migration in missing { try apply(migration, db) }
            } catch let error as DatabaseError where error.resultCode == .SQLITE_ERROR {
                // What was to be made is there, say, or what was to be changed is not.
                throw LogFailure.other(
                    path: path,
                    reason: "its tables are not those that its table schema_migrations tells of "
                        + "(\(error.message ?? "")); dwell repair makes a database that is as it should be, of all its events"
                )
            }
            try applyViews(db)
            try MetaExamination.sealIfNew(db)
            // Another build may make other rows and states of the same events, whatever it is that brought us here.
            if holdsEvents { try Rebuild(db: db).everything() }
            return .commit
        }
        return true
    }

    private func apply(_ migration: Migration, _ db: Database) throws {
        try db.execute(sql: migration.sql)
        try db.execute(
            sql: "INSERT INTO schema_migrations VALUES (?, ?, ?, ?)",
            arguments: [migration.number, migration.name, migration.checksum, try Clock.now().wallMicroseconds])
    }

    private func applyViews(_ db: Database) throws {
        try db.execute(sql: views.sql)
        try db.execute(sql: "INSERT OR REPLACE INTO meta VALUES ('views', ?)", arguments: [views.checksum])
    }

    /// Whether nothing is left to apply; throws when this build must not touch the database.
    func isCurrent(_ db: Database) throws -> Bool {
        // One statement, so that somebody else's transaction that makes the tables is seen whole or not at all.
        let tables = try QuickStatement(
            db, "SELECT count(*), coalesce(sum(name = 'schema_migrations'), 0) FROM sqlite_schema"
        ).first { (count: $0.int(0), ours: $0.int(1)) }
        guard let tables, tables.ours > 0 else {
            if let tables, tables.count > 0 { throw LogFailure.notALog(path: path) }
            return false
        }
        let applied = try self.applied(db)
        if let newest = applied.keys.max(), let known = migrations.last?.number, newest > known {
            throw LogFailure.newerSchema(path: path, found: newest, known: known)
        }
        for migration in migrations {
            guard let checksum = applied[migration.number] else { return false }
            guard checksum == migration.checksum else {
                throw LogFailure.changedMigration(path: path, number: migration.number)
            }
        }
        return try String.fetchOne(db, sql: "SELECT value FROM meta WHERE key = 'views'") == views.checksum
    }

    /// What an older dwell wrote, in this build's schema: a copy in memory, for a file that is only read.
    ///
    /// - Returns: nil when the file is of this build's schema.
    /// - Throws: ``LogFailure/notALog(path:)`` also of an empty file, which is an empty database.
    func currentCopy(of queue: DatabaseQueue) throws -> DatabaseQueue? {
        let isRead = try queue.read { db in
            guard try db.tableExists("schema_migrations") else { throw LogFailure.notALog(path: path) }
            return try isCurrent(db)
        }
        guard !isRead else { return nil }
        let copy = try DatabaseQueue()
        try queue.backup(to: copy)
        _ = try copy.writeWithoutTransaction { try migrate($0, keepingCopy: false) }
        return copy
    }

    private func applied(_ db: Database) throws -> [Int: String] {
        Dictionary(
            try QuickStatement(db, "SELECT number, checksum FROM schema_migrations")
                .all { ($0.int(0), $0.shown(1)) },
            uniquingKeysWith: { $1 })
    }
}

/// One numbered step of the schema.
struct Migration: Sendable {
    var number: Int
    var name: String
    var sql: String

    /// Those of this build, in order.
    static let shipped = MigrationFiles.all.map {
        Migration(number: $0.number, name: $0.name, sql: String(decoding: $0.sql, as: UTF8.self))
    }

    /// As in the file's name: four digits.
    var paddedNumber: String { String(repeating: "0", count: max(0, 4 - String(number).count)) + String(number) }

    var checksum: String { sha256(ofText: sql) }
}

/// What people read with the `sqlite3` shell.
struct Views: Sendable {
    var sql: String

    /// Those of this build.
    static let shipped = Views(sql: String(decoding: MigrationFiles.views, as: UTF8.self))

    var checksum: String { sha256(ofText: sql) }
}

/// SHA-256 in hexadecimal digits, as `sha256sum` prints it.
private func sha256(ofText text: String) -> String {
    var text = text
    var hash = SHA256()
    text.withUTF8 { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
    return Data(hash.finalize()).hexadecimal
}

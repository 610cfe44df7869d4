import Crypto
import Foundation
import GRDB
import Migrations

/// Brings a database to this build's schema by numbered SQL files, compiled in from `migrations/`. What
/// was applied is recorded with its checksum, and a database that a newer dwell has touched is refused.
struct Migrator {
    let path: String

    private struct Migration {
        var number: Int
        var name: String
        var sql: String

        var checksum: String {
            SHA256.hash(data: Data(sql.utf8)).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        }
    }

    private static let migrations = [
        Migration(number: 1, name: "event_log", sql: String(decoding: MigrationFiles.eventLog, as: UTF8.self))
    ]

    func migrate(_ db: Database) throws {
        guard try !isCurrent(db) else { return }
        // Somebody else may be migrating at this moment: look again once the lock is held.
        try db.inTransaction(.immediate) {
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
            for migration in Self.migrations where applied[migration.number] == nil {
                try db.execute(sql: migration.sql)
                try db.execute(
                    sql: "INSERT INTO schema_migrations VALUES (?, ?, ?, ?)",
                    arguments: [
                        migration.number, migration.name, migration.checksum, try Clock.now().wallMicroseconds,
                    ])
            }
            return .commit
        }
    }

    /// Whether nothing is left to apply; throws when this build must not touch the database.
    private func isCurrent(_ db: Database) throws -> Bool {
        // One statement, so that somebody else's transaction that makes the tables is seen whole or not at all.
        let tables = try Row.fetchOne(
            db, sql: "SELECT count(*), coalesce(sum(name = 'schema_migrations'), 0) FROM sqlite_schema")
        guard let tables, (tables[1] as Int) > 0 else {
            if let tables, (tables[0] as Int) > 0 { throw LogFailure.notALog(path: path) }
            return false
        }
        let applied = try self.applied(db)
        if let newest = applied.keys.max(), let known = Self.migrations.last?.number, newest > known {
            throw LogFailure.newerSchema(path: path, found: newest, known: known)
        }
        for migration in Self.migrations {
            guard let checksum = applied[migration.number] else { return false }
            guard checksum == migration.checksum else {
                throw LogFailure.changedMigration(path: path, number: migration.number)
            }
        }
        return true
    }

    private func applied(_ db: Database) throws -> [Int: String] {
        Dictionary(
            uniqueKeysWithValues: try Row.fetchAll(db, sql: "SELECT number, checksum FROM schema_migrations")
                .map { ($0[0] as Int, $0[1] as String) })
    }
}

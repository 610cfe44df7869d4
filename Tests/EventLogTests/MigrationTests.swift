import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// A log that exists is brought to a newer schema: nothing is lost, and the projections are what the fold
/// of the log says, whatever the migration did to their tables.
@Suite struct MigrationTests {
    private let temporary = TemporaryHome()
    private let next = Migration.shipped.count + 1

    private func migrate(_ sql: String) throws {
        let migration = Migration(number: next, name: "to_come", sql: sql)
        try temporary.shell().writeWithoutTransaction { db in
            _ = try Migrator(path: temporary.home.database, migrations: Migration.shipped + [migration]).migrate(db)
        }
    }

    private var backup: String { temporary.home.database + ".before-000\(next)" }

    private func log() throws -> EventLog {
        let log = try EventLog(home: temporary.home)
        try log.drawHistory(seed: 5, commands: 150, on: [.dev, .prod])
        try log.given(.up(.chat), controller: .batch)
        return log
    }

    @Test func projectionsAreWrittenAnewFromTheFold() throws {
        let log = try log()
        let before = try log.status()
        try migrate("DELETE FROM replicas; DELETE FROM controllers; UPDATE services SET ready_replicas = 77")
        let after = try log.status()
        #expect(after.controllers == before.controllers && after.controllers.count == 3)
        #expect(after.services == before.services && after.replicas == before.replicas)
        #expect(Set(after.deadlines) == Set(before.deadlines))
        for controller in [ControllerName.dev, .prod, .batch] {
            let differences = try log.differences(of: controller)
            #expect(differences == [])
        }
    }

    // Views.

    @Test func viewsThatAreOthersAreMadeAnew() throws {
        let log = try log()
        try log.given(.start)
        try temporary.execute(
            "DROP VIEW audit_log; CREATE VIEW audit_log AS SELECT 'old' AS what; UPDATE meta SET value = 'x' WHERE key = 'views'"
        )
        // Another build has made them, and it may have made other rows of the same events.
        try temporary.execute("UPDATE services SET wanted_replicas = 77")
        let applied: Int? = try temporary.value("SELECT sum(applied_at_us) FROM schema_migrations")
        _ = try EventLog(home: temporary.home)
        #expect(try temporary.value("SELECT count(*) FROM audit_log WHERE what <> 'old'") ?? 0 > 50)
        #expect(try temporary.value("SELECT sum(applied_at_us) FROM schema_migrations") == applied)
        #expect(try temporary.value("SELECT count(*) FROM services WHERE wanted_replicas = 77") == 0)
        for controller in [ControllerName.dev, .prod, .batch] { #expect(try log.differences(of: controller) == []) }
        #expect(!FileManager.default.fileExists(atPath: backup), "nothing of the log changes")
    }

    @Test func everyEventTypeHasASentence() throws {
        let sql = Views.shipped.sql
        for type in EventType.allCases { #expect(sql.contains("WHEN '\(type.rawValue)' THEN"), "\(type)") }
    }

    @Test func rowsOfControllersThatNeverWereAreRemoved() throws {
        let log = try log()
        try temporary.execute(
            "INSERT INTO deadlines SELECT 'ghost', 'idle', '', 0, 0, 0, '', 0, 0; "
                + "INSERT INTO snapshots VALUES ('ghost', 5, 1, '{}')")
        try migrate("")
        #expect(try !log.status().deadlines.contains { $0.controller == "ghost" })
        #expect(try temporary.value("SELECT count(*) FROM snapshots WHERE stream = 'ghost'") == 0)
    }

    /// The fold may mean something else to a newer build, and a snapshot is of the older one.
    @Test func snapshotsAreWrittenAnewToo() throws {
        let log = try EventLog(home: temporary.home)
        while try log.state(of: .dev).version <= Snapshots.interval {
            try log.given(.start, .takeOver(process: "a"), .setAutostop(.never), .stop, .stopFinished)
        }
        try temporary.execute("UPDATE snapshots SET state = json_set(state, '$.incarnation', 77)")
        try migrate("")
        let snapshot = try log.queue.read { try Snapshots.load(.dev, notAfter: .max, $0) }
        #expect(try snapshot == log.foldedState(of: .dev))
        #expect(try temporary.value("SELECT json_extract(state, '$.incarnation') FROM snapshots") == 1)
    }

    @Test func theLogIsCopiedBeforehand() throws {
        let log = try log()
        let events = try log.events(after: 0)
        try migrate("DROP VIEW audit_log; CREATE TABLE new_one (name TEXT) STRICT")
        let copy = try DatabaseQueue(path: backup)
        func value<Value: DatabaseValueConvertible>(_ sql: String) throws -> Value? {
            try copy.read { try Value.fetchOne($0, sql: sql) }
        }
        #expect(try value("SELECT count(*) FROM events") == events.count)
        #expect(try value("SELECT max(number) FROM schema_migrations") == next - 1)
        #expect(try value("SELECT count(*) FROM sqlite_schema WHERE name = 'new_one'") == 0)
        let broken = try copy.read { try DigestChain.firstBrokenPosition($0) }
        #expect(broken == nil)
        let mode = try FileManager.default.attributesOfItem(atPath: backup)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let files = try FileManager.default.contentsOfDirectory(atPath: temporary.home.path)
        #expect(!files.contains { $0.hasSuffix("unfinished") })
    }

    @Test func aNewLogNeedsNoCopy() throws {
        _ = try EventLog(home: temporary.home)
        try migrate("")
        #expect(!FileManager.default.fileExists(atPath: backup))
    }

    @Test func aMigrationThatFailsChangesNothing() throws {
        let log = try log()
        let before = try log.status()
        #expect(throws: LogFailure.self) { try migrate("DELETE FROM controllers; SELECT no_such_function()") }
        #expect(try log.status().controllers == before.controllers)
        #expect(try temporary.value("SELECT max(number) FROM schema_migrations") == next - 1)
        try migrate("DELETE FROM controllers")
        #expect(try log.status().controllers == before.controllers, "it may be tried again")
    }

    /// A copy that cannot be made stops the migration before it changes anything.
    @Test func withoutACopyNothingIsMigrated() throws {
        let log = try log()
        try FileManager.default.createDirectory(atPath: backup, withIntermediateDirectories: true)
        #expect(throws: HomeFailure.self) { try migrate("DELETE FROM controllers") }
        #expect(try log.status().controllers.count == 3)
        #expect(try temporary.value("SELECT max(number) FROM schema_migrations") == next - 1)
    }
}

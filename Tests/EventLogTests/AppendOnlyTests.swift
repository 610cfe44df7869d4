import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// Events are never changed: the schema refuses it, and whoever goes around the schema is found out.
@Suite struct AppendOnlyTests {
    private let temporary = TemporaryHome()

    private func log() throws -> EventLog {
        let log = try EventLog(home: temporary.home)
        try log.given(.start, .takeOver(process: "a"), .up(.api), .stop)
        return log
    }

    @Test(arguments: [
        ("UPDATE events SET actor = 'bob'", "never changed"),
        ("UPDATE events SET actor = actor WHERE position = 1", "never changed"),
        ("DELETE FROM events", "never deleted"),
        ("DELETE FROM events WHERE position = 3", "never deleted"),
        (
            "INSERT INTO events SELECT position + 100, stream, version + 100, type, schema_version, at_us, service, "
                + "replica, actor, component, command_id, cause, payload, digest FROM events WHERE position = 1",
            "no holes"
        ),
        (
            "INSERT INTO events SELECT (SELECT max(position) + 1 FROM events), stream, version, type, schema_version, "
                + "at_us, service, replica, actor, component, command_id, cause, payload, digest FROM events "
                + "WHERE position = 1",
            "UNIQUE constraint failed: events.stream, events.version"
        ),
        (
            "INSERT INTO events SELECT (SELECT max(position) + 1 FROM events), stream, 100, type, schema_version, at_us, "
                + "service, replica, actor, component, command_id, cause, 'no json', digest FROM events "
                + "WHERE position = 1",
            "CHECK constraint failed: json_valid(payload)"
        ),
    ])
    func theSchemaRefuses(_ sql: String, saying words: String) throws {
        let log = try log()
        let before = try log.events(after: 0)
        let error = #expect(throws: DatabaseError.self) { try temporary.execute(sql) }
        #expect(error?.message?.contains(words) == true, "\(error?.message ?? "")")
        #expect(try log.events(after: 0) == before)
    }

    @Test func aSchemaThatWasChangedIsFound() throws {
        let log = try log()
        #expect(try log.schemaProblems() == [])
        #expect(LogExamination(path: temporary.home.database).isWhole)
        try temporary.execute("CREATE INDEX mine ON events (actor); CREATE VIEW my_own AS SELECT 1")
        #expect(try log.schemaProblems() == ["index mine is none of dwell's", "view my_own is none of dwell's"])
        try temporary.execute("CREATE TABLE eve (x); DROP INDEX mine; DROP VIEW my_own; ANALYZE")
        #expect(try log.schemaProblems() == ["table eve is none of dwell's"])
        try temporary.execute("DROP TABLE eve")
        try temporary.execute("DROP TRIGGER events_are_never_deleted")
        try temporary.execute("DROP VIEW starts; CREATE VIEW starts AS SELECT 1")
        try temporary.execute(
            "CREATE TRIGGER evil AFTER INSERT ON events BEGIN UPDATE controllers SET status = 'UP'; END")
        #expect(
            try log.schemaProblems() == [
                "trigger evil is none of dwell's",
                "view starts is not as dwell made it", "trigger events_are_never_deleted is missing",
            ])
        #expect(!LogExamination(path: temporary.home.database).isWhole)
        _ = try EventLog.repair(temporary.home)
        #expect(try EventLog(home: temporary.home).schemaProblems() == [])
    }

    @Test func theChainOfAnUntouchedLogHolds() throws {
        let log = try EventLog(home: temporary.home)
        #expect(try log.firstBrokenPosition() == nil, "an empty log is whole")
        try log.drawHistory(seed: 1, commands: 100, on: [.dev, .prod])
        #expect(try log.lastPosition() > 50)
        #expect(try log.firstBrokenPosition() == nil)
    }

    /// Every column is covered by the digest.
    @Test(arguments: [
        "stream = 'prod'", "version = 100", "type = 'controller.woken'", "schema_version = 2", "at_us = at_us + 1",
        "service = 'chat'", "service = ''", "replica = 7", "actor = 'bob'", "component = 'keeper'",
        "command_id = 'c9'", "cause = 1", "payload = json_set(payload, '$.idleTimeoutSeconds', 601.0)",
        "payload = payload || ' '", "digest = zeroblob(32)",
    ])
    func aChangedRowIsFoundAtItsPosition(_ change: String) throws {
        let log = try log()
        try temporary.execute("DROP TRIGGER events_are_never_updated; UPDATE events SET \(change) WHERE position = 3")
        #expect(try log.firstBrokenPosition() == 3)
    }

    @Test func aRemovedRowIsFoundAtItsPosition() throws {
        let log = try log()
        try temporary.execute("DROP TRIGGER events_are_never_deleted; DELETE FROM events WHERE position = 4")
        #expect(try log.firstBrokenPosition() == 4)
    }

    @Test func twoRowsThatChangedPlacesAreFound() throws {
        let log = try log()
        try temporary.execute(
            """
            DROP TRIGGER events_are_never_updated;
            UPDATE events SET position = 1000 WHERE position = 2;
            UPDATE events SET position = 2 WHERE position = 3;
            UPDATE events SET position = 3 WHERE position = 1000;
            """)
        #expect(try log.firstBrokenPosition() == 2)
    }

    /// Whoever writes after a change has a chain that hangs on what was changed.
    @Test func theChainGoesOnAfterABreak() throws {
        let log = try log()
        try temporary.execute(
            "DROP TRIGGER events_are_never_updated; UPDATE events SET actor = 'bob' WHERE position = 2")
        try log.given(.terminate(force: true))
        #expect(try log.firstBrokenPosition() == 2)
    }

    @Test(arguments: [
        ("type = 'controller.danced'", "controller.danced, is unknown: it is damaged (dwell verify), or a newer dwell"),
        ("schema_version = 99", "99, is newer than this dwell knows"),
        ("payload = '{}'", "its payload is not that of a controller.starting event"),
    ])
    func anUnreadableEventIsNamed(_ change: String, _ words: String) throws {
        _ = try log()
        try temporary.execute("DROP TRIGGER events_are_never_updated; UPDATE events SET \(change) WHERE position = 1")
        let log = try EventLog(home: temporary.home)
        let failure = #expect(throws: LogFailure.self) { try log.state(of: .dev) }
        #expect(failure?.description.hasPrefix("event 1 cannot be read: ") == true)
        #expect(failure?.description.contains(words) == true, "\(failure?.description ?? "")")
    }
}

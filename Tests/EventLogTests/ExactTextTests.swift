import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// What somebody puts behind a NUL, or writes in bytes that are no text, is read by nothing that reads texts as C strings;
/// it makes the text another one for SQLite, and is found.
@Suite struct ExactTextTests {
    private let temporary = TemporaryHome()
    private var path: String { temporary.home.database }

    private func log() throws -> EventLog {
        let log = try EventLog(home: temporary.home)
        var history = MadeUpHistory(
            seed: 3, controllers: [.dev, .prod], beginMicroseconds: 1_700_000_000_000_000)
        try history.write(400, to: log)
        // The last event is what a home is known by.
        try log.given(.start, controller: .batch)
        return log
    }

    private static let endings = ["char(0)", "char(0) || 'x'", "CAST(x'FF' AS TEXT)"]

    @Test(arguments: ["service", "actor", "component", "command_id", "payload"], endings)
    func ofAnEvent(_ column: String, _ ending: String) throws {
        let log = try log()
        try log.submit(.start, to: .sample("zoe"), by: .ann, commandID: "c1")
        try log.given(.start, controller: .sample("last"))
        let position: Int = try #require(
            try temporary.value(
                "SELECT max(position) FROM events WHERE \(column) IS NOT NULL AND stream NOT IN ('last')"))
        try temporary.execute(
            """
            PRAGMA ignore_check_constraints = ON; DROP TRIGGER events_are_never_updated;
            UPDATE events SET \(column) = \(column) || \(ending) WHERE position = \(position)
            """)
        #expect(try log.brokenChain()?.position == position)
        let problems = LogExamination(path: path).problems
        #expect(problems.contains { $0.hasPrefix("event \(position) is not as it was recorded") }, "\(problems)")
        _ = try EventLog.repair(temporary.home)
        #expect(LogExamination(path: path).isWhole, "what was there before it is known by its digest")
    }

    /// U+FFFD is what is shown of bytes that are no text.
    @Test func bytesThatAreNoTextAreNotTakenForTheCharacterThatStandsForThem() throws {
        let log = try EventLog(home: temporary.home)
        try log.submit(.start, to: .dev, by: Author(actor: "ann\u{FFFD}", component: "cli"))
        try log.given(.start, controller: .prod)
        #expect(try log.brokenChain() == nil)
        try temporary.execute(
            "DROP TRIGGER events_are_never_updated; UPDATE events SET actor = CAST(x'616E6EFF' AS TEXT) WHERE position = 1"
        )
        #expect(try log.brokenChain()?.position == 1)
    }

    @Test(
        arguments: [
            ("services", "name"), ("services", "spec"), ("services", "host"), ("services", "requested_by"),
            ("replicas", "status"), ("replicas", "endpoint"), ("replicas", "service"), ("controllers", "name"),
            ("controllers", "policy_source"), ("controllers", "status"), ("deadlines", "boot_id"),
        ], endings)
    func ofAProjection(_ place: (table: String, column: String), _ ending: String) throws {
        let (table, column) = place
        let log = try log()
        // One row: the first by its key.
        let key = ["services": "controller, name", "replicas": "controller, service, id", "controllers": "name"][table]
        let columns = key ?? "controller, kind, service, replica"
        try temporary.execute(
            """
            PRAGMA ignore_check_constraints = ON;
            UPDATE \(table) SET \(column) = \(column) || \(ending)
            WHERE (\(columns)) = (SELECT \(columns) FROM \(table) ORDER BY \(columns) LIMIT 1)
            """)
        let differences = try log.replay().differences
        #expect(differences.contains { $0.hasPrefix("\(table): ") }, "\(differences)")
        #expect(differences.allSatisfy { !$0.hasSuffix(": ") }, "\(differences)")
        _ = try log.rebuild()
        #expect(try log.replay().differences == [])
    }

    @Test(arguments: ["snapshots", "checkpoints"])
    func ofAStateThatIsKept(_ table: String) throws {
        let log = try log()
        _ = try log.rebuild()
        try temporary.execute(
            "INSERT OR REPLACE INTO checkpoints SELECT stream, version, 1, format, state FROM snapshots")
        try temporary.execute("UPDATE \(table) SET state = state || char(0) WHERE stream = 'dev'")
        let differences = try log.replay().differences
        #expect(
            differences.contains { $0.hasPrefix("\(table): the state of dev at version ") }, "\(differences)")
    }

    @Test(arguments: [
        ("meta", "value", "key = 'log_id'"), ("archives", "file", "true"), ("archives", "archived_by", "true"),
        ("bases", "state", "stream = 'dev'"), ("schema_migrations", "name", "number = 1"),
    ])
    func ofWhatFollowsFromNoEvent(_ table: String, _ column: String, _ row: String) throws {
        let log = try log()
        let at = try #require(try log.time(atPosition: 300))
        _ = try log.archive(beforeMicroseconds: at, to: temporary.home.path + "/old.db", by: .ann)
        #expect(try log.metaProblems() == [])
        try temporary.execute(
            """
            DROP TRIGGER archives_are_never_updated;
            UPDATE \(table) SET \(column) = \(column) || char(0) || 'x' WHERE \(row)
            """)
        let problems = try log.metaProblems()
        #expect(problems.contains { $0.hasPrefix("\(table): \(column) of its row ") }, "\(problems)")
    }

    @Test func ofAnArchive() throws {
        let log = try log()
        let archive = temporary.home.path + "/old.db"
        let at = try #require(try log.time(atPosition: 300))
        _ = try log.archive(beforeMicroseconds: at, to: archive, by: .ann)
        #expect(LogExamination(path: archive).isWhole)
        try DatabaseQueue(path: archive).writeWithoutTransaction {
            try $0.execute(
                sql: """
                    DROP TRIGGER events_are_never_updated;
                    UPDATE events SET actor = actor || char(0) WHERE position = 7
                    """)
        }
        #expect(LogExamination(path: archive).problems.first?.hasPrefix("event 7 is not") == true)
    }

    /// What was nothing has a name, too.
    @Test(arguments: [
        ("controllers", "reason = 'evil'", "reason is evil, the log says NULL"),
        ("controllers", "paused_by = 'eve'", "paused_by is eve, the log says NULL"),
        ("controllers", "autostop_at_us = 5", "autostop_at_us is 5, the log says "),
        ("services", "reason = 'evil'", "reason is evil, the log says "),
        ("replicas", "reason = 'evil'", "reason is evil, the log says "),
    ])
    func theColumnThatDiffersIsNamed(_ table: String, _ change: String, _ words: String) throws {
        let log = try log()
        try log.given(.start, controller: .sample("fresh"))
        try temporary.execute("UPDATE \(table) SET \(change)")
        let differences = try log.replay().differences
        #expect(!differences.isEmpty)
        #expect(differences.contains { $0.hasPrefix("\(table): ") && $0.contains(words) }, "\(differences)")
    }

    /// Without the witness nobody can know, and both are said.
    @Test func aRowOfAControllerThatNeverWasMayHaveBeenPutIn() throws {
        let log = try log()
        try temporary.execute(
            """
            CREATE TEMP TABLE ghost AS SELECT * FROM controllers WHERE name = 'batch';
            UPDATE ghost SET name = 'ghost';
            INSERT INTO controllers SELECT * FROM ghost;
            """)
        unlink(temporary.home.commitBell)
        let differences = try log.replay().differences
        #expect(differences.first?.contains("missing: the tables know of") == true, "\(differences)")
        #expect(
            differences.last == "controllers: or its row of ghost was put in: no event that is there is about it")
    }

    @Test(arguments: ["true", "number = 3", "number = 7"])
    func whatTellsOfTheSchemaWasEmptied(_ rows: String) throws {
        let last = try log().lastPosition()
        try temporary.execute("DELETE FROM schema_migrations WHERE \(rows)")
        let failure = #expect(throws: LogFailure.self) { try EventLog(home: temporary.home) }
        #expect(
            failure?.description.contains("that its table schema_migrations tells of") == true,
            "\(failure?.description ?? "")")
        #expect(failure?.description.contains("dwell repair") == true)
        #expect(try EventLog.repair(temporary.home).savedEvents == last)
        #expect(LogExamination(home: temporary.home).isWhole)
    }
}

import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// What somebody does with the `sqlite3` shell beyond changing an event is found, and said where.
@Suite struct TamperingTests {
    private let temporary = TemporaryHome()

    private var archive: String { temporary.home.path + "/old.db" }

    private func log(_ count: Int = 400) throws -> EventLog {
        let log = try EventLog(home: temporary.home)
        var history = MadeUpHistory(
            seed: 3, controllers: [.dev, .prod], beginMicroseconds: 1_700_000_000_000_000)
        try history.write(count, to: log)
        return log
    }

    /// A log whose first 300 events or so are archived.
    private func cut() throws -> (log: EventLog, position: Int) {
        let log = try log()
        let at = try #require(try log.time(atPosition: 300))
        return (log, try log.archive(beforeMicroseconds: at, to: archive, by: .ann).position)
    }

    // The end.

    @Test(arguments: [1, 3, 390, .max])
    func eventsThatWereCutOffTheEndAreNamed(_ count: Int) throws {
        var log = try log()
        let last = try log.lastPosition()
        let first = max(1, last - min(count, last) + 1)
        try temporary.execute(
            "DROP TRIGGER events_are_never_deleted; DELETE FROM events WHERE position >= \(first)")
        try FileManager.default.removeItem(atPath: temporary.home.commitBell)
        log = try EventLog(home: temporary.home)
        let report = try log.replay()
        #expect(report.missing == first...last)
        let named = count == 1 ? "event \(last) is missing" : "events \(first) to \(last) are missing"
        let end = first == 1 ? "the log is empty" : "the log ends at event \(first - 1)"
        #expect(report.differences.first?.hasPrefix(named) == true, "\(report.differences)")
        #expect(report.differences.first?.hasSuffix(end) == true, "\(report.differences)")
        #expect(report.differences.filter { $0.contains("the log says") }.isEmpty, "what they led to is no fault")
        #expect(LogExamination(path: temporary.home.database).problems.first?.hasPrefix(named) == true)

        let tables = try log.status().controllers
        let refusal = #expect(throws: LogFailure.endMissing(first...last)) { try log.rebuild() }
        #expect(refusal?.description.contains("dwell restore FILE") == true)
        #expect(try log.status().controllers == tables, "all that is left of them")
        guard first > 1 else { return }
        _ = try EventLog.repair(temporary.home)
        #expect(try EventLog(home: temporary.home).replay().differences == [])
    }

    /// Cuts events off the end, as somebody would who removes the witness too.
    private func cutOff(_ count: Int, from log: EventLog) throws -> ClosedRange<Int> {
        let last = try log.lastPosition()
        try temporary.execute(
            "DROP TRIGGER events_are_never_deleted; DELETE FROM events WHERE position > \(last - count)")
        unlink(temporary.home.commitBell)
        return last - count + 1...last
    }

    private func submit(_ command: Command, to controller: ControllerName, _ log: EventLog) throws -> LogFailure? {
        do {
            try log.submit(command, to: controller, by: .ann)
            return nil
        } catch .failed(let failure) {
            return failure
        }
    }

    @Test func nothingIsWrittenOnALogWhoseEndWasCutOff() throws {
        let missing = try cutOff(5, from: try log())
        let log = try EventLog(home: temporary.home)
        // Whichever controller's those events were.
        for controller in [ControllerName.dev, .prod, .batch] {
            #expect(try submit(.start, to: controller, log) == .endMissing(missing), "\(controller)")
        }
        #expect(throws: LogFailure.endMissing(missing)) {
            try log.archive(beforeMicroseconds: .max, to: archive, by: .ann)
        }
        #expect(access(archive, F_OK) != 0)
        #expect(try log.lastPosition() == missing.lowerBound - 1)
        let words = LogFailure.endMissing(missing).description
        #expect(words.contains("dwell restore FILE") && words.contains("dwell repair"))
        _ = try EventLog.repair(temporary.home)
        #expect(try submit(.start, to: .batch, EventLog(home: temporary.home)) == nil)
    }

    @Test func whoHasItOpenNoticesThatItsEndIsGone() throws {
        let log = try log()
        try log.given(.start, controller: .batch)
        let missing = try cutOff(5, from: log)
        #expect(
            try submit(.start, to: .batch, log)
                == .eventsLost(
                    path: log.path, there: missing.lowerBound - 1, acknowledged: missing.upperBound))
        #expect(try log.lastPosition() == missing.lowerBound - 1)
    }

    /// Who cuts the end off may set the numbers of the controllers back; the states that are kept know better.
    @Test func aStateThatIsKeptTellsOfTheEndTooAndSoDoesOneThatIsAheadOfIt() throws {
        let log = try log()
        _ = try log.rebuild()
        let count = 5
        let missing = try cutOff(count, from: log)
        try temporary.execute(
            "UPDATE controllers SET version = (SELECT max(version) FROM events WHERE stream = name)")
        #expect(try EventLog(home: temporary.home).replay().missing?.lowerBound == missing.lowerBound)
        try temporary.execute("UPDATE snapshots SET version = version + 1000 WHERE stream = 'dev'")
        try log.given(.start, controller: .batch)
        let differences = try log.replay().differences
        #expect(
            differences.contains { $0.hasPrefix("snapshots: there is a state of dev at version 1") }, "\(differences)")
    }

    /// As long as the witness says that the last event there is was the last one, none is missing.
    @Test func aNumberThatWasChangedIsNotTakenForEventsThatAreMissing() throws {
        let log = try log()
        try log.given(.start, controller: .batch)
        let version = try log.state(of: .prod).version
        try temporary.execute("UPDATE controllers SET version = version + 5 WHERE name = 'prod'")
        let sentence = "controllers: prod: version is \(version + 5), the log says \(version)"
        #expect(try EventLog(home: temporary.home).replay().missing == nil)
        #expect(try log.replay().differences == [sentence])
        #expect(LogExamination(home: temporary.home).problems == [sentence])
        _ = try EventLog(home: temporary.home).rebuild()
        #expect(try log.replay().differences == [])

        // Without it nobody can know, and both are said.
        try temporary.execute("UPDATE controllers SET version = version + 5 WHERE name = 'prod'")
        unlink(temporary.home.commitBell)
        let differences = try EventLog(home: temporary.home).replay().differences
        #expect(differences.count == 2)
        #expect(differences.first?.contains("are missing: the tables know of them") == true)
        #expect(differences.last?.hasPrefix("controllers: or its row of prod was changed") == true)
    }

    @Test func aControllerThatNeverWasIsNotTakenForOneWhoseEventsAreMissing() throws {
        let log = try log()
        try log.given(.start, controller: .batch)
        try temporary.execute(
            """
            CREATE TEMP TABLE ghost AS SELECT * FROM controllers WHERE name = 'batch';
            UPDATE ghost SET name = 'ghost';
            INSERT INTO controllers SELECT * FROM ghost;
            """)
        #expect(
            try log.replay().differences == ["controllers: there are rows of ghost, of which the log knows nothing"])
    }

    // Where it begins.

    @Test func theRowOfAnArchiveIsNamedAndNotTheEventAfterIt() throws {
        let (log, position) = try cut()
        #expect(try log.brokenChain() == nil)
        for (sql, sentence) in [
            (
                "UPDATE archives SET digest = zeroblob(32)",
                "archives: its digest of event \(position) is not the one that event \(position + 1) is chained to"
            ),
            (
                "UPDATE archives SET position = position - 7",
                "archives: it tells of events up to \(position - 7), and the log begins with event \(position + 1)"
            ),
            ("DELETE FROM archives", "archives: it tells of no event, and the log begins with event \(position + 1)"),
        ] {
            try temporary.shell().inTransaction { db in
                try db.execute(sql: "DROP TRIGGER archives_are_never_updated; DROP TRIGGER archives_are_never_deleted")
                try db.execute(sql: sql)
                let broken = try DigestChain.firstBrokenPosition(db).map { try BrokenChain(at: $0, db) }
                #expect(broken?.description == sentence)
                #expect(broken?.isArchivesRow == true)
                return .rollback
            }
        }
        try temporary.execute(
            "DROP TRIGGER events_are_never_updated; UPDATE events SET actor = 'eve' WHERE position = \(position + 1)")
        #expect(try log.brokenChain()?.isArchivesRow == false)
        #expect(try log.brokenChain()?.description.hasPrefix("event \(position + 1) is not as it was recorded") == true)
    }

    @Test(arguments: [
        ("UPDATE bases SET version = version - 1 WHERE stream = 'dev'", "bases: dev is said to be at version "),
        (
            "UPDATE bases SET digest = randomblob(32)",
            "bases: no controller's last archived event has the digest of event "
        ),
        ("DELETE FROM archived_causes", "archived_causes: where number "),
        ("UPDATE archived_causes SET position = position + 100000", "archived_causes: number "),
        (
            "UPDATE bases SET state = (SELECT b.state FROM bases AS b WHERE b.stream <> bases.stream)",
            "bases: the state of "
        ),
    ])
    func whatIsKeptOfArchivedEventsFitsTogether(_ sql: String, _ sentence: String) throws {
        let (log, _) = try cut()
        #expect(try log.startProblems() == [])
        #expect(LogExamination(path: temporary.home.database).isWhole)
        try temporary.execute(sql)
        let problems = try log.startProblems()
        #expect(problems.first?.hasPrefix(sentence) == true, "\(problems)")
        #expect(LogExamination(path: temporary.home.database).problems.contains { $0.hasPrefix(sentence) })
    }

    /// What the log alone cannot know is known with the archive.
    @Test(arguments: [
        ("UPDATE archives SET at_us = at_us + 1", "archives: the time of event "),
        (
            "UPDATE bases SET digest = randomblob(32) WHERE stream = (SELECT stream FROM bases WHERE digest <> (SELECT digest FROM archives))",
            "bases: the last archived event of "
        ),
        ("UPDATE archived_causes SET position = position - 1", "archived_causes: number "),
        (
            "INSERT INTO archived_causes SELECT stream, version + 1, 1 FROM archived_causes WHERE true ON CONFLICT DO NOTHING",
            "archived_causes: number "
        ),
        ("DELETE FROM commands_without_events", "commands_without_events: 1 that the archive tells of"),
        (
            "INSERT INTO archives SELECT 1, digest, 0, 'x', 0, 'eve' FROM archives",
            "archives: what was archived earlier"
        ),
    ])
    func theArchiveTellsTheRest(_ sql: String, _ sentence: String) throws {
        let log = try EventLog(home: temporary.home)
        try log.submit(.start, to: .dev, by: .ann, commandID: "c1")
        _ = try self.log()
        let at = try #require(try log.time(atPosition: 300))
        _ = try log.archive(beforeMicroseconds: at + 1_000_000_000_000_000, to: archive, by: .ann)
        let archived = try EventLog.reading(file: archive)
        #expect(try log.differences(fromArchive: archived) == [])
        try temporary.execute(
            """
            DROP TRIGGER archives_are_never_updated; DROP TRIGGER commands_are_never_deleted;
            \(sql)
            """)
        let problems = try log.differences(fromArchive: archived)
        #expect(problems.contains { $0.hasPrefix(sentence) }, "\(problems)")
    }

    // The rest.

    @Test func aLogIDThatWasChangedIsFound() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start)
        #expect(log.idProblem() == nil)
        #expect(try log.metaProblems() == [])
        try temporary.execute("UPDATE meta SET value = '0123456789abcdef' WHERE key = 'log_id'")
        let other = try EventLog(home: temporary.home)
        #expect(
            other.idProblem()
                == "meta: log_id is 0123456789abcdef, and what was written last was written to log \(log.logID)")

        #expect(
            try submit(.start, to: .prod, other)
                == .anotherLog(
                    path: temporary.home.database,
                    "it is log 0123456789abcdef, and log \(log.logID) was written here last"))

        // Also when who wrote last is known no more, and something was written since.
        unlink(temporary.home.commitBell)
        try other.given(.start, controller: .prod)
        #expect(other.idProblem() == nil)
        let problem = try #require(try other.metaProblems().first)
        #expect(
            problem.hasPrefix("meta: log_id is 0123456789abcdef, and was \(log.logID) when the log was begun"))
        #expect(LogExamination(home: temporary.home).problems == [problem])
        let way = try #require(problem.split(separator: "\"").dropFirst().first.map(String.init))
        try temporary.execute(way)
        #expect(try EventLog(home: temporary.home).metaProblems() == [])
    }

    /// A log with ids of commands that changed nothing.
    private func quietCommands() throws -> EventLog {
        let log = try EventLog(home: temporary.home)
        try log.given(.start, .takeOver(process: "a"))
        for id in ["c1", "c2", "c3"] { try log.submit(.start, to: .dev, by: .ann, commandID: id) }
        #expect(try temporary.value("SELECT count(*) FROM commands_without_events") == 3)
        return log
    }

    @Test(arguments: [
        (
            "INSERT INTO commands_without_events VALUES ('dev', 'c9', 1)",
            "commands_without_events: command c9 of dev was put in by somebody else"
        ),
        (
            "INSERT INTO commands_without_events VALUES ('dev', 'c9', 1), ('prod', 'c9', 1)",
            "commands_without_events: there are 5 rows, and 3 were written"
        ),
        (
            "DELETE FROM commands_without_events WHERE command_id <> 'c2'",
            "commands_without_events: there is 1 row, and 3 were written"
        ),
        (
            "UPDATE commands_without_events SET command_id = 'c9' WHERE command_id = 'c2'",
            "commands_without_events: a row of it was changed"
        ),
        ("DELETE FROM meta WHERE key = 'commands'", "meta: commands, the sum of commands_without_events, is missing"),
        ("DELETE FROM meta WHERE key = 'first_log_id'", "meta: first_log_id is missing"),
    ])
    func idsOfCommandsAreThoseThatWereWritten(_ sql: String, _ sentence: String) throws {
        let log = try quietCommands()
        #expect(try log.metaProblems() == [])
        try temporary.execute("DROP TRIGGER commands_are_never_deleted; \(sql)")
        #expect(try log.metaProblems() == [sentence])
        #expect(LogExamination(home: temporary.home).problems == [sentence])
        #expect(throws: LogFailure.self) { try log.archive(beforeMicroseconds: .max, to: archive, by: .ann) }
        _ = try EventLog.repair(temporary.home)
        #expect(try EventLog(home: temporary.home).metaProblems() == [])
    }

    @Test func idsOfCommandsStayKnownThroughArchiveBackupAndRepair() throws {
        let log = try quietCommands()
        try log.submit(.stop, to: .dev, by: .ann, commandID: "c4")
        _ = try log.archive(beforeMicroseconds: .max, to: archive, by: .ann)
        #expect(try log.metaProblems() == [])
        #expect(LogExamination(path: archive).isWhole)
        try log.submit(.stop, to: .dev, by: .ann, commandID: "c5")
        #expect(try log.metaProblems() == [])
        let backup = temporary.home.path + "/backup.db"
        #expect(try log.backUp(to: backup).isWhole)
        _ = try EventLog.repair(temporary.home)
        let repaired = try EventLog(home: temporary.home)
        #expect(try repaired.metaProblems() == [])
        for id in ["c1", "c4", "c5"] {
            #expect(try repaired.submit(.start, to: .dev, by: .ann, commandID: id).isRepeated, "\(id)")
        }
    }

    /// What the tables say was written before it was changed, and may be all there is of what it was.
    @Test(arguments: [
        ("UPDATE events SET payload = '{}' WHERE position = (SELECT position + 20 FROM archives)", "event "),
        ("DELETE FROM archived_causes", "archived_causes: where number "),
    ])
    func theTablesAreNotWrittenAnewFromALogThatWasChanged(_ sql: String, _ sentence: String) throws {
        let (log, _) = try cut()
        _ = try log.rebuild()
        let tables = try log.status().controllers
        try temporary.execute("DROP TRIGGER events_are_never_updated; UPDATE controllers SET process = 'eve'; \(sql)")
        let changed = try log.status().controllers
        #expect(changed != tables)
        let failure = #expect(throws: LogFailure.self) { try log.rebuild() }
        #expect(failure?.description.hasPrefix(sentence) == true, "\(failure?.description ?? "")")
        #expect(failure?.description.contains("dwell restore FILE") == true)
        #expect(try log.status().controllers == changed)
    }

    /// By where it lay, `status --at` finds the state that a moment is folded from.
    @Test func whereAStateThatIsKeptLayIsLookedAtToo() throws {
        let log = try log(3_000)
        _ = try log.rebuild()
        #expect(try log.replay().differences == [])
        try temporary.execute("UPDATE checkpoints SET position = position - 1 WHERE stream = 'dev'")
        let differences = try log.replay().differences
        #expect(differences.first?.hasPrefix("checkpoints: dev is said to have been at version 1024 at event ") == true)
        #expect(differences.allSatisfy { $0.hasPrefix("checkpoints: dev ") })
    }

    @Test func aReceiverIsNotSaidToHaveBeenToldOfWhatIsToCome() throws {
        let log = try log()
        try log.setNoticeReceivers([
            NoticeReceiver(
                name: "pager", label: "pager", way: .url("http://127.0.0.1:1/x"),
                selection: NoticeSelection(types: [.controllerStarted]))
        ])
        #expect(try log.metaProblems() == [])
        try temporary.execute("UPDATE notice_receivers SET position = position + 1000")
        let last = try log.lastPosition()
        #expect(
            try log.metaProblems() == [
                "notice_receivers: pager is said to have been told of event \(last + 1000), and the log ends at event \(last)"
            ])
    }

    @Test(arguments: ["snapshots", "checkpoints"])
    func aStateOfAControllerThatNeverWasIsFound(_ table: String) throws {
        let log = try log(300)
        _ = try log.rebuild()
        let columns = table == "snapshots" ? "'ghost', 1, 5, '{}'" : "'ghost', 1, 1, 5, '{}'"
        try temporary.execute("INSERT INTO \(table) VALUES (\(columns))")
        #expect(try log.replay().differences == ["\(table): there are rows of ghost, of which the log knows nothing"])
    }
}

import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// What somebody does with the `sqlite3` shell beyond changing an event is found, and said where.
@Suite struct TamperingTests {
    private let temporary = TemporaryHome()

    // The end.

    @Test(arguments: [1, 3, 390, .max])
    func eventsThatWereCutOffTheEndAreNamed(_ count: Int) throws {
        var log = try temporary.madeUpLog()
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
        let missing = try cutOff(5, from: try temporary.madeUpLog())
        let log = try EventLog(home: temporary.home)
        // Whichever controller's those events were.
        for controller in [ControllerName.dev, .prod, .batch] {
            #expect(try submit(.start, to: controller, log) == .endMissing(missing), "\(controller)")
        }
        #expect(throws: LogFailure.endMissing(missing)) {
            try log.archive(beforeMicroseconds: .max, to: temporary.archive, by: .ann)
        }
        #expect(access(temporary.archive, F_OK) != 0)
        #expect(try log.lastPosition() == missing.lowerBound - 1)
        let words = LogFailure.endMissing(missing).description
        #expect(words.contains("dwell restore FILE") && words.contains("dwell repair"))
        _ = try EventLog.repair(temporary.home)
        #expect(try submit(.start, to: .batch, EventLog(home: temporary.home)) == nil)
    }

    @Test func whoHasItOpenNoticesThatItsEndIsGone() throws {
        let log = try temporary.madeUpLog()
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
        let log = try temporary.madeUpLog()
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
        let log = try temporary.madeUpLog()
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
        let log = try temporary.madeUpLog()
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

        // What is no id is nothing to put back.
        try temporary.execute("UPDATE meta SET value = '0 0 0' WHERE key = 'first_log_id'")
        #expect(
            try EventLog(home: temporary.home).metaProblems() == ["meta: first_log_id is \"0 0 0\", which is no id"])
    }

    /// What the tables say was written before it was changed, and may be all there is of what it was.
    @Test(arguments: [
        ("UPDATE events SET payload = '{}' WHERE position = (SELECT position + 20 FROM archives)", "event "),
        ("DELETE FROM archived_causes", "archived_causes: where number "),
    ])
    func theTablesAreNotWrittenAnewFromALogThatWasChanged(_ sql: String, _ sentence: String) throws {
        let (log, _) = try temporary.logWithAnArchive()
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
        let log = try temporary.madeUpLog(3_000)
        _ = try log.rebuild()
        #expect(try log.replay().differences == [])
        try temporary.execute("UPDATE checkpoints SET position = position - 1 WHERE stream = 'dev'")
        let differences = try log.replay().differences
        #expect(differences.first?.hasPrefix("checkpoints: dev is said to have been at version 1024 at event ") == true)
        #expect(differences.allSatisfy { $0.hasPrefix("checkpoints: dev ") })
    }

    @Test func aReceiverIsNotSaidToHaveBeenToldOfWhatIsToCome() throws {
        let log = try temporary.madeUpLog()
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
        let log = try temporary.madeUpLog(300)
        _ = try log.rebuild()
        let columns = table == "snapshots" ? "'ghost', 1, 5, '{}'" : "'ghost', 1, 1, 5, '{}'"
        try temporary.execute("INSERT INTO \(table) VALUES (\(columns))")
        #expect(try log.replay().differences == ["\(table): there are rows of ghost, of which the log knows nothing"])
    }
}

import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// Ids of commands that changed nothing are in no event, and yet cannot be added, removed or changed unnoticed.
@Suite struct CommandIDTamperingTests {
    private let temporary = TemporaryHome()

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
        #expect(throws: LogFailure.self) { try log.archive(beforeMicroseconds: .max, to: temporary.archive, by: .ann) }
        _ = try EventLog.repair(temporary.home)
        #expect(try EventLog(home: temporary.home).metaProblems() == [])
    }

    @Test func idsOfCommandsStayKnownThroughArchiveBackupAndRepair() throws {
        let log = try quietCommands()
        try log.submit(.stop, to: .dev, by: .ann, commandID: "c4")
        _ = try log.archive(beforeMicroseconds: .max, to: temporary.archive, by: .ann)
        #expect(try log.metaProblems() == [])
        #expect(LogExamination(path: temporary.archive).isWhole)
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
}

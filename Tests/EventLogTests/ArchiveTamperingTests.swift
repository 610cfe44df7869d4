import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// What somebody changes of what a log keeps of its archived events is found, and said where.
@Suite struct ArchiveTamperingTests {
    private let temporary = TemporaryHome()

    @Test func theRowOfAnArchiveIsNamedAndNotTheEventAfterIt() throws {
        let (log, position) = try temporary.logWithAnArchive()
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
        let (log, _) = try temporary.logWithAnArchive()
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
        _ = try temporary.madeUpLog()
        let at = try #require(try log.time(atPosition: 300))
        _ = try log.archive(beforeMicroseconds: at + 1_000_000_000_000_000, to: temporary.archive, by: .ann)
        let archived = try EventLog.reading(file: temporary.archive)
        #expect(try log.differences(fromArchive: archived) == [])
        try temporary.execute(
            """
            DROP TRIGGER archives_are_never_updated; DROP TRIGGER commands_are_never_deleted;
            \(sql)
            """)
        let problems = try log.differences(fromArchive: archived)
        #expect(problems.contains { $0.hasPrefix(sentence) }, "\(problems)")
    }
}

import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// Values that no column of a log takes, put in after its rules were taken away. Whoever reads them says so, and does not
/// end in a trap.
@Suite struct OtherKindsTests {
    private let temporary = TemporaryHome()
    private var path: String { temporary.home.database }

    /// A log of which a part is archived, in tables that take anything.
    private func loosen() throws {
        let log = try EventLog(home: temporary.home)
        var history = MadeUpHistory(seed: 3, controllers: [.dev, .prod], beginMicroseconds: 1_700_000_000_000_000)
        try history.write(60, to: log)
        try log.submit(.resumeAutostop, to: .dev, by: .ann, commandID: "nothing happens")
        let at = try #require(try log.time(atPosition: 30))
        _ = try log.archive(beforeMicroseconds: at, to: temporary.home.path + "/old.db", by: .ann)
        try log.queue.close()
        try temporary.execute(
            """
            DROP TRIGGER events_are_never_updated; DROP TRIGGER archives_are_never_updated;
            PRAGMA writable_schema = ON;
            UPDATE sqlite_schema SET sql = replace(replace(sql, ') STRICT', ')'), 'NOT NULL', '') WHERE type = 'table'
            """)
    }

    /// A key takes whole numbers and nothing else, but any of them.
    @Test(arguments: [Int.max, 1 << 61]) func aPositionThatNoLogGetsToIsSaid(_ position: Int) throws {
        try loosen()
        try temporary.execute("UPDATE archives SET position = \(position)")
        #expect(!LogExamination(path: path).isWhole)
        let log = try EventLog.reading(file: path)
        #expect(throws: LogFailure.self) { try log.brokenChain() }
    }

    @Test(
        arguments: [
            "events.at_us", "events.actor", "events.stream", "events.version", "bases.version", "bases.stream",
            "bases.digest", "archived_causes.position", "commands_without_events.at_us", "archives.at_us",
            "schema_migrations.checksum",
        ], ["NULL", "x'00ff'", "'x'", "1.5", "9223372036854775807"])
    func isSaid(_ column: String, _ value: String) throws {
        try loosen()
        let words = column.split(separator: ".")
        try temporary.execute("UPDATE OR IGNORE \(words[0]) SET \(words[1]) = \(value)")
        #expect(!LogExamination(path: path).isWhole)
        // Each may fail, in words.
        guard let log = try? EventLog.reading(file: path) else { return }
        _ = try? log.events(after: 0)
        _ = try? log.auditRows(after: 0)
        _ = try? log.startsMicroseconds()
        _ = try? log.status()
        _ = try? log.replay().differences
    }
}

import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// A damaged log whose first events are in an archive: what it keeps of them is there, too.
@Suite struct ArchiveRepairTests {
    private let temporary = TemporaryHome()
    private var home: Home { temporary.home }
    private var first: String { home.path + "/first.db" }
    private var second: String { home.path + "/second.db" }

    /// A log that was archived twice, closed.
    private func archived() throws -> (start: Int, last: Int, pages: [String: Int]) {
        let log = try EventLog(home: home)
        var history = MadeUpHistory(
            seed: 4, controllers: [.dev, .prod], beginMicroseconds: 1_700_000_000_000_000)
        for (file, count) in [(first, 100), (second, 200)] {
            try history.write(count, to: log)
            let at = try #require(try log.time(atPosition: count - 30))
            _ = try log.archive(beforeMicroseconds: at, to: file, by: .ann)
        }
        try history.write(300, to: log)
        let pages = try log.queue.read { db in
            try Dictionary(
                uniqueKeysWithValues: Row.fetchAll(
                    db, sql: "SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0"
                ).map { ($0[0] as String, $0[1] as Int) })
        }
        let (start, last) = (try log.start().position, try log.lastPosition())
        try log.queue.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        try log.queue.close()
        return (start, last, pages)
    }

    private func repaired(_ bytes: [UInt8], archive: String?) throws -> RepairReport {
        for suffix in ["-wal", "-shm"] { unlink(home.database + suffix) }
        try Data(bytes).write(to: URL(fileURLWithPath: home.database))
        return try EventLog.repair(home, archive: archive)
    }

    @Test func whatTheLogKeepsOfItsArchivesIsTakenFromTheLast() throws {
        let (start, last, pages) = try archived()
        let whole = try [UInt8](Data(contentsOf: URL(fileURLWithPath: home.database)))
        for table in ["archives", "bases", "sqlite_autoindex_bases_1"] {
            let page = try #require(pages[table] ?? pages["bases"])
            var bytes = whole
            bytes.replaceSubrange(
                (page - 1) * EventLog.pageBytes..<page * EventLog.pageBytes,
                with: Array(repeating: 0, count: EventLog.pageBytes))
            let refused = #expect(throws: LogFailure.self, "\(table)") { try repaired(bytes, archive: nil) }
            #expect(refused?.description.contains("dwell repair --archive FILE") == true, "\(table)")
            let other = #expect(throws: LogFailure.self, "\(table)") { try repaired(bytes, archive: first) }
            #expect(other?.description.contains("give the archive that was made last") == true, "\(table)")
            let report = try repaired(bytes, archive: second)
            #expect(report.savedEvents == last - start && report.lastPosition == last, "\(table): \(report)")
            #expect(report.firstLoss == nil && report.otherLosses == [], "\(table): \(report)")
            let log = try EventLog(home: home)
            #expect(LogExamination(home: home).problems == [])
            #expect(try log.differences(fromArchive: EventLog.reading(file: second)) == [], "\(table)")
            #expect(try log.archives(after: 0).map(\.file) == [first, second])
            try log.queue.close()
        }
    }

    /// One flipped bit of a state is damage, and no other build's work.
    @Test func aBaseThatIsDamagedIsCalledSo() throws {
        let (start, last, _) = try archived()
        try temporary.execute(
            "PRAGMA ignore_check_constraints = ON; UPDATE bases SET state = '}' || substr(state, 2)")
        let refused = #expect(throws: LogFailure.self) { try EventLog.repair(home) }
        #expect(refused?.description.contains("is damaged") == true)
        #expect(refused?.description.contains("ask with the dwell") == false)
        let report = try EventLog.repair(home, archive: second)
        #expect(report.savedEvents == last - start && report.firstLoss == nil, "\(report)")
    }

    /// A row of where archived events lay that holds nothing is as good as none.
    @Test func aCauseThatIsNotThereIsALossAndNoEnd() throws {
        let (start, last, pages) = try archived()
        var bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: home.database)))
        let page = (try #require(pages["archived_causes"]) - 1) * EventLog.pageBytes
        try #require(bytes[page] == 10 && bytes[page + 4] > 0, "a leaf with rows")
        // The first row: its length, the length of its header, then the kind of its first column, which becomes NULL.
        let row = page + (Int(bytes[page + 8]) << 8 | Int(bytes[page + 9]))
        bytes[row + 2] = 0
        let report = try repaired(bytes, archive: nil)
        #expect(report.savedEvents == last - start, "\(report)")
        #expect(report.otherLosses == ["where those archived events lay that later ones follow from"])
        #expect(LogExamination(home: home).isWhole)
    }

    @Test func whatIsNoArchiveIsRefused() throws {
        _ = try archived()
        let copy = home.path + "/copy.db"
        _ = try EventLog(home: home).backUp(to: copy)
        let refused = #expect(throws: LogFailure.self) { try EventLog.repair(home, archive: copy) }
        #expect(refused?.description.contains("is no archive") == true)
    }
}

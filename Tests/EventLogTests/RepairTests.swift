import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// What is saved of a damaged log.
@Suite struct RepairTests {
    private let temporary = TemporaryHome()
    private var home: Home { temporary.home }

    private func log(commands: Int = 60) throws -> EventLog {
        let log = try EventLog(home: home)
        try log.drawHistory(seed: 7, commands: commands, on: [.dev, .prod])
        return log
    }

    /// What the tests of repair break is in `dwell.db` itself.
    private func closed(_ log: EventLog) throws {
        try log.queue.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        try log.queue.close()
    }

    @Test func aBrokenChainIsSavedUpToTheBreak() throws {
        let log = try log()
        let last = try log.lastPosition()
        try temporary.execute(
            "DROP TRIGGER events_are_never_updated; UPDATE events SET actor = 'bob' WHERE position = 20")
        try closed(log)
        let report = try EventLog.repair(home)
        #expect(report.savedEvents == 19)
        #expect(report.firstLoss?.contains("event 20") == true)
        #expect(report.acknowledgedPosition == last, "what is lost is said")
        let repaired = try EventLog(home: home)
        #expect(try repaired.lastPosition() == 19)
        #expect(LogExamination(path: home.database).isWhole)
        #expect(repaired.logID == log.logID, "its processes are still known by their cookies")
        try repaired.given(.start, controller: .batch)
    }

    @Test func tablesThatSaySomethingElseAreFoldedAnew() throws {
        let log = try log()
        let last = try log.lastPosition()
        try temporary.execute("UPDATE controllers SET status = 'STOPPED', reason = 'a lie'; DELETE FROM services")
        try closed(log)
        #expect(!LogExamination(path: home.database).isWhole)
        let report = try EventLog.repair(home)
        #expect(report.savedEvents == last && report.firstLoss == nil, "nothing is lost")
        #expect(LogExamination(path: home.database).isWhole)
        let repaired = try EventLog(home: home)
        #expect(try repaired.state(of: .dev) == repaired.foldedState(of: .dev))
    }

    /// A flipped byte in a page of every kind: it is found or harmless, and what can be read is saved.
    @Test func aFlippedByteInAnyPageIsFoundOrHarmless() throws {
        let log = try log(commands: 120)
        let last = try log.lastPosition()
        try closed(log)
        let whole = try Data(contentsOf: URL(fileURLWithPath: home.database))
        let pages = whole.count / EventLog.pageBytes
        var random = SeededGenerator(seed: 11)
        var found = 0
        for number in 0..<60 {
            let page = number % pages
            var bytes = [UInt8](whole)
            bytes[page * EventLog.pageBytes + random.below(EventLog.pageBytes)] ^= UInt8(1 << random.below(8))
            for suffix in ["-wal", "-shm"] { unlink(home.database + suffix) }
            try Data(bytes).write(to: URL(fileURLWithPath: home.database))
            let examination = LogExamination(path: home.database)
            guard !examination.isWhole else { continue }
            found += 1
            let report = try EventLog.repair(home)
            #expect(report.savedEvents <= last)
            #expect(LogExamination(path: home.database).isWhole)
            if let kept = report.kept { unlink(kept) }
        }
        #expect(found > 10, "many a byte matters")
    }

    /// What is beside the events, leads to them or describes them is not needed to save them, also in a log that an earlier
    /// dwell began, with pages of SQLite's own choice.
    @Test(arguments: [EventLog.pageBytes, 4_096])
    func everyEventIsSavedWhicheverOtherPageIsLost(_ pageBytes: Int) throws {
        let log = try log(commands: 120)
        let last = try log.lastPosition()
        try closed(log)
        try writeAnew(pageBytes)
        let pages = try DatabaseQueue(path: home.database).read { db in
            try #require(try Int.fetchOne(db, sql: "PRAGMA page_size") == pageBytes)
            return try Row.fetchAll(
                db, sql: "SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0 ORDER BY rootpage"
            )
            .map { (name: $0[0] as String, page: $0[1] as Int) }
        }
        let whole = try [UInt8](Data(contentsOf: URL(fileURLWithPath: home.database)))
        // The pages of the schema besides the first lie among those of the tables.
        for (name, page) in [("the schema", 1)] + pages {
            var bytes = whole
            bytes.replaceSubrange(
                (page - 1) * pageBytes..<page * pageBytes,
                with: Array(repeating: 0, count: pageBytes))
            log.bell.ring(position: last, digest: nil, logID: log.logID)
            let report = try repaired(bytes)
            #expect(report.savedEvents == last && report.firstLoss == nil, "\(name): \(report)")
            #expect(try EventLog(home: home).logID == log.logID, "\(name): its processes are still known")
            if name == "notice_receivers" {
                #expect(report.otherLosses == ["how far each receiver of notices was told"])
            }
        }
    }

    @Test(arguments: [
        "CREATE VIEW idle_periods", "CREATE TABLE events", "CREATE TABLE meta", "CREATE TABLE archives",
        "CREATE TABLE controllers", "CREATE TRIGGER events_have_no_holes",
    ])
    func everyEventIsSavedWhateverTheSchemaSays(_ text: String) throws {
        let log = try log()
        let last = try log.lastPosition()
        try closed(log)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: home.database))
        var isThere = false
        while let place = bytes.range(of: Data(text.utf8)) {
            bytes[place.lowerBound + 1] ^= 2
            isThere = true
        }
        try #require(isThere)
        let report = try repaired([UInt8](bytes))
        #expect(report.savedEvents == last && report.firstLoss == nil, "\(report)")
    }

    /// SQLite takes nothing of the WAL from its first damaged frame on, though what comes after it was acknowledged.
    @Test func whatComesAfterADamagedFrameOfTheWALIsSaved() throws {
        let log = try log(commands: 30)
        try log.queue.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        try log.drawHistory(seed: 9, commands: 30)
        let last = try log.lastPosition()
        let database = try Data(contentsOf: URL(fileURLWithPath: home.database))
        var wal = try Data(contentsOf: URL(fileURLWithPath: home.database + "-wal"))
        try log.queue.close()
        wal[32 + 24 + 4_000] ^= 1
        let report = try repaired([UInt8](database), wal: wal)
        #expect(report.savedEvents == last && report.firstLoss == nil, "\(report)")
    }

    /// Whoever closes a database last removes its WAL; of a damaged one it may be all there is.
    @Test func whatTheWALAloneHoldsIsSavedWhenItIsHeld() throws {
        let log = try log()
        let last = try log.lastPosition()
        _ = try log.queue.writeWithoutTransaction { try $0.checkpoint() }
        // To close it would give up the locks that this process has on it.
        let database = try FileHandle(forWritingTo: URL(fileURLWithPath: home.database))
        try database.truncate(atOffset: 0)
        try database.write(contentsOf: Data("junk".utf8))
        let wal = try HeldWAL(home)
        try log.queue.close()
        try database.close()
        try #require(access(home.database + "-wal", F_OK) != 0, "SQLite removed it")
        let report = try EventLog.repair(home, wal)
        #expect(report.savedEvents == last && report.firstLoss == nil, "\(report)")
        #expect(access(try #require(report.kept) + "-wal", F_OK) == 0, "it is kept, too")
    }

    /// What cannot be repaired is told before anything is ended for it, and nothing is left of the attempt.
    @Test func aRehearsalChangesNothing() throws {
        let log = try log()
        try temporary.execute(
            "DROP TRIGGER events_are_never_updated; UPDATE events SET actor = 'bob' WHERE position = 20")
        let before = try FileManager.default.contentsOfDirectory(atPath: home.path).sorted()
        try EventLog.rehearseRepair(home)
        #expect(try FileManager.default.contentsOfDirectory(atPath: home.path).sorted() == before)
        #expect(try log.lastPosition() > 20, "the log is as it was")
    }

    /// An event is longer than a page when its service has a long script.
    @Test func eventsOfManyPagesAreSaved() throws {
        let log = try EventLog(home: home)
        let spec = ServiceSpec(run: String(repeating: "true # häh?\n", count: 3_000))
        try log.given(.up(spec))
        let last = try log.lastPosition()
        try closed(log)
        var bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: home.database)))
        bytes.replaceSubrange(0..<100, with: Array(repeating: 0, count: 100))
        let report = try repaired(bytes)
        #expect(report.savedEvents == last && report.firstLoss == nil, "\(report)")
        #expect(try EventLog(home: home).state(of: .dev).services[.api]?.spec == spec)
    }

    /// What archived events led to is not guessed; where they lay is no loss that anybody waits for.
    @Test func whatGoesOnFromArchivedEventsIsSavedWithWhatTheyLedTo() throws {
        let log = try log(commands: 120)
        let last = try log.lastPosition()
        let at = try #require(try log.time(atPosition: last / 2))
        _ = try log.archive(beforeMicroseconds: at, to: home.path + "/old.db", by: .ann)
        let start = try log.start().position
        try #require(start > 0 && start < last)
        let pages = try log.queue.read { db in
            try Dictionary(
                uniqueKeysWithValues: Row.fetchAll(
                    db, sql: "SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0 AND type = 'table'"
                ).map { ($0[0] as String, $0[1] as Int) })
        }
        try closed(log)
        let whole = try [UInt8](Data(contentsOf: URL(fileURLWithPath: home.database)))
        func without(_ table: String) throws -> [UInt8] {
            let page = try #require(pages[table])
            var bytes = whole
            bytes.replaceSubrange(
                (page - 1) * EventLog.pageBytes..<page * EventLog.pageBytes,
                with: Array(repeating: 0, count: EventLog.pageBytes))
            return bytes
        }
        let report = try repaired(without("archived_causes"))
        #expect(report.savedEvents == last - start && report.lastPosition == last && report.firstLoss == nil)
        #expect(report.otherLosses == ["where those archived events lay that later ones follow from"])
        for table in ["archives", "bases"] {
            let failure = #expect(throws: LogFailure.self, "\(table)") { try repaired(without(table)) }
            #expect(failure?.description.contains("archived events led to cannot be read") == true)
        }
    }

    /// A transaction whose last frame never came to the disk was refused to whoever asked for it. Also where no header tells any
    /// more how long a page is: read at another length, anything might look committed.
    @Test(arguments: [EventLog.pageBytes, 4_096], [["dwell.db"], ["dwell.db", "dwell.db-wal"]])
    func whatWasNeverCommittedIsNotSaved(_ pageBytes: Int, _ withoutHeader: [String]) throws {
        try closed(log(commands: 30))
        try writeAnew(pageBytes)
        let log = try EventLog(home: home)
        try log.given(.start, controller: .batch)
        try log.drawHistory(seed: 9, commands: 30)
        let file = URL(fileURLWithPath: home.database + "-wal")
        // Each command's transaction in turn is the one that was not committed: what is found at another length is chance.
        var ends: [(position: Int, bytes: Int)] = []
        for number in 0...20 {
            ends.append((try log.lastPosition(), try Data(contentsOf: file).count))
            try log.given(.setAutostop(.byHand(seconds: Double(100 + number))), controller: .batch)
        }
        var database = try [UInt8](Data(contentsOf: URL(fileURLWithPath: home.database)))
        let whole = try Data(contentsOf: file)
        try log.queue.close()
        database.replaceSubrange(0..<pageBytes, with: Array(repeating: 0, count: pageBytes))
        for (committed, next) in zip(ends, ends.dropFirst()) {
            var wal = whole.prefix(next.bytes)
            for start in stride(from: committed.bytes, to: wal.count, by: 24 + pageBytes) {
                wal.replaceSubrange(start + 4..<start + 8, with: Data(count: 4))
            }
            if withoutHeader.contains("dwell.db-wal") { wal.replaceSubrange(0..<32, with: Data(count: 32)) }
            log.bell.forget()
            let report = try repaired(database, wal: wal)
            #expect(report.savedEvents == committed.position && report.firstLoss == nil, "\(report)")
        }
    }

    /// As a dwell does that begins its logs with pages of this length.
    private func writeAnew(_ pageBytes: Int) throws {
        let written = home.path + "/written.db"
        try temporary.execute("PRAGMA page_size = \(pageBytes); VACUUM INTO '\(written)'")
        for suffix in ["-wal", "-shm"] { unlink(home.database + suffix) }
        try #require(rename(written, home.database) == 0)
    }

    /// Puts the bytes in the place of the home's database and repairs it.
    private func repaired(_ bytes: [UInt8], wal: Data? = nil) throws -> RepairReport {
        for suffix in ["-wal", "-shm"] { unlink(home.database + suffix) }
        try Data(bytes).write(to: URL(fileURLWithPath: home.database))
        try wal?.write(to: URL(fileURLWithPath: home.database + "-wal"))
        let report = try EventLog.repair(home)
        let examination = LogExamination(path: home.database)
        #expect(examination.isWhole, "\(examination.problems)")
        if let kept = report.kept { for suffix in ["", "-wal"] { unlink(kept + suffix) } }
        return report
    }
}

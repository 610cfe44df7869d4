import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// Backup, restore, and the witness of what was acknowledged.
@Suite struct BackupTests {
    private let temporary = TemporaryHome()
    private var home: Home { temporary.home }
    private var file: String { home.path + "/backup.db" }

    private func log(commands: Int = 60) throws -> EventLog {
        let log = try EventLog(home: home)
        try log.drawHistory(seed: 7, commands: commands, on: [.dev, .prod])
        return log
    }

    @Test func aBackupHoldsTheLogOfOneMoment() async throws {
        let log = try log()
        let before = try log.lastPosition()
        let writer = Task.detached {
            for seconds in 1...40 { try log.given(.start, .setAutostop(.byHand(seconds: Double(seconds)))) }
        }
        let second = try EventLog(home: home, busyTimeoutSeconds: 30)
        let examination = try second.backUp(to: file)
        try await writer.value
        #expect(examination.isWhole)
        #expect(examination.logID == log.logID)
        #expect(examination.wholeEvents >= before)
        #expect(examination.controllers == 2)
        let attributes = try FileManager.default.attributesOfItem(atPath: file)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: home.path).filter { $0.hasPrefix("backup") } == [
                "backup.db"
            ])
    }

    @Test func aBackupOverwritesNothing() throws {
        let log = try log()
        try Data("mine".utf8).write(to: URL(fileURLWithPath: file))
        let failure = #expect(throws: LogFailure.self) { try log.backUp(to: file) }
        #expect(failure?.description.contains("exists already") == true)
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == Data("mine".utf8))
    }

    @Test func aBackupIsNotWrittenBesideTheWALOfAnother() throws {
        let log = try log()
        try Data("left".utf8).write(to: URL(fileURLWithPath: file + "-wal"))
        let failure = #expect(throws: LogFailure.self) { try log.backUp(to: file) }
        #expect(failure?.description.contains("backup.db-wal would be taken for part of it") == true)
        #expect(access(file, F_OK) != 0)
    }

    @Test func aDamagedLogIsNotBackedUp() throws {
        let log = try log()
        try temporary.execute(
            "DROP TRIGGER events_are_never_updated; UPDATE events SET actor = 'bob' WHERE position = 9")
        let failure = #expect(throws: LogFailure.self) { try log.backUp(to: file) }
        #expect(failure?.description.contains("event 9") == true)
        #expect(access(file, F_OK) != 0)
    }

    @Test func whatIsRestoredIsWhatWasBackedUp() throws {
        let log = try log()
        let state = try log.state(of: .dev)
        let position = try log.lastPosition()
        _ = try log.backUp(to: file)
        try log.drawHistory(seed: 8, commands: 20)
        let later = try log.lastPosition()
        try log.queue.close()
        let prepared = try PreparedRestore(home, from: file)
        let kept = try prepared.takePlace()
        #expect(prepared.examination.wholeEvents == position)
        let restored = try EventLog(home: home)
        #expect(try restored.lastPosition() == position)
        #expect(try restored.state(of: .dev) == state)
        #expect(restored.logID == log.logID)
        try restored.given(.start, controller: .batch)
        let old = LogExamination(path: try #require(kept))
        #expect(old.isWhole && old.wholeEvents == later, "what was replaced is kept")
    }

    @Test func aBackupThatIsDamagedReplacesNothing() throws {
        let log = try log()
        _ = try log.backUp(to: file)
        try overwrite(file, at: 4_096, with: Array(repeating: 0xAA, count: 60_000))
        let position = try log.lastPosition()
        #expect(throws: LogFailure.self) { try PreparedRestore(home, from: file) }
        #expect(throws: LogFailure.self) { try PreparedRestore(home, from: home.path + "/nowhere.db") }
        #expect(try log.lastPosition() == position)
        try log.given(.start, controller: .batch)
    }

    // MARK: The witness

    @Test func aWalThatWasRemovedIsNoticed() throws {
        let log = try log(commands: 30)
        try log.queue.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        try log.drawHistory(seed: 9, commands: 30)
        let last = try log.lastPosition()
        try removeWALBehindTheBack(of: log)
        let failure = #expect(throws: LogFailure.self) { try EventLog(home: home) }
        guard case .eventsLost(_, let there, let acknowledged) = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(acknowledged == last && there < last)
        #expect(failure?.description.contains("dwell repair") == true)
        _ = try EventLog.repair(home)
        #expect(try EventLog(home: home).lastPosition() == there, "that it is accepted is said by repairing it")
    }

    /// When nothing was checkpointed yet, the database without its WAL is empty, and is not taken for a new one.
    @Test func aWalThatHeldEverythingIsMissed() throws {
        let log = try log(commands: 25)
        let last = try log.lastPosition()
        try #require(last > 0)
        try removeWALBehindTheBack(of: log)
        let lost = LogFailure.eventsLost(path: home.database, there: 0, acknowledged: last)
        #expect(throws: lost) { try EventLog(home: home) }
        #expect(throws: lost, "and the second time either") { try EventLog(home: home) }
        let report = try EventLog.repair(home)
        #expect(report.savedEvents == 0 && report.lastPosition == 0 && report.acknowledgedPosition == last)
        #expect(access(try #require(report.kept), F_OK) == 0)
        let new = try EventLog(home: home)
        #expect(new.logID == log.logID, "what it started is still known by its cookies")
        try new.given(.start)
    }

    @Test func whatWasCheckpointedOutlivesTheWAL() throws {
        let log = try EventLog(home: home)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: home.database)).count
        #expect(bytes > 50_000, "the schema is in the database itself from the beginning")
        try log.drawHistory(seed: 7, commands: 25)
        let last = try log.lastPosition()
        log.checkpoint()
        try removeWALBehindTheBack(of: log)
        #expect(try EventLog(home: home).lastPosition() == last)
    }

    /// The database as it is on disk, without its WAL.
    private func removeWALBehindTheBack(of log: EventLog) throws {
        let database = try Data(contentsOf: URL(fileURLWithPath: home.database))
        try log.queue.close()
        for suffix in ["-wal", "-shm"] { unlink(home.database + suffix) }
        try database.write(to: URL(fileURLWithPath: home.database))
    }

    @Test func aDatabaseThatIsGoneIsNotBegunAnew() throws {
        let log = try log()
        try log.queue.close()
        for suffix in ["", "-wal", "-shm"] { unlink(home.database + suffix) }
        let failure = #expect(throws: LogFailure.self) { try EventLog(home: home) }
        #expect(failure?.description.contains("is gone") == true)
        #expect(access(home.database, F_OK) != 0)
    }

    @Test func aDatabaseThatIsReplacedWhileItIsOpenTakesNothingMore() throws {
        let log = try log()
        _ = try log.backUp(to: file)
        #expect(rename(file, home.database) == 0)
        let failure = LogFailure.replaced(path: home.database)
        do {
            try log.submit(.start, to: .batch, by: .ann)
            Issue.record("it was acknowledged")
        } catch .failed(let found) {
            #expect(found == failure)
        } catch {
            Issue.record("\(error)")
        }
        #expect(throws: failure) { try log.status() }
    }

    private func overwrite(_ path: String, at offset: UInt64, with bytes: [UInt8]) throws {
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try handle.seek(toOffset: offset)
        try handle.write(contentsOf: Data(bytes))
        try handle.close()
    }
}

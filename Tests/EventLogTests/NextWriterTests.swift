import CGatheredWrites
import CLinux
import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// The next writer is called while the one before it writes, and never while a checkpoint may be done.
@Suite struct NextWriterTests {
    private let temporary = TemporaryHome()
    private let log: EventLog

    init() throws {
        log = try EventLog(home: temporary.home)
        try log.submit(.start, to: .dev, by: .ann)
    }

    @Test func framesAreCountedAsSQLiteDoes() throws {
        try log.submit(.stop, to: .dev, by: .ann)
        try log.queue.writeWithoutTransaction { db in
            let row = try #require(try Row.fetchOne(db, sql: "PRAGMA wal_checkpoint"))
            try db.execute(sql: "BEGIN IMMEDIATE")
            defer { try? db.execute(sql: "ROLLBACK") }
            let frames: Int64 = row["log"]
            #expect(frames > 0 && gathered_writes_frames(db.pointer) == frames)
        }
    }

    /// Whether the turn that was taken last can be had, which it then is again by nobody.
    private func isGivenBack() throws -> Bool {
        let line = open(temporary.home.writersTurn, O_RDWR | O_CLOEXEC)
        defer { close(line) }
        var number: Int64 = 0
        try #require(pread(line, &number, 8, 0) == 8)
        return clinux_lock_byte(line, number, 0) == 0
    }

    @Test(arguments: [(frames: 100, isCalled: true), (frames: 950, isCalled: false)])
    func itIsCalledUnlessTheCommitMayDoACheckpoint(_ frames: Int, _ isCalled: Bool) throws {
        try log.queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE); CREATE TABLE filler (bytes BLOB)")
            try db.execute(sql: "INSERT INTO filler VALUES (zeroblob(\(EventLog.pageBytes) * ?))", arguments: [frames])
        }
        let (before, after) = try log.writing { db in
            let before = try isGivenBack()
            log.transaction.callNext(db)
            return (before, try isGivenBack())
        }
        #expect(!before && after == isCalled)
        #expect(try isGivenBack())
    }

    /// Two that write as fast as they can leave no moment in which nobody does.
    @Test func theWALBeginsAnewWhileOthersWrite() async throws {
        let home = temporary.home
        _ = try await onThreads(2) { thread in
            let log = try EventLog(home: home)
            let name = ControllerName.sample("c\(thread)")
            try log.submit(.start, to: name, by: .ann)
            for number in 1...600 {
                try log.submit(.setAutostop(.byHand(seconds: Double(number))), to: name, by: .ann)
            }
        }
        #expect(try log.events(after: 0).count > 1_000)
        let size = try #require(
            try FileManager.default.attributesOfItem(atPath: home.database + "-wal")[.size] as? Int)
        #expect(size < 2_000 * (EventLog.pageBytes + 24), "\(size) bytes")
    }
}

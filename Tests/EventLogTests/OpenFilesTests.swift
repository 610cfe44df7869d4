import Foundation
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// Whether a log that is open is the one that is there.
@Suite struct OpenFilesTests {
    private let temporary = TemporaryHome()

    @Test func oneThatIsMovedAwayIsWrittenToNoMore() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start)
        #expect(log.isThere())
        let (path, away) = (temporary.home.database, temporary.home.database + ".away")
        try FileManager.default.moveItem(atPath: path, toPath: away)
        #expect(!log.isThere())
        #expect(throws: LogFailure.replaced(path: path)) { try log.status() }
        let failure = #expect(throws: SubmitError.self) { try log.given(.stop) }
        guard case .failed(.replaced(path: path)) = failure else {
            return #expect(Bool(false), "\(String(describing: failure))")
        }
        let gone = try #require(EventLog.missingEvents(temporary.home))
        #expect(gone == .gone(path: path, acknowledged: 1, bell: temporary.home.commitBell))
        try FileManager.default.moveItem(atPath: away, toPath: path)
        #expect(EventLog.missingEvents(temporary.home) == nil)
        try log.given(.takeOver(process: "a"))
    }

    @Test func aLogInItsPlaceIsAnother() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start)
        let other = TemporaryHome()
        let copy = other.home.path + "/copy.db"
        _ = try EventLog(home: other.home)
        _ = try log.backUp(to: copy)
        for suffix in ["", "-wal", "-shm"] { unlink(temporary.home.database + suffix) }
        try FileManager.default.copyItem(atPath: copy, toPath: temporary.home.database)
        #expect(log.isThere(), "a copy of it tells the same")
        unlink(temporary.home.database)
        try FileManager.default.copyItem(atPath: other.home.database, toPath: temporary.home.database)
        #expect(!log.isThere())
    }

    @Test func aWALThatIsNotThereWasRemoved() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start)
        unlink(temporary.home.database + "-wal")
        #expect(throws: LogFailure.replaced(path: temporary.home.database)) { try log.status() }
    }

    @Test func anEmptyFileWasToBecomeALog() throws {
        try temporary.home.prepare()
        #expect(EventLog.isUnbegun(temporary.home))
        try EventLog(home: temporary.home).given(.start)
        #expect(!EventLog.isUnbegun(temporary.home))
        for suffix in ["", "-wal", "-shm"] { unlink(temporary.home.database + suffix) }
        #expect(!EventLog.isUnbegun(temporary.home), "there is none")
        _ = FileManager.default.createFile(atPath: temporary.home.database, contents: nil)
        #expect(!EventLog.isUnbegun(temporary.home), "events were acknowledged")
    }

    @Test func whoLooksOftenSeesThatNothingWasWritten() async throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start)
        #expect(log.lastWrite == nil, "the next write might look the same")
        // As if it had been a minute ago.
        let then = [timespec(tv_sec: time(nil) - 60, tv_nsec: 0), timespec(tv_sec: time(nil) - 60, tv_nsec: 0)]
        for suffix in ["", "-wal"] { #expect(utimensat(AT_FDCWD, temporary.home.database + suffix, then, 0) == 0) }
        let before = try #require(log.lastWrite)
        #expect(log.lastWrite == before)
        try log.given(.takeOver(process: "a"))
        #expect(log.lastWrite != before)
        unlink(temporary.home.database + "-wal")
        #expect(log.lastWrite == nil)
    }

    @Test func theClocksAreTheMachines() throws {
        let now = try Clock.now()
        let later = try Clock.now()
        #expect(now.bootID == later.bootID && now.bootID.count == 36)
        #expect(later.bootMicroseconds >= now.bootMicroseconds)
        #expect(abs(Double(now.wallMicroseconds) / 1e6 - Date().timeIntervalSince1970) < 60)
        #expect(Clock.namespaceMicroseconds == 0 || FileManager.default.fileExists(atPath: "/proc/self/timens_offsets"))
    }

    @Test func zonesOfTheSystemSayWhatTheirClocksShow() {
        // 2026-07-01 12:00 UTC, and half a year later.
        let summer: Int64 = 1_782_907_200
        #expect(TimeZones.system.offsetSeconds("Europe/Berlin", summer) == 7_200)
        #expect(TimeZones.system.offsetSeconds("Europe/Berlin", summer + 184 * 86_400) == 3_600)
        #expect(TimeZones.system.offsetSeconds("Nowhere/Land", summer) == 0)
    }
}

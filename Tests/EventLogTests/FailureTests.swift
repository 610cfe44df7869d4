import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// What can go wrong with the file, and that nothing is half done then.
@Suite struct FailureTests {
    private let temporary = TemporaryHome()

    private func failure(_ log: EventLog, _ command: Command) throws -> LogFailure? {
        do {
            try log.submit(command, to: .dev, by: .ann)
            return nil
        } catch .failed(let failure) {
            return failure
        } catch {
            throw error
        }
    }

    /// A sync that failed is made up for first, which takes the lock; who has that is what there is to tell.
    @Test func aLockIsCalledOneAlsoAfterASyncThatFailed() throws {
        let log = try EventLog(home: temporary.home, busyTimeoutSeconds: 0.05)
        try log.given(.start)
        _ = FileManager.default.createFile(atPath: temporary.home.doubt, contents: nil)
        let shell = try temporary.shell()
        try shell.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        #expect(try failure(log, .takeOver(process: "a")) == .busy(path: temporary.home.database))
        #expect(access(temporary.home.doubt, F_OK) == 0, "it was not made up for")
        try shell.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        try log.given(.takeOver(process: "a"))
        #expect(access(temporary.home.doubt, F_OK) != 0)
    }

    @Test func aLockedDatabaseIsToldWithinItsLimit() throws {
        let log = try EventLog(home: temporary.home, busyTimeoutSeconds: 0.05)
        try log.given(.start)
        let shell = try temporary.shell()
        try shell.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        let clock = ContinuousClock()
        let began = clock.now
        let failure = try failure(log, .takeOver(process: "a"))
        #expect(clock.now - began < .seconds(4), "the limit is 50 ms; the rest is for a machine that is busy")
        #expect(failure == .busy(path: temporary.home.database))
        checkSentence(failure, names: temporary.home.database)
        #expect(try log.state(of: .dev).status == .starting, "reading needs no lock")
        #expect(try EventLog(home: temporary.home, busyTimeoutSeconds: 0.05).status().controllers.count == 1)
        try shell.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        try log.given(.takeOver(process: "a"))
        #expect(try log.state(of: .dev).status == .idle)
    }

    @Test func aLockThatIsReleasedInTimeIsWaitedFor() async throws {
        let log = try EventLog(home: temporary.home, busyTimeoutSeconds: 60)
        let shell = try temporary.shell()
        try await shell.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        async let status = Task.detached { try log.submit(.start, to: .dev, by: .ann).state.status }.value
        try await shell.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
        #expect(try await status == .starting)
    }

    /// The file may grow no further, as on a disk that is full.
    @Test func aFullDiskChangesNothing() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start)
        try log.queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA max_page_count = 1") }
        var found: LogFailure?
        for seconds in 1...2_000 where found == nil {
            found = try failure(log, .setAutostop(.byHand(seconds: Double(seconds))))
        }
        #expect(found == .full(path: temporary.home.database))
        checkSentence(found, names: temporary.home.database)
        #expect(try log.firstBrokenPosition() == nil)
        #expect(try log.differences(of: .dev) == [])
        #expect(try log.state(of: .dev) == log.foldedState(of: .dev), "what was not committed is not remembered")
        try log.queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA max_page_count = 1000000") }
        #expect(try failure(log, .stop) == nil)
    }

    @Test func aDatabaseThatCannotBeWrittenIsReadAllTheSame() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start)
        try log.queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA query_only = ON") }
        let failure = try failure(log, .stop)
        #expect(failure == .readOnly(path: temporary.home.database))
        checkSentence(failure, names: temporary.home.database)
        #expect(try log.state(of: .dev).status == .starting)
    }

    @Test(arguments: [0o500, 0o555, 0o055]) func aReadOnlyHomeIsRefused(mode: Int) throws {
        let path = temporary.home.path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: mode])
        defer { chmod(path, 0o700) }
        let failure = #expect(throws: LogFailure.self) { try EventLog(home: temporary.home) }
        checkSentence(failure, names: path)
        #expect("\(try #require(failure))".contains("it is read-only (mode \(String(mode, radix: 8)))"))
        let left = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(left == mode, "it was made writable")
    }

    /// `/proc` takes no folders, not even from root.
    @Test func aHomeThatCannotBeMadeIsRefused() {
        let failure = #expect(throws: LogFailure.self) { try EventLog(home: Home(path: "/proc/dwell")) }
        guard case .cannotOpen("/proc/dwell", _) = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        checkSentence(failure, names: "/proc/dwell")
    }

    @Test func aHomeThatIsAFileIsRefused() throws {
        let path = temporary.home.path
        try Data().write(to: URL(fileURLWithPath: path))
        #expect(throws: LogFailure.cannotOpen(path: path, reason: "it is not a folder")) {
            try EventLog(home: temporary.home)
        }
        #expect(throws: LogFailure.cannotOpen(path: path + "/deeper", reason: "Not a directory")) {
            try EventLog(home: Home(path: path + "/deeper"))
        }
    }

    /// A projection that cannot be written takes its events with it: both or neither.
    @Test func eventsAndProjectionsAreOneTransaction() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start, .takeOver(process: "a"))
        try temporary.execute(
            "CREATE TRIGGER broken BEFORE INSERT ON replicas BEGIN SELECT RAISE(ABORT, 'no replicas'); END")
        let before = try log.lastPosition()
        let failure = try failure(log, .up(.api))
        #expect(failure == .other(path: temporary.home.database, reason: "no replicas"))
        #expect(try log.lastPosition() == before)
        #expect(try log.status().services.isEmpty)
        #expect(try log.state(of: .dev).services.isEmpty)
        try temporary.execute("DROP TRIGGER broken")
        try log.given(.up(.api))
        #expect(try log.differences(of: .dev) == [])
    }
}

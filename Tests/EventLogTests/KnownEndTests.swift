import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// Another log, or another copy, in the place of the one that was written last is not written on.
@Suite struct KnownEndTests {
    private let temporary = TemporaryHome()
    private let elsewhere = TemporaryHome()
    private var home: Home { temporary.home }

    /// Events of a home that is then closed, and a copy of its log.
    private func made(_ count: Int, in home: Home, restoring backup: String? = nil) throws -> (last: Int, copy: String)
    {
        if let backup { _ = try PreparedRestore(home, from: backup).takePlace() }
        let log = try EventLog(home: home)
        for second in 1...count { try log.given(.start, .setAutostop(.byHand(seconds: Double(second)))) }
        let copy = "\(home.path)/copy-\(UUID().uuidString).db"
        let last = try log.backUp(to: copy).wholeEvents
        try log.queue.close()
        return (last, copy)
    }

    private func put(_ copy: String) throws {
        for suffix in ["", "-wal", "-shm"] { unlink(home.database + suffix) }
        try FileManager.default.copyItem(atPath: copy, toPath: home.database)
    }

    private func refusal() -> String? {
        do {
            _ = try EventLog(home: home)
            return nil
        } catch {
            return error.description
        }
    }

    @Test(arguments: [3, 40])
    func anotherLogIsNotTakenForTheHomes(_ count: Int) throws {
        let (_, own) = try made(10, in: home)
        try put(made(count, in: elsewhere.home).copy)
        let words = try #require(refusal())
        #expect(words.contains("is not the log that this home wrote last: it is log "), "\(words)")
        #expect(words.contains("dwell restore FILE"))
        try put(own)
        #expect(refusal() == nil)
        #expect(LogExamination(home: home).isWhole)
    }

    @Test func aForkOfTheLogIsNotTakenForIt() throws {
        let (_, early) = try made(3, in: home)
        let last = try made(7, in: home).last
        let fork = try made(20, in: elsewhere.home, restoring: early)
        try #require(fork.last > last)
        try put(fork.copy)
        let words = try #require(refusal())
        #expect(words.contains("its event \(last) is not the one that was acknowledged"), "\(words)")

        // That it is meant is said by restoring it.
        _ = try PreparedRestore(home, from: fork.copy).takePlace()
        #expect(refusal() == nil)
        let log = try EventLog(home: home)
        let end = try log.queue.read { try $0.lastEvent() }
        #expect(
            log.bell.witness == CommitBell.Witness(position: end.position, logID: log.logID, digest: end.digest))
        try log.given(.start)
    }

    /// One that has archived what would tell it from the home's begins behind the last that was acknowledged.
    @Test func aForkThatIsArchivedIsNotTakenForIt() throws {
        let (_, early) = try made(3, in: home)
        let last = try made(7, in: home).last
        try #require(made(20, in: elsewhere.home, restoring: early).last > last)
        let log = try EventLog(home: elsewhere.home)
        _ = try log.archive(beforeMicroseconds: .max, to: elsewhere.home.path + "/old.db", by: .ann)
        try log.given(.stop)
        let copy = elsewhere.home.path + "/fork.db"
        _ = try log.backUp(to: copy)
        try log.queue.close()
        try put(copy)
        let words = try #require(refusal())
        #expect(words.contains("are archived, and event \(last) was the last acknowledged here"), "\(words)")
    }

    /// Branches that begin behind the end of an archive, or of what could be saved, are not in it.
    @Test func aLogThatWasRestoredIsArchivedAndRepaired() throws {
        let (first, backup) = try made(3, in: home)
        _ = try made(4, in: home, restoring: backup)
        let second = try made(2, in: home).copy
        let last = try made(4, in: home, restoring: second).last
        let log = try EventLog(home: home)
        let (early, names) = (home.path + "/early.db", try sources(log))
        let times = try log.auditRows(after: 0).map(\.atMicroseconds)
        let cut = try log.archive(beforeMicroseconds: times[first - 1] + 1, to: early, by: .ann).position
        #expect(LogExamination(path: early).problems == [])
        #expect(try sources(EventLog.reading(file: early)) == Array(names.prefix(cut)))
        #expect(try sources(log) == Array(names.dropFirst(cut)))
        try log.queue.close()

        try temporary.execute(
            "DROP TRIGGER events_are_never_updated; UPDATE events SET actor = 'eve' WHERE position = \(last - 6)")
        _ = try EventLog.repair(home)
        #expect(LogExamination(home: home).problems == [])
        try EventLog(home: home).given(.start)
    }

    /// Also when all of its events were archived since.
    @Test func theEndIsKnownThroughAnArchive() throws {
        let log = try EventLog(home: home)
        try log.given(.start, .takeOver(process: "a"))
        _ = try log.archive(beforeMicroseconds: .max, to: home.path + "/old.db", by: .ann)
        #expect(refusal() == nil)
        try log.given(.stop)
        #expect(refusal() == nil)
    }

    @Test func whatAnEarlierBuildWroteIsRead() throws {
        let log = try EventLog(home: home)
        try log.given(.start)
        let last = try log.lastPosition()
        // Over the longer line of this build.
        let line = String(repeating: " ", count: 20 - String(last).count) + "\(last) \(log.logID)\n"
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: home.commitBell))
        try file.write(contentsOf: Data(line.utf8))
        try file.close()
        #expect(log.bell.witness == CommitBell.Witness(position: last, logID: log.logID, digest: nil))
        try EventLog(home: home).given(.stop)
        #expect(log.bell.witness?.digest != nil)
    }

    // What events are called elsewhere.

    private func sources(_ log: EventLog) throws -> [String] {
        try log.auditRows(after: 0).map { log.source.name(ofEventAt: $0.position, of: $0.controller) }
    }

    @Test func noTwoEventsHaveOneName() throws {
        let (first, backup) = try made(3, in: home)
        _ = try made(4, in: home)
        let before = try EventLog(home: home)
        let names = try sources(before)
        #expect(Set(names) == ["/dwell/\(before.logID)/controllers/dev"])
        try before.queue.close()

        _ = try PreparedRestore(home, from: backup).takePlace()
        _ = try made(4, in: home)
        let after = try EventLog(home: home)
        let others = try sources(after)
        #expect(others.prefix(first) == names.prefix(first), "what was there is called what it was")
        #expect(Set(others.dropFirst(first)).count == 1)
        let branch = try #require(others.last)
        #expect(branch.wholeMatch(of: /\/dwell\/[0-9a-f]{16}\.[0-9a-f]{8}\/controllers\/dev/) != nil, "\(branch)")

        // Kept by backups, archives and repairs.
        let archive = home.path + "/old.db"
        _ = try after.archive(beforeMicroseconds: .max, to: archive, by: .ann)
        #expect(try sources(EventLog.reading(file: archive)) == others)
        try after.queue.close()
        _ = try EventLog.repair(home)
        let repaired = try EventLog(home: home)
        let last = try repaired.lastPosition()
        #expect(repaired.source.name(ofEventAt: last, of: "dev") == branch)
        #expect(repaired.source.name(ofEventAt: last + 1, of: "dev") != branch)
        #expect(try repaired.metaProblems() == [])
        try temporary.execute("UPDATE meta SET value = value || 'x' WHERE key = 'branches'")
        #expect(try repaired.metaProblems().first?.hasPrefix("meta: branches") == true)
    }

    /// A process that opens a log has a WAL: when there is none, what it would write goes to a file that nobody finds.
    @Test func aWALThatIsGoneWhenItIsLookedAtFirstIsNoticed() throws {
        let log = try EventLog(home: home)
        try log.given(.start)
        #expect(throws: Never.self) { try OpenFiles(home.database, isWritten: true) }
        unlink(home.database + "-wal")
        let failure = #expect(throws: LogFailure.self) { try OpenFiles(home.database, isWritten: true) }
        #expect(failure == .replaced(path: home.database))
        #expect(throws: Never.self, "who only reads may find none") { try OpenFiles(home.database, isWritten: false) }
    }

    /// The log's file may be a link to another disk, with its WAL beside it there.
    @Test func aWALThatIsRemovedElsewhereIsNoticed() throws {
        let folder = home.path + "-disk"
        for path in [home.path, folder] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        defer { try? FileManager.default.removeItem(atPath: folder) }
        symlink(folder + "/log", home.database)
        let log = try EventLog(home: home)
        try log.given(.start)
        try #require(unlink(folder + "/log-wal") == 0)
        let failure = #expect(throws: SubmitError.self) { try log.given(.stop) }
        #expect(failure?.description.contains("was moved, removed or replaced") == true)
    }
}

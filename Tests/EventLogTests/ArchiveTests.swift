import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// Events that are moved into files of their own are all there, and what remains says what it said before.
@Suite struct ArchiveTests {
    private static let begin: Int64 = 1_700_000_000_000_000
    private let temporary = TemporaryHome()
    private let whole = TemporaryHome()

    private func path(_ name: String) -> String { temporary.home.path + "/\(name).db" }

    /// Wall time of the event at a position.
    private func time(_ position: Int, _ log: EventLog) throws -> Int64 {
        try #require(try log.time(atPosition: position))
    }

    private func rows(_ log: EventLog) throws -> [Row] {
        try log.queue.read { try Row.fetchAll($0, sql: "SELECT * FROM events ORDER BY position") }
    }

    /// One history, written to a log that is archived twice on the way and to one that never is.
    @Test func anArchivedLogGoesOnAsIfItWereWhole() throws {
        let names = [ControllerName.dev, .prod, .batch]
        let (log, other) = (try EventLog(home: temporary.home), try EventLog(home: whole.home))
        var history = MadeUpHistory(seed: 5, controllers: names, beginMicroseconds: Self.begin)
        var unbroken = MadeUpHistory(seed: 5, controllers: names, beginMicroseconds: Self.begin)
        try unbroken.write(3_000, to: other)

        try history.write(1_000, to: log)
        let first = try log.archive(
            beforeMicroseconds: time(700, log), to: path("first"), by: .ann)
        #expect(first.movedEvents == first.position && (1...699).contains(first.position))
        try history.write(2_000, to: log)
        // Everything there is: a log may begin after its last event.
        let second = try log.archive(beforeMicroseconds: .max, to: path("second"), by: .ann)
        #expect(second.remainingEvents == 0 && second.movedEvents == second.position - first.position)
        #expect(try log.lastPosition() == second.position)
        #expect(try log.replay().differences == [])
        try history.write(3_000, to: log)

        let archives = [try EventLog.reading(file: path("first")), try EventLog.reading(file: path("second"))]
        #expect(try rows(archives[0]) + rows(archives[1]) + rows(log) == rows(other), "causes and digests, too")
        for part in archives + [log] {
            #expect(try part.firstBrokenPosition() == nil)
            #expect(try part.replay().differences == [])
            #expect(part.logID == log.logID)
        }
        for (position, name) in [(1, "first"), (first.position, "first"), (first.position + 1, "second")] {
            let failure = #expect(throws: LogFailure.self) { try log.status(atPosition: position, now: Clock.now()) }
            #expect(failure?.description.hasSuffix("--log \(path(name))") == true, "the file that holds it is named")
        }
        #expect(try log.differences(fromArchive: archives[1]) == [])
        #expect(try log.differences(fromArchive: archives[0]).count == 1, "that is what the second goes on from")

        let now = try Clock.now()
        func tables(_ report: StatusReport) -> Set<AnyHashable> {
            Set(report.controllers.map(AnyHashable.init)).union(report.services.map(AnyHashable.init))
                .union(report.replicas.map(AnyHashable.init)).union(report.deadlines.map(AnyHashable.init))
        }
        #expect(try tables(log.status()) == tables(other.status()))
        for position in [second.position, second.position + 1, second.position + 500, try other.lastPosition()] {
            #expect(
                try tables(log.status(atPosition: position, now: now))
                    == tables(other.status(atPosition: position, now: now)))
        }
        // Every moment of the past is in one of the files.
        for position in [first.position, first.position + 10, second.position] {
            #expect(
                try tables(archives[1].status(atPosition: position, now: now))
                    == tables(other.status(atPosition: position, now: now)))
        }
        // Opened by another process, without what this one keeps in memory.
        #expect(try EventLog(home: temporary.home).state(of: .dev) == other.state(of: .dev))
        _ = try log.rebuild()
        #expect(try tables(log.status()) == tables(other.status()))
    }

    @Test func whatLiesInAnArchiveIsAskedThere() throws {
        let log = try EventLog(home: temporary.home)
        var history = MadeUpHistory(seed: 2, controllers: [.dev], beginMicroseconds: Self.begin)
        try history.write(300, to: log)
        let cut = try log.archive(beforeMicroseconds: time(200, log), to: path("old"), by: .ann).position
        let failure = #expect(throws: LogFailure.self) { try log.time(atPosition: cut - 1) }
        #expect(failure?.description.contains("--log \(path("old"))") == true)
        #expect(throws: LogFailure.self) { try log.status(atPosition: cut - 1, now: Clock.now()) }
        #expect(throws: LogFailure.self) { try log.state(of: .dev, atPosition: cut - 1) }
        #expect(throws: LogFailure.self) { try log.position(atMicroseconds: Self.begin - 1) }
        #expect(try log.position(atMicroseconds: time(cut, log)) == cut)
        #expect(try log.start().position == cut)
        #expect(try log.bases().values.map(\.version) == [cut])
    }

    @Test func aCommandOfTheArchiveIsNotCarriedOutAgain() throws {
        let log = try EventLog(home: temporary.home)
        try log.submit(.start, to: .dev, by: .ann, commandID: "a")
        try log.submit(.stop, to: .dev, by: .ann, commandID: "b")
        try log.submit(.stopFinished, to: .dev, by: .ann)
        _ = try log.archive(beforeMicroseconds: .max, to: path("old"), by: .ann)
        let repeated = try log.submit(.start, to: .dev, by: .ann, commandID: "a")
        #expect(repeated.isRepeated && repeated.events.isEmpty, "law L6")
        #expect(try log.submit(.start, to: .dev, by: .ann, commandID: "c").events.first?.position == 4)
    }

    @Test func nothingIsArchivedWhenItCannotBe() throws {
        let log = try EventLog(home: temporary.home)
        #expect(throws: LogFailure.nothingToArchive(first: nil)) {
            try log.archive(beforeMicroseconds: .max, to: path("old"), by: .ann)
        }
        try log.given(.start, .takeOver(process: "a"), .up(.api))
        #expect(throws: LogFailure.self) { try log.archive(beforeMicroseconds: 1, to: path("old"), by: .ann) }
        try Data("mine".utf8).write(to: URL(fileURLWithPath: path("old")))
        let failure = #expect(throws: LogFailure.self) {
            try log.archive(beforeMicroseconds: .max, to: path("old"), by: .ann)
        }
        #expect(failure?.description.contains("exists already") == true)
        #expect(try String(contentsOfFile: path("old"), encoding: .utf8) == "mine")
        #expect(throws: LogFailure.self) {
            try log.archive(beforeMicroseconds: .max, to: path("none/old"), by: .ann)
        }
        #expect(try log.events(after: 0).count > 3)
        #expect(try log.start() == LogStart.none)
        let left = try FileManager.default.contentsOfDirectory(atPath: temporary.home.path)
        #expect(left.filter { $0.contains("unfinished") } == [])
    }

    /// Whoever is to be told of what happens is told, however late.
    @Test func whatSomebodyIsStillToBeToldOfRemains() throws {
        let log = try EventLog(home: temporary.home)
        let receiver = NoticeReceiver(
            name: "pager", label: "pager", way: .url("http://127.0.0.1:1/x"),
            selection: NoticeSelection(types: [.controllerStarted]))
        try log.setNoticeReceivers([receiver])
        try log.given(.start, .takeOver(process: "a"), .up(.api))
        #expect(throws: LogFailure.undelivered(position: 2, receiver: "pager")) {
            try log.archive(beforeMicroseconds: .max, to: path("old"), by: .ann)
        }
        #expect(try log.start() == .none)
        try log.noticeDelivered(to: EventLog.noticeKey(receiver), position: 2)
        #expect(try log.archive(beforeMicroseconds: .max, to: path("old"), by: .ann).movedEvents > 3)
    }

    /// The schema lets nothing go that is not archived, and what an archive left behind is not to be changed.
    @Test func tamperingIsRefusedOrFound() throws {
        let log = try EventLog(home: temporary.home)
        var history = MadeUpHistory(seed: 3, controllers: [.dev, .prod], beginMicroseconds: Self.begin)
        try history.write(400, to: log)
        let cut = try log.archive(beforeMicroseconds: time(300, log), to: path("old"), by: .ann).position
        for sql in [
            "DELETE FROM events", "DELETE FROM events WHERE position = \(cut + 1)", "DELETE FROM archives",
            "UPDATE archives SET position = position + 1", "UPDATE events SET actor = 'x'",
        ] {
            #expect(throws: DatabaseError.self, "\(sql)") { try temporary.execute(sql) }
        }
        #expect(try log.firstBrokenPosition() == nil)
        let archive = try EventLog.reading(file: path("old"))
        try temporary.execute(
            "UPDATE bases SET state = json_set(state, '$.incarnation', 99) WHERE stream = 'dev'")
        #expect(try log.differences(fromArchive: archive).count == 1)
        // As if more were archived than was.
        try temporary.execute(
            "INSERT INTO archives SELECT position, digest, at_us, 'x', 0, 'eve' FROM events WHERE position = \(cut + 5)"
        )
        try temporary.execute("DELETE FROM events WHERE position <= \(cut + 5)")
        #expect(try !log.replay().differences.isEmpty)
        #expect(try log.differences(fromArchive: archive).count == 1)
    }

    /// Snapshots that lie before the cut are of no use after it.
    @Test func aSnapshotFromBeforeTheCutIsNotUsed() throws {
        let (log, other) = (try EventLog(home: temporary.home), try EventLog(home: whole.home))
        var history = MadeUpHistory(seed: 8, controllers: [.dev], beginMicroseconds: Self.begin)
        var unbroken = MadeUpHistory(seed: 8, controllers: [.dev], beginMicroseconds: Self.begin)
        try unbroken.write(1_000, to: other)
        for count in [200, 300, 333, 400, 640, 700] {
            try history.write(count, to: log)
            _ = try log.archive(beforeMicroseconds: .max, to: path("to\(count)"), by: .ann)
            // Another process, which has nothing in memory.
            let fresh = try EventLog(home: temporary.home)
            #expect(try fresh.state(of: .dev) == log.replayedState(of: .dev))
            #expect(try fresh.replay().differences == [])
            _ = try fresh.rebuild()
        }
        let fresh = try EventLog(home: temporary.home)
        var goesOn = history
        try goesOn.write(1_000, to: fresh)
        #expect(try fresh.state(of: .dev) == other.state(of: .dev))
        #expect(try fresh.replay().differences == [])
    }

    /// Law L1: what a disk does in the moment that events are taken out of the log, they are somewhere.
    @Test func theFileStaysWhenTheEventsCouldNotBeTakenOut() throws {
        let log = try EventLog(home: temporary.home)
        var history = MadeUpHistory(seed: 9, controllers: [.dev], beginMicroseconds: Self.begin)
        try history.write(200, to: log)
        let before = try rows(log)
        try temporary.execute("CREATE TRIGGER broken BEFORE INSERT ON bases BEGIN SELECT RAISE(FAIL, 'no'); END")
        #expect(throws: LogFailure.self) { try log.archive(beforeMicroseconds: .max, to: path("old"), by: .ann) }
        #expect(try rows(log) == before, "nothing was taken out")
        #expect(try rows(EventLog.reading(file: path("old"))) == before)
        try temporary.execute("DROP TRIGGER broken")
        #expect(try log.replay().differences == [])
        #expect(try log.archive(beforeMicroseconds: .max, to: path("again"), by: .ann).movedEvents == before.count)
    }

    @Test func anArchiveIsNotRestored() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start, .takeOver(process: "a"), .up(.api))
        _ = try log.archive(beforeMicroseconds: .max, to: path("old"), by: .ann)
        let failure = #expect(throws: LogFailure.self) { try PreparedRestore(whole.home, from: path("old")) }
        #expect(failure?.description.contains("is an archive and no backup") == true)
        #expect(!FileManager.default.fileExists(atPath: whole.home.database))
    }

    /// How long starts took is known after they were archived, as long as the file is where it was written.
    @Test func howLongArchivedStartsTookIsRead() throws {
        let log = try EventLog(home: temporary.home)
        var history = MadeUpHistory(seed: 4, controllers: [.dev, .prod], beginMicroseconds: Self.begin)
        try history.write(3_000, to: log)
        let before = try log.startsMicroseconds()
        #expect(before[.dev]?.isEmpty == false && before[.prod]?.isEmpty == false)
        for (position, name) in [(1_000, "old"), (2_000, "newer")] {
            _ = try log.archive(beforeMicroseconds: time(position, log), to: path(name), by: .ann)
        }
        let archived = try log.archivedStartsMicroseconds()
        #expect(archived.notThere == [])
        #expect(archived.starts.merging(try log.startsMicroseconds()) { $0 + $1 } == before)
        unlink(path("old"))
        #expect(try log.archivedStartsMicroseconds().notThere == [path("old")])
        // Somebody else's log under that name is not taken for it.
        let other = try EventLog(home: whole.home)
        try other.given(.start)
        _ = try other.backUp(to: path("old"))
        #expect(try log.archivedStartsMicroseconds().notThere == [path("old")])
    }

    @Test func aChangedBaseIsFoundByAReplay() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start, .takeOver(process: "a"), .up(.api))
        _ = try log.archive(beforeMicroseconds: .max, to: path("old"), by: .ann)
        #expect(try log.replay().differences == [])
        try temporary.execute("UPDATE bases SET state = json_set(state, '$.incarnation', 99)")
        #expect(try !log.replay().differences.isEmpty)
        #expect(!LogExamination(path: temporary.home.database).isWhole)
    }

    @Test func aRepairKeepsWhereTheLogBegins() throws {
        do {
            let log = try EventLog(home: temporary.home)
            var history = MadeUpHistory(seed: 4, controllers: [.dev], beginMicroseconds: Self.begin)
            try history.write(300, to: log)
            try log.setNoticeReceivers([
                NoticeReceiver(
                    name: "pager", label: "pager", way: .url("http://127.0.0.1:1/x"),
                    selection: NoticeSelection(types: [.controllerStarted]))
            ])
            _ = try log.archive(beforeMicroseconds: time(150, log), to: path("old"), by: .ann)
        }
        let before = try EventLog(home: temporary.home).start()
        let last = try EventLog(home: temporary.home).lastPosition()
        let receivers = try EventLog(home: temporary.home).noticeReceivers()
        try temporary.execute("UPDATE deadlines SET due_at_us = 1; DELETE FROM controllers")
        let report = try EventLog.repair(temporary.home)
        #expect(report.firstLoss == nil && report.savedEvents == last - before.position)
        #expect(report.lastPosition == last)
        let log = try EventLog(home: temporary.home)
        #expect(try log.start() == before)
        #expect(try log.noticeReceivers() == receivers, "nobody is told again of what was told")
        #expect(try log.replay().differences == [])
        #expect(try log.differences(fromArchive: EventLog.reading(file: path("old"))) == [])
    }

    /// Others write all the while; nothing that was acknowledged is lost, and nothing is twice.
    @Test func othersWriteMeanwhile() async throws {
        let log = try EventLog(home: temporary.home)
        var history = MadeUpHistory(seed: 6, controllers: [.dev], beginMicroseconds: Self.begin)
        try history.write(1_000, to: log)
        let home = temporary.home
        let acknowledged = try await withThrowingTaskGroup(of: [Int].self) { group in
            for controller in [ControllerName.prod, .batch] {
                group.addTask {
                    let own = try EventLog(home: home)
                    return try (1...60).flatMap { _ in
                        try own.submit(.start, to: controller, by: .ann).events.map(\.position)
                            + own.submit(.stop, to: controller, by: .ann).events.map(\.position)
                            + own.submit(.stopFinished, to: controller, by: .ann).events.map(\.position)
                    }
                }
            }
            for part in 1...3 {
                _ = try log.archive(
                    beforeMicroseconds: time(part * 250, log), to: path("part\(part)"), by: .ann)
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        let last = try EventLog.reading(file: path("part3"))
        #expect(try log.differences(fromArchive: last) == [])
        let remaining = Set(try log.events(after: 0).map(\.position))
        #expect(acknowledged.allSatisfy(remaining.contains))
        #expect(acknowledged.count == Set(acknowledged).count)
        #expect(try log.firstBrokenPosition() == nil)
        #expect(try log.replay().differences == [])
    }

    @Test func theRoomIsGivenBackWhenAskedFor() throws {
        let log = try EventLog(home: temporary.home)
        var history = MadeUpHistory(seed: 7, controllers: [.dev], beginMicroseconds: Self.begin)
        try history.write(2_000, to: log)
        func bytes() throws -> Int {
            try ["", "-wal"].map { temporary.home.database + $0 }.reduce(0) { sum, path in
                sum + (try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0)
            }
        }
        let report = try log.archive(beforeMicroseconds: .max, to: path("old"), by: .ann)
        #expect(report.freeBytes > 100_000)
        let before = try bytes()
        try log.shrink()
        #expect(try bytes() < before - 100_000)
        #expect(try log.replay().differences == [])
        let attributes = try FileManager.default.attributesOfItem(atPath: path("old"))
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }
}

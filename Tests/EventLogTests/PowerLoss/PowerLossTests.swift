import CGatheredWrites
import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// L1 and L2 across a loss of power. The order of writes and syncs of real commands is recorded, and disks are
/// made as a crash could leave them, at every step and with what is not synced there, gone, or there in parts.
/// Every one must open, hold every event that was acknowledged and none that was not submitted, and be
/// what its log says.
///
/// `DWELL_POWER_LOSS=all` tries every step with eight fates (`make power-loss`); without it a sample is tried.
@Suite(.serialized) struct PowerLossTests {
    static let triesAll = ProcessInfo.processInfo.environment["DWELL_POWER_LOSS"] == "all"

    @Test(arguments: triesAll ? Array(1...6) : [1, 2] as [UInt64])
    func whatWasAcknowledgedIsThereWhereverThePowerFails(seed: UInt64) throws {
        let traffic = try Traffic.record(seed: seed, commands: 40)
        let found = try traffic.crash(imagesWanted: Self.triesAll ? .max : 150, seed: seed)
        #expect(found.complaints.isEmpty, "\(found.complaints.prefix(3))")
        #expect(found.images >= 100)
        #expect(found.withLoss > 0, "some images lack what was submitted and not acknowledged")
        print("power loss, seed \(seed): \(found.images) images of \(traffic.recording.steps.count) steps")
    }

    /// That these tests find something: without the sync that follows a commit acknowledged events are lost.
    @Test func withoutTheSyncOfACommitAcknowledgedEventsAreLost() throws {
        let traffic = try Traffic.record(seed: 3, commands: 12, isImpatient: true)
        let found = try traffic.crash(imagesWanted: 60, seed: 3)
        #expect(found.complaints.contains { $0.contains("acknowledged") })
    }

    /// A sync that fails leaves what the kernel takes for written. What is acknowledged after it must not rest on that.
    @Test(arguments: triesAll ? Array(11...16) : [11] as [UInt64])
    func whatIsAcknowledgedAfterASyncThatFailedIsThere(seed: UInt64) throws {
        let traffic = try Traffic.record(seed: seed, commands: 40, failingPercent: 30)
        let found = try traffic.crash(imagesWanted: Self.triesAll ? .max : 150, seed: seed)
        #expect(found.complaints.isEmpty, "\(found.complaints.prefix(3))")
        #expect(traffic.recording.steps.contains { if case .failedSync = $0 { true } else { false } })
    }

    /// What `synchronous=FULL` does not promise: a disk that says it has synced and has not.
    @Test func aDiskThatLiesAboutItsSyncsLosesThem() throws {
        let traffic = try Traffic.record(seed: 4, commands: 12)
        let found = try traffic.crash(imagesWanted: 60, seed: 4, diskLies: true)
        #expect(!found.complaints.isEmpty)
    }
}

/// What a log was asked to do, and what became of it on disk.
private struct Traffic {
    /// The log after one command.
    struct Moment {
        var position = 0
        /// Digest of the last event, and with it the whole log before.
        var digest = Data()
    }

    let recording: Recording
    /// Before the first command, and after each. Marks: `2 n` command n is submitted, `2 n + 1` it was acknowledged.
    let moments: [Moment]

    /// Two programs with connections of their own write by turns; the log is checkpointed while they do, closed,
    /// and opened again. Now and then one commits, and before it has synced the other commits upon that and is told so.
    ///
    /// - Parameters:
    ///   - failingPercent: how many of a hundred commands meet a sync of the WAL that fails.
    ///   - isImpatient: takes a commit for acknowledged that is not synced yet.
    static func record(
        seed: UInt64, commands count: Int, failingPercent: Int = 0, isImpatient: Bool = false
    ) throws -> Traffic {
        let temporary = TemporaryHome()
        let home = temporary.home
        var moments = [Moment()]
        let recording = try Recording.of(home.path) { pen in
            var random = SeededGenerator(seed: seed)
            var commands = RandomCommands(seed: seed)
            var logs: [EventLog] = []
            var number = 1
            var opened = 0
            while number <= count {
                if number >= opened {
                    opened = number + 15
                    for log in logs { try log.queue.close() }
                    logs = try (0..<2).map { _ in try open(home) }
                }
                let first = random.below(2)
                let (log, other) = (logs[first], logs[1 - first])
                let controller = random.pick([ControllerName.dev, .prod])
                let command = commands.next(for: try log.state(of: controller))
                pen.failSyncs(failingPercent > 0 && random.chance(failingPercent) ? 1 + random.below(2) : 0)
                if isImpatient || random.chance(25) {
                    pen.mark(2 * number)
                    try log.queue.writeWithoutTransaction { db in
                        do {
                            try log.transaction.commit(db) {
                                _ = try? log.append(
                                    command, on: log.loadState(of: controller, db), by: .ann, commandID: "c\(number)",
                                    at: Clock.now(), db)
                            }
                        } catch let error as DatabaseError where failingPercent > 0 && error.resultCode == .SQLITE_IOERR
                        {
                            // The head of a new WAL could not be synced, and nothing was written.
                        }
                        moments.append(try moment(db))
                        if isImpatient { pen.mark(2 * number + 1) }
                        let next = commands.next(for: try other.state(of: controller))
                        pen.mark(2 * number + 2)
                        if try other.acknowledges(next, to: controller, commandID: "d\(number)") {
                            pen.mark(2 * number + 3)
                        }
                        try? log.transaction.sync(db)
                    }
                    number += 1
                } else {
                    pen.mark(2 * number)
                    if try log.acknowledges(command, to: controller, commandID: "c\(number)") {
                        pen.mark(2 * number + 1)
                    }
                }
                moments.append(try log.queue.read(moment))
                number += 1
                if random.chance(5) {
                    let mode = random.pick([Database.CheckpointMode.passive, .truncate, .restart])
                    do {
                        try log.queue.writeWithoutTransaction { _ = try $0.checkpoint(mode) }
                    } catch let error as DatabaseError where failingPercent > 0 && error.resultCode == .SQLITE_IOERR {
                        // What is in doubt is not copied into the database.
                    }
                }
            }
            for log in logs { try log.queue.close() }
        }
        return Traffic(recording: recording, moments: moments)
    }

    private static func open(_ home: Home) throws -> EventLog {
        let log = try EventLog(home: home)
        // So small that the log is checkpointed, and its WAL begun again, every few commands.
        try log.queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 60")
            // What is recorded is what the shipped program does only if its writes are gathered here too.
            try db.inTransaction(.immediate) {
                let connection = UnsafeMutableRawPointer(db.sqliteConnection)
                #expect(gathered_writes_begin(connection) == 1)
                gathered_writes_end(connection, 0)
                return .rollback
            }
        }
        return log
    }

    private static func moment(_ db: Database) throws -> Moment {
        let row = try Row.fetchOne(db, sql: "SELECT position, digest FROM events ORDER BY position DESC LIMIT 1")
        return row.map { Moment(position: $0[0], digest: $0[1]) } ?? Moment()
    }

    struct Finding {
        var images = 0
        /// Images that end before what had been submitted, as they may.
        var withLoss = 0
        var complaints: [String] = []
    }

    func crash(imagesWanted: Int, seed: UInt64, diskLies: Bool = false) throws -> Finding {
        var disk = CrashDisk(existing: ["dwell.db": []])
        disk.isLying = diskLies
        var random = SeededGenerator(seed: seed &* 77)
        var finding = Finding()
        var seen: Set<Int> = []
        var submitted = 0
        var acknowledged = 0
        let fates = 8
        let stepCount = recording.steps.count { $0.isOfTheDisk }
        for (index, step) in recording.steps.enumerated() {
            disk.perform(step)
            if case .mark(let number) = step {
                if number.isMultiple(of: 2) { submitted = number / 2 } else { acknowledged = number / 2 }
            }
            for fate in 0..<fates {
                // Half of a sample is drawn from the steps around a sync, where it is decided what is lost.
                let isNearSync = step.isSync || (index + 1 < recording.steps.count && recording.steps[index + 1].isSync)
                let wanted =
                    imagesWanted == .max || random.below(stepCount * fates) < imagesWanted * (isNearSync ? 6 : 1)
                guard wanted else { continue }
                let image: [String: [UInt8]] =
                    switch fate {
                    case 0: disk.image(.everything)
                    case 1: disk.image(.nothing)
                    default: disk.image(.some(seed: random.next()))
                    }
                var hasher = Hasher()
                hasher.combine(image)
                hasher.combine(acknowledged)
                guard seen.insert(hasher.finalize()).inserted else { continue }
                finding.images += 1
                do {
                    let position = try reopen(image, acknowledged: acknowledged, submitted: submitted)
                    if position < moments[submitted < moments.count ? submitted : acknowledged].position {
                        finding.withLoss += 1
                    }
                } catch {
                    finding.complaints.append("step \(index), fate \(fate): \(error)")
                }
            }
        }
        return finding
    }

    struct Complaint: Error, CustomStringConvertible {
        var description: String
    }

    /// Opens the image as the next program would, and looks at all of it.
    private func reopen(_ image: [String: [UInt8]], acknowledged: Int, submitted: Int) throws -> Int {
        let temporary = TemporaryHome()
        let home = temporary.home
        try home.prepare()
        for (name, bytes) in image where !name.hasSuffix("-shm") {
            try Data(bytes).write(to: URL(fileURLWithPath: home.path + "/" + name))
        }
        let log = try EventLog(home: home)
        let position = try log.lastPosition()
        guard position >= moments[acknowledged].position else {
            throw Complaint(description: "\(moments[acknowledged].position) acknowledged, \(position) there")
        }
        guard let moment = moments[...max(acknowledged, submitted)].first(where: { $0.position == position }) else {
            throw Complaint(description: "\(position) is between two commands")
        }
        let digest = try log.queue.read {
            try Data.fetchOne($0, sql: "SELECT digest FROM events WHERE position = ?", arguments: [position]) ?? Data()
        }
        guard digest == moment.digest else { throw Complaint(description: "another log up to \(position)") }
        let integrity = try log.queue.read { try String.fetchAll($0, sql: "PRAGMA integrity_check") }
        guard integrity == ["ok"] else { throw Complaint(description: "integrity: \(integrity)") }
        guard try log.firstBrokenPosition() == nil else { throw Complaint(description: "the chain is broken") }
        for controller in [ControllerName.dev, .prod] {
            guard try log.differences(of: controller).isEmpty else { throw Complaint(description: "L2") }
            guard try log.state(of: controller) == log.foldedState(of: controller) else {
                throw Complaint(description: "L2, past the snapshot")
            }
        }
        // And it can be gone on with.
        _ = try? log.submit(.start, to: .batch, by: .ann)
        guard try log.lastPosition() == position + 1 else { throw Complaint(description: "it takes no more events") }
        try log.queue.close()
        return position
    }
}

extension EventLog {
    /// Whether what came of it is on disk. What is rejected changes nothing, and that is acknowledged too.
    fileprivate func acknowledges(_ command: Command, to controller: ControllerName, commandID: String) throws -> Bool {
        do {
            try submit(command, to: controller, by: .ann, commandID: commandID)
            return true
        } catch SubmitError.rejected {
            return true
        } catch SubmitError.failed(.unsynced), SubmitError.failed(.inputOutput) {
            return false
        }
    }
}

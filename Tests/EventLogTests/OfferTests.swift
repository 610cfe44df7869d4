import CLinux
import Foundation
import GRDB
import Lifecycle
import Synchronization
import TestKit
import Testing

@testable import EventLog

/// What those who stand in the line of writers do for one another.
@Suite struct OfferTests {
    private let temporary = TemporaryHome()
    private let log: EventLog
    private let board: OfferBoard

    init() throws {
        log = try EventLog(home: temporary.home, busyTimeoutSeconds: 60, turnPatienceMilliseconds: 1_200_000)
        board = OfferBoard(descriptor: open(temporary.home.writersTurn, O_RDWR | O_CREAT | O_CLOEXEC, 0o600))
    }

    /// Those who stand behind one who does not write.
    private final class Line: Sendable {
        private let first: WritersTurn
        private let outcomes = Mutex<[Int: Result<Receipt, SubmitError>]>([:])
        let logs: [EventLog]

        init(_ home: Home, _ count: Int, busyTimeoutSeconds: Double = 60) throws {
            // On a machine on which many tests run nobody is to go on before all have come.
            first = WritersTurn(path: home.writersTurn, patienceMilliseconds: 1_200_000)
            logs = try (0..<count).map { _ in
                try EventLog(home: home, busyTimeoutSeconds: busyTimeoutSeconds, turnPatienceMilliseconds: 1_200_000)
            }
            first.take()
        }

        /// One with this number, on a thread of its own.
        func join(_ index: Int, _ command: Command, _ controller: ControllerName, id: String? = nil) {
            let log = logs[index]
            Thread.detachNewThread { [self] in
                let outcome = Result { () throws(SubmitError) in
                    try log.submit(command, to: controller, by: .ann, commandID: id)
                }
                outcomes.withLock { $0[index] = outcome }
            }
        }

        func goOn() { first.giveBack() }

        func outcome(_ index: Int) -> Result<Receipt, SubmitError>? { outcomes.withLock { $0[index] } }

        /// Changes that the connection of one has made to the database. Not while it stands in the line.
        func changes(_ index: Int) -> Int {
            logs[index].queue.writeWithoutTransaction { $0.totalChangesCount }
        }
    }

    private var lastNumber: Int64 {
        var number: Int64 = 0
        return pread(board.descriptor, &number, 8, 0) == 8 ? number : 0
    }

    /// Joins the line, and has its offer there when this returns.
    private func join(_ line: Line, _ index: Int, _ command: Command, _ controller: ControllerName) async throws {
        let number = lastNumber + 1
        line.join(index, command, controller)
        try await eventually("it has offered") { board.offer(number: number) != nil }
    }

    private func names(_ count: Int) -> [ControllerName] { (0..<count).map { .sample("c\($0)") } }

    private func receipt(_ line: Line, _ index: Int) async throws -> Receipt {
        try await eventually("it is told") { line.outcome(index) != nil }
        return try #require(line.outcome(index)).get()
    }

    /// Past the line.
    private func inTransaction<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try log.queue.write(body)
    }

    private func check(_ controllers: [ControllerName]) throws {
        for controller in controllers {
            #expect(try log.state(of: controller) == log.foldedState(of: controller))
            #expect(try log.differences(of: controller) == [])
        }
        #expect(try log.firstBrokenPosition() == nil)
    }

    @Test func whoHasTheTurnWritesForThoseWhoWait() async throws {
        let controllers = names(6)
        for controller in controllers { try log.given(.start, .takeOver(process: "a"), controller: controller) }
        let line = try Line(temporary.home, 6)
        let before = (0..<6).map(line.changes)
        for (index, controller) in controllers.enumerated() {
            try await join(line, index, .setAutostop(.byHand(seconds: 60 + Double(index))), controller)
        }
        let last = try log.lastPosition()
        line.goOn()
        var events: [RecordedEvent] = []
        for index in 0..<6 {
            let receipt = try await receipt(line, index)
            #expect(receipt.state == (try log.state(of: controllers[index])))
            #expect(!receipt.isRepeated)
            #expect(!receipt.events.isEmpty)
            events += receipt.events
        }
        #expect(events == (try log.events(after: last)))
        #expect(events.map(\.position) == Array(last + 1...last + events.count))
        // Only the first has written.
        #expect((0..<6).map { line.changes($0) > before[$0] } == [true, false, false, false, false, false])
        try check(controllers)
        // And what it knows of the state is what it goes on with.
        for (index, controller) in controllers.enumerated() {
            #expect(try line.logs[index].submit(.stop, to: controller, by: .ann).events.count >= 1)
        }
        try check(controllers)
    }

    /// What was decided on what is no longer so is decided anew.
    @Test func anOfferIsWrittenOnWhatItWasDecidedOn() async throws {
        try log.given(.start, .takeOver(process: "a"))
        let line = try Line(temporary.home, 3)
        try await join(line, 0, .setAutostop(.byHand(seconds: 60)), .dev)
        try await join(line, 1, .setAutostop(.byHand(seconds: 70)), .dev)
        try await join(line, 2, .stop, .dev)
        line.goOn()
        #expect(try await !receipt(line, 0).events.isEmpty)
        #expect(try await receipt(line, 1).state.policy.idleTimeoutSeconds == 70)
        #expect(try await receipt(line, 2).state.status == .stopping)
        try check([.dev])
    }

    /// Whoever wrote it was killed before it could say so.
    @Test func whatIsThereIsNotWrittenAgain() async throws {
        try log.given(.start, .takeOver(process: "a"))
        let line = try Line(temporary.home, 1)
        try await join(line, 0, .setAutostop(.byHand(seconds: 60)), .dev)
        let number = lastNumber
        let answer = try inTransaction { try log.write([try #require(board.offer(number: number)).bytes], $0)[0] }
        let first = try #require(answer?.firstPosition)
        line.goOn()
        let receipt = try await receipt(line, 0)
        #expect(receipt.events == (try log.events(after: first - 1)))
        #expect(!receipt.isRepeated)
        #expect(receipt.state == (try log.state(of: .dev)))
        try check([.dev])
    }

    /// Whoever had the turn was killed while it wrote: nothing of it stays, and the next writes.
    @Test func whoeverIsKilledHasWrittenNothing() async throws {
        try log.given(.start, .takeOver(process: "a"))
        let line = try Line(temporary.home, 1)
        try await join(line, 0, .setAutostop(.byHand(seconds: 60)), .dev)
        let number = lastNumber
        struct Killed: Error {}
        let last = try log.lastPosition()
        #expect(throws: Killed.self) {
            try inTransaction { db in
                let offer = try #require(board.offer(number: number))
                #expect(try log.write([offer.bytes], db)[0] != nil)
                throw Killed()
            }
        }
        line.goOn()
        let events = try await receipt(line, 0).events
        #expect(events == (try log.events(after: last)))
        try check([.dev])
    }

    /// A row that somebody removed by hand is written whole by whoever knows it, and others are not held up by it.
    @Test func anOfferThatCannotBeWrittenKeepsNobodyFromWriting() async throws {
        let controllers = names(3)
        for controller in controllers { try log.given(.start, .takeOver(process: "a"), controller: controller) }
        let line = try Line(temporary.home, 3)
        let last = try log.lastPosition()
        try temporary.execute("DELETE FROM controllers WHERE name = 'c1'")
        for (index, controller) in controllers.enumerated() {
            try await join(line, index, .setAutostop(.byHand(seconds: 60)), controller)
        }
        line.goOn()
        var events: [RecordedEvent] = []
        for index in 0..<3 { events += try await receipt(line, index).events }
        #expect(Set(events.map(\.controller)) == Set(controllers))
        #expect(events.sorted { $0.position < $1.position } == (try log.events(after: last)))
        try check(controllers)
    }

    /// Before it was written it was accepted, under its id, by somebody whom it led to nothing.
    @Test func anIDThatWasUsedMeanwhileIsNotUsedAgain() throws {
        try log.given(.start, .takeOver(process: "a"))
        let last = try log.lastPosition()
        let submission = Submission(.setAutostop(.byHand(seconds: 60)), commandID: "x")
        let offer = try #require(
            try log.queue.readAtOneMoment { try log.offer(submission, to: .dev, by: .ann, $0) })
        #expect(try log.submit(.start, to: .dev, by: .ann, commandID: "x").events.isEmpty)
        #expect(try inTransaction { try log.write([offer.bytes], $0) } == [nil])
        #expect(try log.lastPosition() == last)
    }

    /// All were stopped, or a clock was set: what was decided then is not of now.
    @Test func whatIsOldIsDecidedAnew() throws {
        try log.given(.start, .takeOver(process: "a"))
        let impatient = try EventLog(home: temporary.home, busyTimeoutSeconds: 60, turnPatienceMilliseconds: -4_000)
        let offer = try #require(
            try log.queue.readAtOneMoment {
                try log.offer(Submission(.setAutostop(.byHand(seconds: 60))), to: .dev, by: .ann, $0)
            })
        #expect(try impatient.queue.write { try impatient.write([offer.bytes], $0) } == [nil])
        #expect(try inTransaction { try log.write([offer.bytes], $0) } != [nil])
    }

    /// It was written, whoever wrote it was killed, and then it was archived.
    @Test func whatIsArchivedMayBeIt() throws {
        try log.given(.start, .takeOver(process: "a"))
        let offer = try #require(
            try log.queue.readAtOneMoment { try log.offer(Submission(.stop), to: .dev, by: .ann, $0) })
        #expect(try inTransaction { try log.write([offer.bytes], $0) } != [nil])
        try log.given(.start)
        try inTransaction {
            try $0.execute(sql: "DROP TRIGGER events_are_never_deleted")
            try $0.execute(sql: "DELETE FROM events WHERE version = ?", arguments: [offer.head.version + 1])
        }
        #expect(throws: LogFailure.perhapsRecorded(because: .archivedMeanwhile)) {
            try log.queue.readAtOneMoment { try log.answer(to: offer, $0) }
        }
    }

    /// What was written is in a file that is not there any more.
    @Test func whatIsGoneIsToldToNobody() throws {
        try log.given(.start)
        let (path, away) = (temporary.home.database, temporary.home.database + ".away")
        let told = Mutex(false)
        #expect(throws: LogFailure.replaced(path: path)) {
            try log.writing(offering: { _ in nil }, telling: { _, _ in told.withLock { $0 = true } }) { _ in
                try FileManager.default.moveItem(atPath: path, toPath: away)
            }
        }
        #expect(!told.withLock { $0 })
    }

    /// Nobody tells whether it was written: whoever has it may be stopped.
    @Test func whoCannotLookIsNotToldThatNothingWasChanged() async throws {
        try log.given(.start, .takeOver(process: "a"))
        let line = try Line(temporary.home, 1, busyTimeoutSeconds: 0.2)
        try await join(line, 0, .setAutostop(.byHand(seconds: 60)), .dev)
        let shell = try temporary.shell()
        try await shell.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        line.goOn()
        try await eventually("it is told") { line.outcome(0) != nil }
        try await shell.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        let failure = #expect(throws: SubmitError.self) { try line.outcome(0)?.get() }
        guard case .failed(.perhapsRecorded(because: .busy(temporary.home.database))) = failure else {
            return #expect(Bool(false), "\(String(describing: failure))")
        }
    }

    /// Also those who offer nothing, or are told no, come to their turn; and those behind them.
    @Test func othersComeInBetween() async throws {
        let controllers = names(5)
        for controller in controllers { try log.given(.start, .takeOver(process: "a"), controller: controller) }
        let line = try Line(temporary.home, 5)
        try await join(line, 0, .setAutostop(.byHand(seconds: 60)), controllers[0])
        for (index, command) in [(1, Command.up(.api)), (2, .down([.chat])), (3, .stop)] {
            let number = lastNumber
            line.join(index, command, controllers[index])
            try await eventually("it has its number") { lastNumber > number }
        }
        try await join(line, 4, .stop, controllers[4])
        line.goOn()
        for index in [0, 1, 3, 4] { #expect(try await !receipt(line, index).events.isEmpty) }
        try await eventually("it is told no") { line.outcome(2) != nil }
        #expect(throws: SubmitError.self) { try line.outcome(2)?.get() }
        try check(controllers)
    }

    /// An offer of one that has gone is nobody's.
    @Test func whoHasGoneWantsNothing() async throws {
        try log.given(.start, .takeOver(process: "a"))
        let line = try Line(temporary.home, 1)
        try await join(line, 0, .setAutostop(.byHand(seconds: 60)), .dev)
        let number = lastNumber
        // Its place is looked at with its own eyes, for which it is not held by another.
        #expect(board.offer(number: number + 1) == nil && board.offer(number: number - 1) == nil)
        line.goOn()
        _ = try await receipt(line, 0)
        #expect(board.offer(number: number) == nil)
    }

    /// Many at once, of whom none is lost, none is written twice, and each is told what is so.
    @Test(arguments: [3, 12])
    func manyAtOnce(_ count: Int) async throws {
        let controllers = names(4)
        for controller in controllers { try log.given(.start, .takeOver(process: "a"), controller: controller) }
        let (home, last) = (temporary.home, try log.lastPosition())
        let told = try await onThreads(count) { thread in
            let log = try EventLog(home: home, busyTimeoutSeconds: 60)
            var events: [RecordedEvent] = []
            for number in 0..<40 {
                let policy = AutostopPolicy.byHand(seconds: Double(thread * 1_000 + number))
                let receipt = try log.submit(
                    .setAutostop(policy), to: controllers[(thread + number / 10) % 4], by: .ann,
                    commandID: "\(thread)-\(number)")
                events += receipt.events
            }
            return events
        }.flatMap(\.self).sorted { $0.position < $1.position }
        #expect(Set(told.compactMap(\.commandID)).count == count * 40)
        #expect(told == (try log.events(after: last)))
        try check(controllers)
    }
}

import CLinux
import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// What an offer says is what its command leads to, and whatever else is in its place does no harm.
@Suite struct OfferBytesTests {
    private let temporary = TemporaryHome()

    /// To which no offer is old, on whatever machine.
    private func patientLog() throws -> EventLog {
        try EventLog(home: temporary.home, busyTimeoutSeconds: 60, turnPatienceMilliseconds: 1_200_000)
    }

    /// Every second one of a random history is decided by one process and written by another.
    @Test(arguments: Array(1...6) as [UInt64])
    func itIsWrittenAsWhoDecidedItWould(seed: UInt64) throws {
        let (one, other) = (try patientLog(), try patientLog())
        let controllers: [ControllerName] = [.dev, .prod, .batch]
        var commands = RandomCommands(seed: seed)
        var offered = 0
        for number in 1...250 {
            let controller = commands.random.pick(controllers)
            let submission = Submission(
                commands.next(for: try one.state(of: controller)),
                commandID: commands.random.chance(50) ? "n\(number)" : nil)
            let offer = try? one.queue.readAtOneMoment { try one.offer(submission, to: controller, by: .ann, $0) }
            guard let offer, number.isMultiple(of: 2) else {
                _ = try? one.submit(
                    submission.command, to: controller, by: .ann, commandID: submission.commandID)
                continue
            }
            let before = try one.lastPosition()
            let answer = try #require(
                try other.queue.write { try other.write([offer.bytes], $0)[0] })
            offered += 1
            let receipt = offer.receipt(answer)
            #expect(receipt.events == (try one.events(after: before)))
            #expect(receipt.state == (try other.state(of: controller)))
            #expect(answer == (try one.queue.readAtOneMoment { try one.answer(to: offer, $0) }))
            // A second time it is not what it was decided on.
            #expect(
                try other.queue.write { try other.write([offer.bytes], $0)[0] } == nil)
        }
        #expect(offered > 30)
        for controller in controllers {
            #expect(try one.state(of: controller) == one.foldedState(of: controller))
            #expect(try one.differences(of: controller) == [])
        }
        #expect(try one.firstBrokenPosition() == nil)
    }

    private func sample(_ log: EventLog) throws -> Offer {
        try log.given(.start, .takeOver(process: "a"), .up(.api, replicas: 2), .up(.chat))
        return try #require(
            try log.queue.readAtOneMoment { try log.offer(Submission(.down([.api])), to: .dev, by: .ann, $0) })
    }

    /// Bytes that were changed are written as something else, refused, or undone; they are never the end of the process.
    @Test func changedBytesDoNoHarm() throws {
        let log = try patientLog()
        let bytes = try sample(log).bytes
        var random = SeededGenerator(seed: 7)
        var written = 0
        for round in 0..<3_000 {
            var changed = bytes
            switch round % 3 {
            case 0: changed.removeLast(random.below(bytes.count))
            case 1: changed[random.below(bytes.count)] = UInt8(random.below(256))
            default: for _ in 0..<8 { changed[random.below(bytes.count)] ^= 1 << UInt8(random.below(8)) }
            }
            try log.queue.writeWithoutTransaction { db in
                try db.execute(sql: "BEGIN IMMEDIATE")
                if let answers = try? log.write([changed], db), answers[0] != nil { written += 1 }
                if db.isInsideTransaction { try db.execute(sql: "ROLLBACK") }
            }
        }
        // Most of it is text, which may be another.
        #expect(written > 0 && written < 3_000)
        #expect(try log.differences(of: .dev) == [])
    }

    @Test func aPlaceHoldsWhatWasPutThere() throws {
        _ = try EventLog(home: temporary.home)
        let file = temporary.home.run + "/board"
        let (mine, its) = (open(file, O_RDWR | O_CREAT, 0o600), open(file, O_RDWR))
        defer { close(mine); close(its) }
        let (offers, seen) = (OfferBoard(descriptor: mine), OfferBoard(descriptor: its))
        func found(_ number: Int64) -> [UInt8]? { seen.offer(number: number)?.bytes }
        let turn = Int64(5 * OfferBoard.places + 3)
        let receipt = try #require(offers.post([1, 2, 3], number: turn))
        #expect(found(turn) == nil, "nobody stands there")
        #expect(clinux_lock_byte(mine, turn, 0) == 0)
        #expect(found(turn) == [1, 2, 3])
        #expect(found(turn + OfferBoard.places) == nil && found(turn + 1) == nil)
        offers.withdraw(number: turn)
        #expect(found(turn) == nil)
        #expect(offers.post([UInt8](repeating: 7, count: 8_192), number: turn) == nil)
        let large = [UInt8](repeating: 7, count: 8_192 - 24)
        let other = try #require(offers.post(large, number: turn))
        #expect(found(turn) == large && other != receipt)

        let answer = OfferAnswer(firstPosition: 12, count: 3, digest: Digest(bytes: Data(repeating: 9, count: 32)))
        seen.post(answer, to: try #require(seen.offer(number: turn)))
        #expect(offers.answer(number: turn, to: other) == answer && answer.lastPosition == 14)
        // It is not that of an offer that had the number before.
        #expect(offers.answer(number: turn, to: receipt) == nil)
        #expect(offers.answer(number: turn + OfferBoard.places, to: other) == nil)
        var zero: UInt8 = 0
        #expect(pwrite(mine, &zero, 1, 16_384 + 3 * 8_192 + 5_000) == 1)
        #expect(found(turn) == nil)
        #expect(pwrite(mine, &zero, 1, 4_096 + 3 * 96 + 40) == 1)
        #expect(offers.answer(number: turn, to: other) == nil)
        truncate(file, 0)
        #expect(found(turn) == nil && offers.answer(number: turn, to: other) == nil && offers.writer == nil)
    }
}

import CLinux
import Foundation
import Lifecycle
import Synchronization
import TestKit
import Testing

@testable import EventLog

/// The line in which writers stand.
@Suite struct WritersTurnTests {
    private let temporary = TemporaryHome()
    private let log: EventLog

    init() throws { log = try EventLog(home: temporary.home) }

    /// Who had their turn, in their order.
    private final class Order: Sendable {
        private let numbers = Mutex<[Int]>([])
        var all: [Int] { numbers.withLock { $0 } }
        func add(_ number: Int) { numbers.withLock { $0.append(number) } }
    }

    /// With more patience than a machine needs on which many tests run at once.
    private func turn() -> WritersTurn {
        WritersTurn(path: temporary.home.writersTurn, patienceMilliseconds: 1_200_000)
    }

    /// The number that was taken last.
    private var lastNumber: Int64 {
        get throws {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: temporary.home.writersTurn))
            return bytes.withUnsafeBytes { $0.loadUnaligned(as: Int64.self) }
        }
    }

    /// Comes on a thread of its own, and is in the line when this returns.
    private func come(_ number: Int, _ order: Order) async throws {
        let before = try lastNumber
        let turn = turn()
        Thread.detachNewThread { turn.taken { order.add(number) } }
        try await eventually("it has its number") { try lastNumber > before }
    }

    @Test func theyComeInTheirOrder() async throws {
        let first = turn()
        first.take()
        let order = Order()
        for number in 0..<8 { try await come(number, order) }
        #expect(order.all == [])
        // Comes back at once, and is the last all the same.
        first.giveBack()
        first.taken { order.add(8) }
        #expect(order.all == Array(0...8))
    }

    /// As when its process ends.
    @Test func whoEndsLetsTheNextIn() async throws {
        var gone: WritersTurn? = turn()
        gone?.take()
        let order = Order()
        try await come(1, order)
        #expect(order.all == [])
        gone = nil
        try await eventually("it has its turn") { order.all == [1] }
    }

    /// Whoever is stopped in the line, or holds a lock of it for no reason, must not keep others from SQLite's own.
    @Test(.timeLimit(.minutes(10)), arguments: [WritersTurn.door, 1])
    func whoHoldsTheLineHoldsNobodyUpForLong(_ byte: Int64) throws {
        truncate(temporary.home.writersTurn, 0)
        if byte > WritersTurn.door { turn().taken {} }
        let line = open(temporary.home.writersTurn, O_RDWR | O_CLOEXEC)
        defer { close(line) }
        #expect(clinux_lock_byte(line, byte, 0) == 0)
        #expect(try log.submit(.start, to: .dev, by: .ann).events.count == 1)
        let other = open(temporary.home.writersTurn, O_RDWR | O_CLOEXEC)
        defer { close(other) }
        let atOnce = (clinux_lock_byte(other, byte, 0), errno)
        #expect(atOnce == (-1, EAGAIN))
        let within = (clinux_lock_byte(other, byte, 10), errno)
        #expect(within == (-1, ETIMEDOUT))
        #expect(clinux_unlock_bytes(line, byte, 1) == 0)
        #expect(clinux_lock_byte(other, byte, 10) == 0)
    }

    /// Numbers begin anew, and all goes on.
    @Test(arguments: [
        "", "short", "\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}", String(repeating: "\u{ff}", count: 8),
    ])
    func whateverIsInTheFile(_ text: String) async throws {
        try Data(text.unicodeScalars.map { UInt8($0.value) }).write(
            to: URL(fileURLWithPath: temporary.home.writersTurn))
        let first = turn()
        first.take()
        let order = Order()
        try await come(1, order)
        first.giveBack()
        try await eventually("it has its turn") { order.all == [1] }
    }
}

import CLinux
import Foundation
import Synchronization

/// Where processes that want to write stand in line.
///
/// SQLite has no line: who finds the lock taken sleeps and tries again, up to a tenth of a second at a time, so with
/// many writers the lock is free more often than not while some of them wait for seconds. Here each takes a number, holds
/// the lock of the byte with that number until its turn is over, and waits for the lock of the byte before it. So they
/// come in the order in which they came, the kernel wakes the next and nobody else, and whoever ends lets the next in,
/// however it ends.
///
/// As a line it is a courtesy and holds nothing together: whoever has waited a second for a number, or for its turn, behind
/// one that was stopped or by the fault of a file that cannot be opened, goes on to SQLite's own lock without it.
final class WritersTurn: Sendable {
    /// The byte whose lock is held while a number is taken; numbers begin behind it.
    static let door: Int64 = 0
    /// The locks belong to it, and go with it. -1 where there is none.
    private let descriptor: CInt
    private let board: OfferBoard
    private let patienceMilliseconds: CInt
    /// The number that is held.
    private let number = Mutex<Int64?>(nil)
    /// Whether there are offers to be answered.
    private let isKept = Mutex(false)

    init(path: String, patienceMilliseconds: CInt) {
        descriptor = (try? HomeFile.open(path, O_RDWR | O_CREAT)) ?? -1
        board = OfferBoard(descriptor: descriptor)
        self.patienceMilliseconds = patienceMilliseconds
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Runs `body` when it has its turn, and gives it back.
    func taken<Value>(_ body: () throws -> Value) rethrows -> Value {
        take()
        defer { giveBack() }
        return try body()
    }

    /// How waiting has ended.
    enum Coming {
        /// Nobody in front of it writes any more, or wants to: those who are there still have been answered.
        case hasTurn
        /// What was offered is written; there is nothing left to do but ``giveBack()``.
        case isAnswered(OfferAnswer)
        /// Nobody moves; what was offered is not of this moment any more.
        case hasNoPatience
    }

    /// Waits for its turn. Taken once at a time: the log's queue sees to that.
    ///
    /// - Parameter offering: called when it has to wait: what others may do for it meanwhile.
    @discardableResult
    func take(offering: () -> [UInt8]? = { nil }) -> Coming {
        guard let mine = takeNumber() else { return .hasNoPatience }
        number.withLock { $0 = mine }
        guard mine - 1 > Self.door, clinux_await_byte(descriptor, mine - 1, 0) != 0, board.writer != mine else {
            return .hasTurn
        }
        guard let token = offering().flatMap({ board.post($0, number: mine) }) else { return awaitTurn(mine) }
        // Those whose offers are written together are woken together, by the end of the turn of whoever writes them: from
        // one to the next it would take longer than to write them. One that comes meanwhile is seen in the next turn.
        var coming = Coming.hasTurn
        for _ in 0..<3 {
            guard let writer = board.writer, writer < mine, clinux_is_byte_locked(descriptor, writer) else { break }
            coming = awaitEnd(of: writer)
            if let answer = board.answer(number: mine, to: token) { return .isAnswered(answer) }
            if case .hasNoPatience = coming { break }
        }
        if case .hasTurn = coming { coming = awaitTurn(mine) }
        if let answer = board.answer(number: mine, to: token) { return .isAnswered(answer) }
        board.withdraw(number: mine)
        return coming
    }

    private func awaitTurn(_ mine: Int64) -> Coming { board.writer == mine ? .hasTurn : awaitEnd(of: mine - 1) }

    private func awaitEnd(of number: Int64) -> Coming {
        clinux_await_byte(descriptor, number, patienceMilliseconds) == 0 ? .hasTurn : .hasNoPatience
    }

    /// The numbers of those who wait behind it, as far as they are looked at.
    private var behind: Range<Int64> {
        guard let mine = number.withLock({ $0 }) else { return 0..<0 }
        var last: Int64 = 0
        guard pread(descriptor, &last, 8, 0) == 8, last > mine else { return 0..<0 }
        return mine + 1..<min(last, mine + OfferBoard.places - 1) + 1
    }

    /// What those who wait have offered. If there is anything, those who come from now on wait for the end of this turn, and
    /// ``giveBackEarly()`` does nothing.
    func offers() -> [PostedOffer] {
        let offers = behind.compactMap(board.offer)
        if !offers.isEmpty {
            isKept.withLock { $0 = true }
            number.withLock { if let mine = $0, board.writer != mine { board.setWriter(mine) } }
        }
        return offers
    }

    /// Tells those who wait. Before the turn is given back, for then they look.
    func answer(_ answers: [(offer: PostedOffer, answer: OfferAnswer)]) {
        guard let mine = number.withLock({ $0 }), !answers.isEmpty else { return }
        for (offer, answer) in answers { board.post(answer, to: offer) }
        // Whose turn it is next: for whom those wait who have no answer.
        let answered = Set(answers.map(\.offer.number))
        var next = mine + 1
        while answered.contains(next) { next += 1 }
        board.setWriter(next)
    }

    /// While something is to be written still: unless it is for others too, who are to be told before the next begins.
    func giveBackEarly() {
        if !isKept.withLock({ $0 }) { giveBack() }
    }

    func giveBack() {
        isKept.withLock { $0 = false }
        guard let mine = number.withLock({ $0.take() }) else { return }
        _ = clinux_unlock_bytes(descriptor, mine, 1)
    }

    /// Joins the line at its end, and holds the lock of its number before the next can come to it.
    private func takeNumber() -> Int64? {
        guard descriptor >= 0, clinux_lock_byte(descriptor, Self.door, patienceMilliseconds) == 0 else { return nil }
        defer { _ = clinux_unlock_bytes(descriptor, Self.door, 1) }
        var last: Int64 = 0
        // Whatever is there: a file that was cut short, or that says what nobody wrote, only makes a line of its own.
        _ = pread(descriptor, &last, MemoryLayout.size(ofValue: last), 0)
        var mine = last >= Self.door && last < .max / 2 ? last + 1 : Self.door + 1
        guard pwrite(descriptor, &mine, MemoryLayout.size(ofValue: mine), 0) == MemoryLayout.size(ofValue: mine),
            clinux_lock_byte(descriptor, mine, 0) == 0
        else { return nil }
        return mine
    }
}

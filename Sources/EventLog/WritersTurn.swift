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
/// It is a courtesy and holds nothing together: whoever has waited a second for a number, or for its turn, behind one that was
/// stopped or by the fault of a file that cannot be opened, goes on to SQLite's own lock without it.
final class WritersTurn: Sendable {
    /// The byte whose lock is held while a number is taken; numbers begin behind it.
    static let door: Int64 = 0
    /// The locks belong to it, and go with it. -1 where there is none.
    private let descriptor: CInt
    private let patienceMilliseconds: CInt
    /// The number that is held.
    private let number = Mutex<Int64?>(nil)

    init(path: String, patienceMilliseconds: CInt = 1_000) {
        descriptor = (try? HomeFile.open(path, O_RDWR | O_CREAT)) ?? -1
        self.patienceMilliseconds = patienceMilliseconds
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Runs `body` when it has its turn, and gives it back.
    func taken<Value>(_ body: () throws -> Value) rethrows -> Value {
        take()
        defer { giveBack() }
        return try body()
    }

    /// Waits for its turn. Taken once at a time: the log's queue sees to that.
    func take() {
        guard let mine = takeNumber() else { return }
        number.withLock { $0 = mine }
        guard mine - 1 > Self.door else { return }
        _ = clinux_lock_byte(descriptor, mine - 1, patienceMilliseconds)
    }

    func giveBack() {
        guard let mine = number.withLock({ $0.take() }) else { return }
        _ = clinux_unlock_bytes(descriptor, mine - 1, 2)
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

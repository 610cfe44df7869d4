import CLinux
import Foundation

/// Where processes that want to write stand in line.
///
/// SQLite has no line: who finds the lock taken sleeps and tries again, up to a tenth of a second at a time, so with
/// many writers the lock is free more often than not while some of them wait for seconds. Here they wait in `flock`,
/// and the kernel wakes the next when the one before lets go, however it ends.
///
/// It is a courtesy and holds nothing together: whoever has waited a second, behind one that was stopped or by the
/// fault of a file that cannot be opened, goes on to SQLite's own lock without it.
struct WritersTurn: Sendable {
    private static let patienceMilliseconds: CInt = 1_000
    private let descriptor: Descriptor

    init(path: String) { descriptor = Descriptor(path) }

    /// Runs `body` when it has its turn, and gives it back.
    func taken<Value>(_ body: () throws -> Value) rethrows -> Value {
        take()
        defer { giveBack() }
        return try body()
    }

    /// Waits for its turn. Taken once at a time: the log's queue sees to that.
    func take() {
        if descriptor.raw >= 0 { _ = clinux_flock_within(descriptor.raw, Self.patienceMilliseconds) }
    }

    func giveBack() {
        if descriptor.raw >= 0 { flock(descriptor.raw, LOCK_UN) }
    }

    private final class Descriptor: Sendable {
        let raw: CInt

        init(_ path: String) { raw = (try? HomeFile.open(path, O_RDWR | O_CREAT)) ?? -1 }

        deinit { if raw >= 0 { close(raw) } }
    }
}

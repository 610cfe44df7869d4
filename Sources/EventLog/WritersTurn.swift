import CLinux
import Foundation
import Synchronization

/// Where processes that want to write stand in line.
///
/// SQLite has no line: who finds the lock taken sleeps and tries again, up to a tenth of a second at a time, so with
/// many writers the lock is free more often than not while some of them wait for seconds. Here they wait for a mutex in
/// memory that they share, which the kernel hands to whoever has waited longest when the one before lets go, however
/// it ends.
///
/// It is a courtesy and holds nothing together: whoever has waited a second, behind one that was stopped or by the
/// fault of a file that cannot be mapped, goes on to SQLite's own lock without it, and for a while does not come back.
struct WritersTurn: Sendable {
    private static let patienceMilliseconds: CInt = 1_000
    private static let timeAway = Duration.seconds(30)
    private let line: Line

    init(path: String) { line = Line(path) }

    /// Waits for its turn and runs `body`. Once at a time: the log's queue sees to that.
    func taken<Value>(_ body: () throws -> Value) rethrows -> Value {
        let isTaken = line.take()
        defer { if isTaken { line.giveBack() } }
        return try body()
    }

    private final class Line: Sendable {
        private let address: UInt
        private let awayUntil = Mutex<ContinuousClock.Instant?>(nil)

        init(_ path: String) {
            address = UInt(bitPattern: path.isEmpty ? nil : Clock.bootID.flatMap { clinux_line_open(path, $0) })
        }

        deinit { if let line { clinux_line_close(line) } }

        private var line: OpaquePointer? { OpaquePointer(bitPattern: address) }

        func take() -> Bool {
            guard let line, !isAway else { return false }
            if clinux_line_take(line, patienceMilliseconds) == 0 { return true }
            awayUntil.withLock { $0 = .now + timeAway }
            return false
        }

        private var isAway: Bool {
            awayUntil.withLock { until in
                if let time = until, time <= .now { until = nil }
                return until != nil
            }
        }

        func giveBack() { if let line { clinux_line_give_back(line) } }
    }
}

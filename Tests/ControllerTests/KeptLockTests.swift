import EventLog
import Foundation
import Synchronization
import Testing

@testable import Controller

/// Locks whose files others remove.
@Suite struct KeptLocks {
    private let folder = NSTemporaryDirectory() + "/dwell-lock-" + UUID().uuidString.lowercased()
    private var path: String { folder + "/lock" }

    private func prepare() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    private func remove() { try? FileManager.default.removeItem(atPath: folder) }

    private func kept() throws -> KeptLock {
        guard let lock = try FileLock.attempt(path) else { throw NotFree() }
        return KeptLock(lock, of: path) {}
    }

    private struct NotFree: Error {}

    private func isFree() throws -> Bool {
        guard let lock = try FileLock.attempt(path) else { return false }
        _ = consume lock
        return true
    }

    @Test func aFileThatIsRemovedIsTakenAnew() throws {
        try prepare()
        defer { remove() }
        let lock = try kept()
        #expect(lock.isKept())
        unlink(path)
        #expect(lock.isKept())
        #expect(try !isFree(), "everybody finds the new one taken")
        try FileManager.default.removeItem(atPath: folder)
        #expect(lock.isKept())
        #expect(try !isFree(), "also in a folder that was removed")
        lock.release()
        #expect(try isFree())
    }

    @Test func whatSomebodyElseHasTakenIsLost() throws {
        try prepare()
        defer { remove() }
        let first = try kept()
        unlink(path)
        let second = try kept()
        #expect(!first.isKept())
        #expect(second.isKept())
        second.release()
        #expect(first.isKept(), "nobody has it any more")
    }

    /// Who waited for a file that is not there any more would have a lock that keeps nobody out.
    @Test func whoWaitsGoesOnToTheNewFile() async throws {
        try prepare()
        defer { remove() }
        let (first, path) = (try kept(), path)
        let hasIt = Mutex(false)
        Thread.detachNewThread {
            if let lock = try? FileLock.wait(path) {
                hasIt.withLock { $0 = true }
                _ = consume lock
            }
        }
        try await eventually("one waits") { Self.waiters(for: path) == 1 }
        unlink(path)
        #expect(first.isKept())
        // The old one is free now; the thread has gone on to the new.
        try await eventually("one waits") { Self.waiters(for: path) == 1 }
        #expect(hasIt.withLock { !$0 })
        first.release()
        try await eventually("it has it") { hasIt.withLock { $0 } }
    }

    /// How many wait for a lock on the file, by the kernel's table: `1: -> FLOCK ADVISORY WRITE PID MAJ:MIN:INODE …`.
    private static func waiters(for path: String) -> Int {
        var status = stat()
        guard stat(path, &status) == 0,
            let table = try? String(contentsOfFile: "/proc/locks", encoding: .utf8)
        else { return 0 }
        return table.split(separator: "\n").count { $0.contains("->") && $0.contains(":\(status.st_ino) ") }
    }

    @Test func aPipeInTheirPlaceHoldsNobodyUp() throws {
        try prepare()
        defer { remove() }
        #expect(mkfifo(path, 0o600) == 0)
        #expect(throws: HomeFailure.self) { _ = try FileLock.attempt(path) }
        unlink(path)
        #expect(symlink("/dev/null", path) == 0)
        #expect(throws: HomeFailure.self) { _ = try FileLock.wait(path) }
    }
}

import EventLog
import Foundation

/// A process of a home that is this program itself, of which there is one at a time: whoever holds its lock.
///
/// Whoever wants one takes the lock and hands it over, so that of many who look at once one starts it. It gives the lock
/// up when it is not needed any more.
struct HomeProcess: Sendable {
    var home: Home
    var environment: [String: String]
    /// The command that it is, without the program's name.
    var command: [String]
    /// File that its output is appended to.
    var log: String

    /// Starts it with a lock that it holds from its first moment on.
    @discardableResult
    func start(inheriting lock: borrowing FileLock) throws -> pid_t {
        try home.makeDirectory(URL(fileURLWithPath: log).deletingLastPathComponent().path)
        var environment = environment
        environment["DWELL_HOME"] = home.path
        // No cookie: should dwell itself be run by a replica, what it starts is not to be taken for that one's.
        return try Spawn(
            executable: Spawn.dwell, arguments: ["dwell"] + command + ["--inherited"], environment: environment,
            workingDirectory: "/", log: log, inherited: lock.descriptor.raw
        ).start()
    }

    /// What it does: `work`, which returns when there is nothing left to do, and again should there be something after
    /// all; returns at once when another process has the lock.
    ///
    /// - Parameters:
    ///   - inherited: a descriptor that holds the lock already.
    ///   - isNeeded: whether there is something to do.
    static func hold(
        _ lockPath: String, inherited: CInt?, whileNeeded isNeeded: () throws -> Bool, _ work: () async throws -> Void
    ) async throws {
        var lock =
            try inherited.map { (raw) throws in try FileLock(inherited: raw, of: lockPath) }
            ?? FileLock.attempt(lockPath)
        while let taken = lock.take() {
            // Whoever made the lock's file anew does the same.
            let kept = KeptLock(taken, of: lockPath) { exit(0) }
            try await work()
            kept.release()
            // What came between the last look and letting the lock go found it taken, and relied on it.
            guard try isNeeded() else { return }
            lock = try FileLock.attempt(lockPath)
        }
    }
}

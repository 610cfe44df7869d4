import EventLog
import Foundation
import Lifecycle

/// Sees to it that somebody tells the receivers of `notify` what happens.
///
/// The home has a process of its own for it (``Notifier``), so that no step of a controller waits for a receiver. It lives
/// while a controller needs a process, for then something may happen, and while a receiver has not been told of
/// everything. Whoever ends as the last, a controller's process, its keeper or the timer, looks whether it is there, as
/// every command does.
public struct NoticeLauncher: Sendable {
    let home: Home
    let log: EventLog
    let environment: [String: String]
    /// What `config.yaml` says now.
    ///
    /// - Throws: what is wrong with it, in words.
    let receivers: @Sendable () throws -> [NoticeReceiver]

    public init(
        home: Home, log: EventLog, environment: [String: String],
        receivers: @escaping @Sendable () throws -> [NoticeReceiver]
    ) {
        self.home = home
        self.log = log
        self.environment = environment
        self.receivers = receivers
    }

    /// Held by the process that tells.
    var lockPath: String { home.run + "/notify.lock" }
    var logPath: String { home.logs + "/notify.log" }

    /// Starts the process if there is something to tell, or may be soon, unless it is there.
    ///
    /// - Throws: ``LogFailure``, or what is wrong with `config.yaml`, or why no process could be started.
    public func ensureRunning() throws {
        guard try isNeeded(), let lock = try FileLock.attempt(lockPath) else { return }
        try start(lock)
    }

    /// Whether there is somebody to be told, and something to tell or a controller to which something may happen.
    func isNeeded() throws -> Bool {
        let receivers = try receivers()
        try log.setNoticeReceivers(receivers)
        guard !receivers.isEmpty else { return false }
        if try !log.controllersNeedingProcess().isEmpty { return true }
        return try log.noticeReceivers().contains { try log.nextNotice(for: $0, after: $0.position) != nil }
    }

    /// Starts another notifier whenever the one there is dies while a controller's process lives: waits for its lock on
    /// a thread of its own, which costs nothing until then.
    public func watch() {
        guard (try? receivers())?.isEmpty == false else { return }
        let thread = Thread {
            var quickDeaths = 0
            while true {
                let begun = ContinuousClock.now
                do {
                    let lock = try FileLock.wait(lockPath)
                    guard try isNeeded() else {
                        _ = consume lock
                        // What was appended meanwhile found the lock taken, and relied on it.
                        guard try isNeeded() else { return }
                        continue
                    }
                    quickDeaths = QuickDeaths.count(after: quickDeaths, livedSince: begun)
                    QuickDeaths.pause(after: quickDeaths)
                    try start(lock)
                } catch {
                    sleep(1)
                }
            }
        }
        thread.stackSize = 512 * 1024
        thread.start()
    }

    private func start(_ lock: consuming FileLock) throws {
        try HomeProcess(home: home, environment: environment, command: ["notifier"], log: logPath)
            .start(inheriting: lock)
    }
}

import EventLog
import Foundation
import Synchronization

/// Ticks for whoever follows the log or a log file.
public enum Commits {
    /// Ticks when something was committed, and once in a while besides, should a ring of the bell have
    /// been lost. Never fails: without inotify the file is looked at often enough to follow.
    public static func ticks(_ bell: CommitBell, safetyPollSeconds: Double = 1) -> AsyncStream<Void> {
        Changes.ticks(at: bell.path, safetyPollSeconds: safetyPollSeconds)
    }

    /// The same for a command that ends with what it waits for, which mostly comes at once: for a quarter of a second it
    /// looks, every millisecond, and only then it listens. The kernel takes some ten milliseconds to end a process that has
    /// listened with inotify, and so long it would look as if the command were not done.
    ///
    /// - Parameter lookingSeconds: how long it only looks.
    public static func promptTicks(
        _ bell: CommitBell, safetyPollSeconds: Double, lookingSeconds: Double = 0.25
    ) -> AsyncStream<Void> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            // Before the first tick: what comes after is not in what is read then.
            let last = Mutex(bell.lastRing)
            let look = PeriodicLook(everySeconds: 0.001) {
                let now = bell.lastRing
                let isNews = last.withLock { last in
                    defer { last = now }
                    return now != last
                }
                if isNews { continuation.yield() }
            }
            let task = Task {
                continuation.yield()
                try? await Task.sleep(for: .seconds(lookingSeconds))
                look.cancel()
                if Task.isCancelled { return }
                for await _ in ticks(bell, safetyPollSeconds: safetyPollSeconds) { continuation.yield() }
            }
            continuation.onTermination = { _ in
                task.cancel()
                look.cancel()
            }
        }
    }

    /// The same for a process that stays and does nothing for hours: the look once in a while wakes nobody unless
    /// something was committed since.
    ///
    /// - Parameters:
    ///   - path: the bell to listen to; nil for that of every commit.
    ///   - isDisturbed: asked at each of these looks; what else there is to wake for.
    public static func quietTicks(
        _ log: EventLog, at path: String? = nil, orWhen isDisturbed: @escaping @Sendable () -> Bool = { false }
    ) -> AsyncStream<Void> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let ears = try? Readiness.ofChanges(at: path ?? log.bell.path)
            let last = Mutex<EventLog.Write?>(nil)
            // A few system calls and no more: it is all that an idle process does.
            let look = PeriodicLook(everySeconds: ears == nil ? 0.1 : 5) {
                let now = log.lastWrite
                let isNews = last.withLock { last in
                    defer { last = now }
                    return now == nil || now != last
                }
                if isNews || isDisturbed() { continuation.yield() }
            }
            let task = Task {
                continuation.yield()
                if let ears { for await _ in ears { continuation.yield() } }
            }
            continuation.onTermination = { _ in
                task.cancel()
                look.cancel()
            }
        }
    }
}

/// Ticks for whoever follows a file or a folder.
public enum Changes {
    public static func ticks(at path: String, safetyPollSeconds: Double = 1) -> AsyncStream<Void> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let ears = try? Readiness.ofChanges(at: path)
            let task = Task {
                await withTaskGroup(of: Void.self) { group in
                    if let ears {
                        group.addTask { for await _ in ears { continuation.yield() } }
                    } else {
                        // A user has 128 of them on many machines, so with as many services this is no rare case: what
                        // follows a tick is dear, a look at the file is not.
                        group.addTask { await pollForChanges(at: path) { continuation.yield() } }
                    }
                    group.addTask {
                        while !Task.isCancelled {
                            continuation.yield()
                            try? await Task.sleep(for: .seconds(safetyPollSeconds))
                        }
                    }
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private static func pollForChanges(at path: String, changed: () -> Void) async {
        var last = lastChange(of: path)
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(100))
            let now = lastChange(of: path)
            if now != last { changed() }
            last = now
        }
    }

    /// When it was written to, or something was made in the folder; nil while it is not there.
    private static func lastChange(of path: String) -> [Int]? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return [status.st_mtim.tv_sec, status.st_mtim.tv_nsec, Int(status.st_size)]
    }
}

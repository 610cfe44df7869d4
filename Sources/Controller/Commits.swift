import EventLog
import Foundation

/// Ticks for whoever follows the log or a log file.
public enum Commits {
    /// Ticks when something was committed, and once in a while besides, should a ring of the bell have
    /// been lost. Never fails: without inotify it ticks often enough to follow.
    public static func ticks(_ bell: CommitBell, safetyPollSeconds: Double = 1) -> AsyncStream<Void> {
        Changes.ticks(at: bell.path, safetyPollSeconds: safetyPollSeconds)
    }
}

/// Ticks for whoever follows a file or a folder.
public enum Changes {
    public static func ticks(at path: String, safetyPollSeconds: Double = 1) -> AsyncStream<Void> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let ears = try? Readiness.ofChanges(at: path)
            let pause = ears == nil ? min(0.1, safetyPollSeconds) : safetyPollSeconds
            let task = Task {
                await withTaskGroup(of: Void.self) { group in
                    if let ears {
                        group.addTask { for await _ in ears { continuation.yield() } }
                    }
                    group.addTask {
                        while !Task.isCancelled {
                            continuation.yield()
                            try? await Task.sleep(for: .seconds(pause))
                        }
                    }
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }
}

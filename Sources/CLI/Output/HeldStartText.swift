import EventLog
import Lifecycle

/// That a controller's start is held back, and until when.
enum HeldStartText {
    static func line(until deadline: Deadline, _ reason: String, now: Instant? = nil) -> String {
        guard let now = now ?? (try? Clock.now()) else { return "its start is held back: \(reason)" }
        let left = deadline.remainingMicroseconds(at: now)
        return "its start is held back until \(TimeText.clock(inMicroseconds: left, now)): \(reason)"
    }
}

import EventLog
import Foundation
import Lifecycle

/// A moment of the log: what was true when an event was the last.
struct PastMoment {
    let position: Int
    let now: Instant

    /// - Parameter text: a time, or `#N` for the event at position N.
    init(_ text: String, for option: String, _ session: Session) throws(CommandFailure) {
        if text.hasPrefix("#"), let position = Int(text.dropFirst()) {
            try self.init(position: position, for: option, session)
            return
        }
        let microseconds = try TimeArgument.parse(text, for: option)
        let now = try session.read { (_) throws(LogFailure) in try Clock.now() }
        guard microseconds <= now.wallMicroseconds + 1_000_000 else {
            throw CommandFailure("\(option): \"\(text)\" is in the future", exitCode: 2)
        }
        let position = try session.read { (log) throws(LogFailure) in try log.position(atMicroseconds: microseconds) }
        self.init(position: position, now: Self.instant(microseconds))
    }

    private init(position: Int, now: Instant) {
        self.position = position
        self.now = now
    }

    /// The moment an event was recorded.
    init(position: Int, for option: String, _ session: Session) throws(CommandFailure) {
        let last = try session.read { (log) throws(LogFailure) in try log.lastPosition() }
        let first = max(1, try session.read { (log) throws(LogFailure) in try log.start().position })
        let time = try session.read { (log) throws(LogFailure) in
            position > 0 ? try log.time(atPosition: position) : nil
        }
        guard let time else {
            throw CommandFailure(
                last == 0
                    ? "\(option): there is no event \(position): nothing has happened yet"
                    : "\(option): there is no event \(position); positions go from \(first) to \(last)", exitCode: 2)
        }
        self.init(position: position, now: Self.instant(time))
    }

    /// What was true then.
    func report(_ session: Session) throws(CommandFailure) -> StatusReport {
        try session.read { (log) throws(LogFailure) in try log.status(atPosition: position, now: now) }
    }

    /// Of no boot: what was left then is told by the wall clock.
    private static func instant(_ microseconds: Int64) -> Instant {
        Instant(wallMicroseconds: microseconds, bootMicroseconds: 0, bootID: "")
    }
}

import Foundation

extension NoticeLag {
    /// How far it is, in words.
    ///
    /// - Parameter clock: a moment as people read it.
    public func inWords(_ clock: (Int64) -> String) -> String {
        guard undelivered > 0 else {
            return "receiver \(receiver.label): told of everything (\(receiver.delivered) so far)"
        }
        var text =
            "receiver \(receiver.label): \(undelivered) event\(undelivered == 1 ? "" : "s") to be told"
            + (sinceMicroseconds.map { ", the oldest of \(clock($0))" } ?? "")
        if let error = receiver.error, receiver.failures > 0 {
            let tries = receiver.failures == 1 ? "a try failed" : "\(receiver.failures) tries in a row failed"
            text += "; \(tries), the last with: \(error)"
            if let at = receiver.retryAtMicroseconds { text += "; again at \(clock(at))" }
        }
        return text
    }
}

import Foundation

/// A file that is written to after every commit, so that every process that waits for the log can wait
/// with inotify instead of polling. A bell that is not heard loses nothing: listeners look at
/// the log once in a while as well.
public struct CommitBell: Sendable {
    /// The file to watch.
    public let path: String

    /// Rings. Never fails: a bell that cannot be rung is covered by the listeners' slow poll.
    public func ring() {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        var byte = UInt8(ascii: "\n")
        _ = pwrite(descriptor, &byte, 1, 0)
        close(descriptor)
    }
}

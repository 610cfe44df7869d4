import Foundation

/// A file that is written to after every commit, so that every process that waits for the log can wait
/// with inotify instead of polling. A bell that is not heard loses nothing: listeners look at
/// the log once in a while as well.
///
/// What is written is the position that was committed and whose log it is. So the bell is a witness too: a log
/// that ends before a position that was acknowledged has lost its end (its WAL was removed or cut), and
/// that is told. It is written after the commit is on disk, hence never ahead of it; that it may be behind, or be
/// gone, only means that less is noticed.
public struct CommitBell: Sendable {
    /// The file to watch.
    public let path: String

    /// Rings. Never fails: a bell that cannot be rung is covered by the listeners' slow poll.
    func ring(position: Int, logID: String) {
        guard let descriptor = try? HomeFile.open(path, O_WRONLY) else { return }
        // Of one length, so that one write replaces another whole.
        let digits = String(position)
        let text = String(repeating: " ", count: max(0, 20 - digits.count)) + digits + " " + logID + "\n"
        _ = text.withCString { pwrite(descriptor, $0, strlen($0), 0) }
        close(descriptor)
    }

    struct Witness: Hashable {
        var position: Int
        var logID: String
    }

    /// What was acknowledged at least; nil when nothing is known.
    var witness: Witness? {
        guard let text = HomeFile.text(path) else { return nil }
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let position = Int(words[0]) else { return nil }
        return Witness(position: position, logID: String(words[1]))
    }

    /// Lets the witness know nothing: the log it told of was replaced.
    func forget() { truncate(path, 0) }
}

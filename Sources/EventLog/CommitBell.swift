import Foundation

/// A file that is written to after every commit, so that every process that waits for the log can wait
/// with inotify instead of polling. A bell that is not heard loses nothing: listeners look at
/// the log once in a while as well.
///
/// What is written is the position that was committed, whose log it is, and the digest of that event. So the bell is a
/// witness too: a log that ends before a position that was acknowledged has lost its end (its WAL was removed or cut), one
/// with another event there, or that begins behind it, is another log or another copy of it, and that is told. It is
/// written after the commit is on disk, hence never ahead of it; that it may be behind, or be gone, only means that less
/// is noticed.
public struct CommitBell: Sendable {
    /// The file to watch.
    public let path: String

    /// Rings. Never fails: a bell that cannot be rung is covered by the listeners' slow poll.
    ///
    /// - Parameter digest: of the event at the position.
    func ring(position: Int, digest: Digest?, logID: String) {
        guard let descriptor = try? HomeFile.open(path, O_WRONLY) else { return }
        // Of one length, so that one write replaces another whole. Earlier builds wrote no digest: what is behind their
        // line is of an event before it.
        let digits = String(position)
        let text =
            String(repeating: " ", count: max(0, 20 - digits.count)) + digits + " " + logID
            + (digest.map { " " + $0.hexadecimal } ?? "") + "\n"
        _ = text.withCString { pwrite(descriptor, $0, strlen($0), 0) }
        close(descriptor)
    }

    /// What was written last, to be compared with what was written before; nil while there is nothing.
    public var lastRing: String? { HomeFile.text(path) }

    struct Witness: Hashable {
        var position: Int
        var logID: String
        /// Of the event at the position; nil when an earlier build wrote it.
        var digest: Digest?
    }

    /// What was acknowledged at least; nil when nothing is known.
    var witness: Witness? {
        guard let line = lastRing?.split(whereSeparator: \.isNewline).first else { return nil }
        let words = line.split(whereSeparator: \.isWhitespace)
        guard (2...3).contains(words.count), let position = Int(words[0]) else { return nil }
        return Witness(
            position: position, logID: String(words[1]),
            digest: words.count == 3 ? Digest(hexadecimal: words[2]) : nil)
    }

    /// Lets the witness know nothing: the log it told of was replaced.
    func forget() { truncate(path, 0) }
}

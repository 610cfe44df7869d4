import Foundation

/// A line at the terminal that says how far long work has come. Elsewhere, and for work that is short, nothing.
final class ProgressLine {
    private let what: String
    private let isShown = isatty(STDERR_FILENO) == 1
    private var last = ContinuousClock.now
    private var hasWritten = false

    init(_ what: String) { self.what = what }

    func show(_ done: Int, of total: Int) {
        guard isShown, ContinuousClock.now - last > .milliseconds(200) else { return }
        last = .now
        hasWritten = true
        let share = total > 0 ? Double(done) / Double(total) : 1
        let filled = Int(max(0, min(1, share)) * 30)
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: 30 - filled)
        write(Array("\r\(what) [\(bar)] \(done) of \(total)\u{1b}[K".utf8), to: STDERR_FILENO)
    }

    /// Says what is being done, where how far cannot be told.
    func show(_ step: String) {
        guard isShown else { return }
        hasWritten = true
        write(Array("\r\(what): \(step)\u{1b}[K".utf8), to: STDERR_FILENO)
    }

    func clear() {
        if hasWritten { write(Array("\r\u{1b}[K".utf8), to: STDERR_FILENO) }
    }
}

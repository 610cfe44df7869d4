import Foundation

/// A question to the person at the terminal. Without a terminal nobody is asked: whoever writes a script has
/// decided.
enum Question {
    static func isAgreed(_ text: String) -> Bool {
        guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else { return true }
        write(Array("\(text) [y/N] ".utf8), to: STDERR_FILENO)
        return ["y", "yes"].contains((readLine() ?? "").lowercased())
    }
}

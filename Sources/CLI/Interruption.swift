import Controller
import Foundation

/// What a command that waits says when it is interrupted (Ctrl-C, or SIGTERM): what was asked for is on disk and goes
/// on without the command.
enum Interruption {
    /// From now on both end this process with `line` on standard error and exit code 130 or 143, as shells have it; what
    /// was ignored when it began, as in a script's background, stays so.
    static func explain(_ line: String) {
        for number in [SIGINT, SIGTERM] where !Signals.isIgnored(number) {
            Signals.handle(number) {
                print("\ndwell: interrupted; \(line)", to: .error)
                exit(128 + number)
            }
        }
    }
}

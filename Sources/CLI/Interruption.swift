import Controller
import Foundation

/// What a command that waits says when it is interrupted (Ctrl-C): what was asked for is on disk and goes on
/// without the command.
enum Interruption {
    /// From now on SIGINT ends this process with `line` on standard error and exit code 130, as shells have it.
    static func explain(_ line: String) {
        Signals.handle(SIGINT) {
            print("\ndwell: interrupted; \(line)", to: .error)
            exit(130)
        }
    }
}

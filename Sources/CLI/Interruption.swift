import Controller
import Foundation
import Synchronization

/// What a command that waits says when it is interrupted (Ctrl-C, or SIGTERM): what was asked for is on disk and goes
/// on without the command.
enum Interruption {
    /// Runs `body`, which undoes what it has half done when it is cancelled, as both do now; then they end this process with
    /// `line` as below. A second one waits for nothing.
    static func cancelling<Result>(
        _ line: String, _ body: (Cancellation) async throws(CommandFailure) -> Result
    ) async throws(CommandFailure) -> Result {
        let cancellation = Cancellation()
        let seen = Seen()
        for number in [SIGINT, SIGTERM] where !Signals.isIgnored(number) {
            Signals.handle(number) {
                guard seen.note(number) else { exit(128 + number) }
                cancellation.cancel()
            }
        }
        let result: Result
        do throws(CommandFailure) {
            result = try await body(cancellation)
        } catch {
            if let number = seen.close() { leave(number, line) }
            throw error
        }
        if let number = seen.close() { leave(number, line) }
        return result
    }

    /// From now on both end this process with `line` on standard error and exit code 130 or 143, as shells have it; what
    /// was ignored when it began, as in a script's background, stays so.
    static func explain(_ line: String) {
        for number in [SIGINT, SIGTERM] where !Signals.isIgnored(number) {
            Signals.handle(number) { leave(number, line) }
        }
    }

    private static func leave(_ number: CInt, _ line: String) -> Never {
        print("\ndwell: interrupted; \(line)", to: .error)
        exit(128 + number)
    }

    /// The first interruption while something is under way.
    private final class Seen: Sendable {
        private let state = Mutex<(number: CInt?, isOver: Bool)>((nil, false))

        /// - Returns: whether it is the first, and there is something to be cancelled.
        func note(_ number: CInt) -> Bool {
            state.withLock { state in
                guard state.number == nil, !state.isOver else { return false }
                state.number = number
                return true
            }
        }

        /// What is under way is over.
        func close() -> CInt? {
            state.withLock { state in
                state.isOver = true
                return state.number
            }
        }
    }
}

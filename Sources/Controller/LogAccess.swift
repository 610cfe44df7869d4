import Dispatch
import EventLog
import Foundation
import Lifecycle
import Logging

/// The log, for code that must not block: SQLite waits for disks and locks on a queue of its own, and
/// what could not be written is written later. Nothing that happened in the world is ever dropped
/// because the log could not take it at that moment.
struct LogAccess: Sendable {
    let log: EventLog
    let controller: ControllerName
    let author: Author
    let logger: Logger
    /// Runs before the process ends because the file it has open is not the one that is there now.
    let whenReplaced: @Sendable () async -> Void
    private let queue = DispatchQueue(label: "dwell.log")

    init(
        log: EventLog, controller: ControllerName, author: Author, logger: Logger,
        whenReplaced: @escaping @Sendable () async -> Void
    ) {
        self.log = log
        self.controller = controller
        self.author = author
        self.logger = logger
        self.whenReplaced = whenReplaced
    }

    /// Submits a command, trying again for as long as the log fails.
    ///
    /// - Returns: the state after it.
    func submit(_ command: Command) async throws(Rejection) -> ControllerState {
        try await receipt(of: command).state
    }

    /// The same, with what the command led to.
    func receipt(of command: Command) async throws(Rejection) -> Receipt {
        while true {
            let result: Result<Receipt, SubmitError> = await onQueue { () throws(SubmitError) in
                try log.submit(command, to: controller, by: author)
            }
            switch result {
            case .success(let receipt): return receipt
            case .failure(.rejected(let rejection)): throw rejection
            case .failure(.failed(let failure)): await pause(after: failure)
            }
        }
    }

    /// The state now, trying again for as long as the log fails.
    func state() async -> ControllerState {
        while true {
            let result: Result<ControllerState, LogFailure> = await onQueue { () throws(LogFailure) in
                try log.state(of: controller)
            }
            switch result {
            case .success(let state): return state
            case .failure(let failure): await pause(after: failure)
            }
        }
    }

    private func pause(after failure: LogFailure) async {
        if case .replaced = failure {
            // No trying again helps: what this process has open nobody else reads. The next one, which any
            // command starts, opens what is there now.
            logger.critical("\(failure); ending")
            await whenReplaced()
            exit(1)
        }
        logger.error("\(failure); trying again")
        // Not cut short by cancellation: what is being reported has happened.
        await withCheckedContinuation { continuation in
            queue.asyncAfter(deadline: .now() + .milliseconds(500)) { continuation.resume() }
        }
    }

    private func onQueue<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Value
    ) async -> Result<Value, Failure> {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: Result(catching: body)) }
        }
    }
}

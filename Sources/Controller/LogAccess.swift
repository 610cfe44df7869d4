import Dispatch
import EventLog
import Foundation
import Lifecycle
import Logging
import Synchronization

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
    private let commands = Waiting<(command: Command, continuation: CommandContinuation)>()
    private let readers = Waiting<CheckedContinuation<Result<ControllerState, LogFailure>, Never>>()

    private typealias CommandContinuation = CheckedContinuation<Result<Result<Receipt, Rejection>, LogFailure>, Never>

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
            switch await submitWithOthers(command) {
            case .success(let outcome): return try outcome.get()
            case .failure(let failure): await pause(after: failure)
            }
        }
    }

    /// Commands that come while the disk is at work on others go into one transaction, the next: ten replicas that end at
    /// once are one sync and not ten.
    private func submitWithOthers(_ command: Command) async -> Result<Result<Receipt, Rejection>, LogFailure> {
        await withCheckedContinuation { continuation in
            commands.add((command, continuation))
            queue.async {
                let batch = commands.takeAll()
                guard !batch.isEmpty else { return }
                let submissions = batch.map { Submission($0.command) }
                do throws(LogFailure) {
                    let outcomes = try log.submitTogether(submissions, to: controller, by: author)
                    for (one, outcome) in zip(batch, outcomes) { one.continuation.resume(returning: .success(outcome)) }
                } catch {
                    for one in batch { one.continuation.resume(returning: .failure(error)) }
                }
            }
        }
    }

    /// The state now, trying again for as long as the log fails.
    func state() async -> ControllerState {
        while true {
            switch await readWithOthers() {
            case .success(let state): return state
            case .failure(let failure): await pause(after: failure)
            }
        }
    }

    /// One read for all who asked before it began.
    private func readWithOthers() async -> Result<ControllerState, LogFailure> {
        await withCheckedContinuation { continuation in
            readers.add(continuation)
            queue.async {
                let batch = readers.takeAll()
                guard !batch.isEmpty else { return }
                let result = Result { () throws(LogFailure) in try log.state(of: controller) }
                for one in batch { one.resume(returning: result) }
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
}

/// What waits for the log, in the order it came.
private final class Waiting<Element: Sendable>: Sendable {
    private let elements = Mutex<[Element]>([])

    func add(_ element: Element) { elements.withLock { $0.append(element) } }

    func takeAll() -> [Element] {
        elements.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }
}

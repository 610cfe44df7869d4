import EventLog
import Foundation
import Lifecycle
import Logging

/// The process that does what the log says must be done.
///
/// It holds no truth of its own. Whenever something may have changed (a commit, a timer, work that
/// ended), it reads the state, fires the deadlines that are due, and compares the outstanding work with
/// the work in flight. So a crash costs it nothing: the next process reads the same state and finds the
/// same work, and what the old one had launched is found by its cookie and adopted.
///
/// It serves for as long as the state needs a process, then returns.
public actor ControllerProcess {
    private let access: LogAccess
    private let worker: Worker
    private let alarm: Alarm
    private let logger: Logger
    private let bell: String
    private var reconciler = Reconciler()
    private var tasks: [Reconciler.Subject: Task<Void, Never>] = [:]
    private let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    /// How often it looks even if nothing woke it, should a ring of the bell have been lost.
    private static let safetyPoll = Duration.seconds(1)

    public init(
        home: Home, controller: ControllerName, log: EventLog, environment: [String: String], author: Author,
        logger: Logger
    ) throws {
        let paths = ControllerPaths(home: home, controller: controller)
        try home.makeDirectory(paths.logDirectory)
        var environment = environment
        environment[Cookie.variable] = nil
        self.logger = logger
        access = LogAccess(log: log, controller: controller, author: author, logger: logger)
        worker = Worker(
            access: access, driver: LocalDriver(paths: paths, logID: log.logID, environment: environment),
            loadBalancers: LoadBalancerLauncher(paths: paths, logID: log.logID, environment: environment),
            prober: Prober(), logger: logger)
        alarm = try Alarm()
        bell = home.commitBell
        (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Serves until the state needs no process any more.
    ///
    /// - Throws: ``Rejection/nothingToRun(_:_:)`` when it needs none from the start.
    public func run() async throws {
        let ears = try Readiness.ofChanges(at: bell)
        let first = try await access.submit(.takeOver(process: ProcessIdentity.current.handle.rawValue))
        logger.info("controller \(first.name) is \(first.status.rawValue)")
        await worker.endStrangers(first)
        let listening = listen(to: alarm.ticks + [ears])
        defer { listening.cancel() }
        wake.yield()
        for await _ in wakes {
            let state = await catchUp()
            guard state.needsProcess else { break }
        }
        for task in tasks.values { task.cancel() }
        logger.info("nothing left to run")
    }

    private func listen(to ticks: [AsyncStream<Void>]) -> Task<Void, Never> {
        Task { [wake] in
            await withTaskGroup(of: Void.self) { group in
                for stream in ticks {
                    group.addTask { for await _ in stream { wake.yield() } }
                }
                group.addTask {
                    while !Task.isCancelled {
                        try? await Task.sleep(for: Self.safetyPoll)
                        wake.yield()
                    }
                }
            }
        }
    }

    /// Does what there is to do now, and sets the alarm for what there is to do later.
    private func catchUp() async -> ControllerState {
        var state = await access.state()
        // A start that was asked for while stopping is begun by this same process.
        if case .starting = state.phase { state = await takeOver() ?? state }
        state = await fireDueDeadlines(state)
        for action in reconciler.reconcile(state.outstanding, version: state.version) { run(action, state) }
        if reconciler.hasFruitlessWork { retryLater() }
        return state
    }

    private func takeOver() async -> ControllerState? {
        try? await access.submit(.takeOver(process: ProcessIdentity.current.handle.rawValue))
    }

    private func fireDueDeadlines(_ state: ControllerState) async -> ControllerState {
        var state = state
        guard let now = try? Clock.now() else { return state }
        for pending in state.pendingDeadlines where pending.deadline.latenessMicroseconds(at: now) != nil {
            let command = Command.deadlineReached(pending.key, generation: pending.generation)
            state = (try? await access.submit(command)) ?? state
        }
        alarm.arm(state.pendingDeadlines, bootID: now.bootID)
        return state
    }

    private func run(_ action: Reconciler.Action, _ state: ControllerState) {
        switch action {
        case .cancel(let subject):
            tasks[subject]?.cancel()
        case .begin(let work):
            tasks[work.subject] = Task { [worker] in
                let version = await worker.perform(work, state)
                self.finished(work.subject, atVersion: version)
            }
        }
    }

    private func finished(_ subject: Reconciler.Subject, atVersion version: Int) {
        tasks[subject] = nil
        reconciler.finished(subject, atVersion: version)
        wake.yield()
    }

    private func retryLater() {
        Task {
            try? await Task.sleep(for: Self.safetyPoll)
            reconciler.retry()
            wake.yield()
        }
    }
}

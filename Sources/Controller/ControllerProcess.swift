import EventLog
import Foundation
import Lifecycle
import Logging

/// The process that does what the log says must be done.
///
/// It holds no truth of its own. Whenever something may have changed (a commit, a timer, work that
/// ended), it reads the state and runs what ``ControllerLoop`` answers. So a crash costs it nothing: the
/// next process reads the same state and finds the same work, and what the old one had launched is
/// found by its cookie and adopted.
///
/// It serves for as long as the state needs a process, then returns.
public actor ControllerProcess {
    private let access: LogAccess
    private let worker: Worker
    private let alarm: Alarm
    private let logger: Logger
    private let log: EventLog
    private let lease: Lease
    private let logRetention: LogRetention
    private let identity: ProcessIdentity
    private var loop: ControllerLoop
    /// How many questions were asked at once whether the controller is used, at most.
    private var useProbes = 0
    private var isRetrying = false
    private var isStandingBy = false
    /// Whether what the log does not know was ended, which is done once, by the process that serves.
    private var hasEndedStrangers = false
    /// Nil until it was looked at once, for an earlier process may have left some.
    private var secretsInUse: Set<String>?
    private var copiesInUse: Set<String>?
    /// The last removal of copies that are not needed, which may be many files: nothing waits for it.
    private var copyRemoval: Task<Void, Never>?
    private var hasCheckpointAhead = false
    private var checkpointedVersion = 0
    private var tasks: [Reconciler.Subject: Task<Void, Never>] = [:]
    private let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    /// How long to wait before work that had no effect is tried again.
    private static let retryPause = Duration.seconds(1)
    /// How long what was committed may lie in the WAL alone. Checkpoints cost those who write, so there is none
    /// more often than this.
    private static let checkpointPause = Duration.seconds(10)

    public init(
        home: Home, controller: ControllerName, lease: Lease, log: EventLog, environment: [String: String],
        author: Author, hookCommand: @escaping @Sendable (HookKind) -> HookCommand?,
        useProbe: @escaping @Sendable (String) -> UseProbe?, logger: Logger
    ) throws {
        let paths = ControllerPaths(home: home, controller: controller)
        try home.makeDirectory(paths.logDirectory)
        self.logger = logger
        self.lease = lease
        identity = .current
        loop = ControllerLoop(process: identity.handle.rawValue)
        let driver = LocalDriver(paths: paths, logID: log.logID, environment: environment)
        access = LogAccess(log: log, controller: controller, author: author, logger: logger) {
            // What another log knows nothing of, nobody would ever end.
            guard !log.isThere() else { return }
            if let leftovers = await driver.endStrangers(known: []) { logger.critical("left: \(leftovers)") }
        }
        let prober = Prober()
        worker = Worker(
            access: access, driver: driver,
            loadBalancers: LoadBalancerLauncher(paths: paths, logID: log.logID, environment: environment),
            prober: prober, trafficReport: { paths.trafficReport($0) },
            secrets: SecretFiles(home: home, controller: controller),
            copies: WorkdirCopies(home: home, controller: controller),
            hooks: HookRunner(
                paths: paths, logID: log.logID, environment: environment,
                transition: { version in try? log.event(of: controller, version: version)?.event },
                command: hookCommand, logger: logger),
            useProbe: useProbe,
            useProber: UseProber(paths: paths, logID: log.logID, environment: environment, prober: prober),
            logger: logger)
        logRetention = LogRetention(directory: paths.logDirectory)
        alarm = try Alarm()
        self.log = log
        (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Why it serves no more.
    public enum End: Sendable {
        case nothingLeft
        /// Another process has the controller.
        case gaveWay
    }

    /// Serves until the state needs no process any more, or another process has the controller.
    ///
    /// - Throws: ``LogFailure`` when this machine does not tell its boot.
    public func run() async throws -> End {
        let commits = Commits.quietTicks(log) { [lease] in !lease.isKept }
        let listening = listen(to: [alarm.ticks, Alarm.clockIsSet, commits])
        let trimming = Task { [logRetention] in await logRetention.run() }
        defer {
            listening.cancel()
            trimming.cancel()
        }
        wake.yield()
        var end: End?
        for await _ in wakes {
            end = try await goOn()
            if end != nil { break }
        }
        for task in tasks.values { task.cancel() }
        // Who gives way leaves them to the process that asks now.
        if case .nothingLeft? = end { await worker.endUseProbes(useProbes) }
        await copyRemoval?.value
        log.checkpoint()
        if case .nothingLeft? = end { logger.info("nothing left to run") }
        return end ?? .nothingLeft
    }

    private func listen(to ticks: [AsyncStream<Void>]) -> Task<Void, Never> {
        Task { [wake] in
            await withTaskGroup(of: Void.self) { group in
                for stream in ticks {
                    group.addTask { for await _ in stream { wake.yield() } }
                }
            }
        }
    }

    /// Does what there is to do now.
    ///
    /// - Returns: nil while there is anything to wait for.
    private func goOn() async throws -> End? {
        let state = await access.state()
        if state.secretsInUse != secretsInUse {
            secretsInUse = state.secretsInUse
            await worker.removeUnusedSecrets()
        }
        if state.workdirCopiesInUse != copiesInUse {
            copiesInUse = state.workdirCopiesInUse
            copyRemoval = Task { [worker, copyRemoval] in
                await copyRemoval?.value
                await worker.removeUnusedCopies()
            }
        }
        checkpointLater(state.version)
        let other = otherProcess(state)
        let standing = ControllerLoop.Standing(holdsLease: lease.isKept, isOtherAlive: other != nil)
        let actions = loop.wake(state, now: try Clock.now(), standing: standing)
        if !hasEndedStrangers, actions != [.standBy], actions != [.giveWay] {
            hasEndedStrangers = true
            await worker.endStrangers(state)
        }
        for action in actions {
            switch action {
            case .submit(let command):
                await submit(command)
                wake.yield()
            case .begin(let work):
                begin(work, state)
            case .cancel(let subject):
                tasks[subject]?.cancel()
            case .arm(let pending):
                alarm.arm(pending.map(\.deadline))
            case .retryLater:
                retryLater()
            case .standBy:
                standBy(until: other)
            case .giveWay:
                logger.warning("another process has controller \(state.name), and the lease; this one ends")
                return .gaveWay
            case .end:
                return .nothingLeft
            }
        }
        return nil
    }

    /// The process that is recorded, if it is another than this one and lives.
    private func otherProcess(_ state: ControllerState) -> ProcessIdentity? {
        guard let recorded = state.process.flatMap({ ProcessIdentity(Handle(rawValue: $0)) }),
            recorded != identity, recorded.isAlive
        else { return nil }
        return recorded
    }

    private func standBy(until other: ProcessIdentity?) {
        guard let other, !isStandingBy else { return }
        isStandingBy = true
        logger.warning("process \(other.pid) still serves the controller, without the lease; waiting for it to end")
        Task {
            await other.waitUntilEnded()
            isStandingBy = false
            wake.yield()
        }
    }

    private func submit(_ command: Command) async {
        do {
            let state = try await access.submit(command)
            if case .takeOver = command { logger.info("controller \(state.name) is \(state.status.rawValue)") }
        } catch {
            // An expected race: it was stopped for good between the look and this.
            logger.info("\(error)")
        }
    }

    private func begin(_ work: Work, _ state: ControllerState) {
        if case .watchUse(let names) = work { useProbes = max(useProbes, names.count) }
        tasks[work.subject] = Task { [worker] in
            let version = await worker.perform(work, state)
            self.finished(work.subject, atVersion: version)
        }
    }

    private func finished(_ subject: Reconciler.Subject, atVersion version: Int) {
        tasks[subject] = nil
        loop.finished(subject, atVersion: version)
        wake.yield()
    }

    /// A process that has nothing to do has no timer for this either: it is set when something was committed.
    private func checkpointLater(_ version: Int) {
        guard version != checkpointedVersion, !hasCheckpointAhead else { return }
        (checkpointedVersion, hasCheckpointAhead) = (version, true)
        Task {
            try? await Task.sleep(for: Self.checkpointPause, tolerance: .seconds(1))
            hasCheckpointAhead = false
            log.checkpoint()
            // What was committed meanwhile may have come after it.
            wake.yield()
        }
    }

    private func retryLater() {
        guard !isRetrying else { return }
        isRetrying = true
        Task {
            try? await Task.sleep(for: Self.retryPause)
            isRetrying = false
            loop.retry()
            wake.yield()
        }
    }
}

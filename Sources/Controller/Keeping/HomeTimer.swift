import EventLog
import Foundation
import Lifecycle

/// Terminates controllers that have been stopped for as long as they may be. Nothing of such a controller runs, so
/// the home has a process of its own for it while there is one to wait for: it sleeps on a timer of the kernel. A
/// controller that stops leaves it behind, as its process and its keeper end. After a reboot, or should it be killed,
/// the next `dwell` command, or `dwell timer` by systemd, does the same. A deadline fires once, whoever is first: it
/// carries its generation.
public struct HomeTimer: Sendable {
    private let home: Home
    private let log: EventLog
    private let environment: [String: String]
    private let author: Author
    /// Sees to it that what it does is told.
    private let notices: NoticeLauncher

    public init(
        home: Home, log: EventLog, environment: [String: String], author: Author, notices: NoticeLauncher
    ) {
        self.notices = notices
        self.home = home
        self.log = log
        self.environment = environment
        self.author = author
    }

    /// Held by the process that waits.
    private var lockPath: String { home.run + "/timer.lock" }

    /// Terminates what is overdue, and starts a process that waits for the rest unless there is one.
    ///
    /// - Throws: ``LogFailure``, or ``ControllerLaunchFailure`` in words.
    public func ensureRunning() throws {
        let failure = try fireWhatIsDue()
        if try !log.pendingTerminations().isEmpty, let lock = try FileLock.attempt(lockPath) {
            try HomeProcess(home: home, environment: environment, command: ["timer"], log: home.logs + "/timer.log")
                .start(inheriting: lock)
        }
        if let failure { throw failure }
    }

    /// - Returns: why a controller whose hook is to run has no process; the others are seen to all the same.
    private func fireWhatIsDue() throws -> ControllerLaunchFailure? {
        var failure: ControllerLaunchFailure?
        let now = try Clock.now()
        for (controller, row) in try log.pendingTerminations()
        where row.deadline.latenessMicroseconds(at: now) != nil {
            let deadline = Command.deadlineReached(.termination, generation: row.generation)
            let state = try log.submit(deadline, to: controller, by: author).state
            // Its hook is run by a process of its own, as everything that is done for a controller.
            if state.needsProcess {
                let launcher = ControllerLauncher(home: home, controller: controller, environment: environment)
                do { try launcher.ensureRunning() } catch { failure = error }
            }
            // The termination stands, whatever is the matter with those who are to be told: the next command says so.
            try? notices.ensureRunning()
        }
        return failure
    }

    /// Waits and terminates until there is nothing to wait for; returns at once when another process does.
    public func run(inherited: CInt?) async throws {
        try await HomeProcess.hold(
            lockPath, inherited: inherited, whileNeeded: { try !log.pendingTerminations().isEmpty },
            waitUntilNothingIsPending)
    }

    private func waitUntilNothingIsPending() async throws {
        let alarm = try Alarm()
        let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let listening = Task {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { for await _ in alarm.ticks { wake.yield() } }
                group.addTask { for await _ in Commits.ticks(log.bell, safetyPollSeconds: 60) { wake.yield() } }
            }
        }
        defer { listening.cancel() }
        wake.yield()
        for await _ in wakes {
            do {
                if let failure = try fireWhatIsDue() { throw failure }
                let pending = try log.pendingTerminations()
                guard !pending.isEmpty else { return }
                // Of an earlier boot the wall clock tells what is left.
                let now = try Clock.now()
                alarm.arm(pending.map { $0.deadline.deadline.carriedOver(to: now) })
            } catch LogFailure.busy {
                continue  // tried again at the next tick
            } catch let failure as ControllerLaunchFailure {
                // The termination stands, and the next command of dwell sees to its process; others are waited for.
                FileHandle.standardError.write(Data("\(failure)\n".utf8))
                wake.yield()
            }
        }
    }
}

/// What a controller process does whenever it wakes, as a pure state machine: it is told the state and
/// the time, and answers what to do. A process that has just begun is in no way special, and that is
/// all there is to recovery.
public struct ControllerLoop: Sendable {
    public enum Action: Hashable, Sendable {
        /// Submit this to the log, then wake again: the state has changed.
        case submit(Command)
        case begin(Work)
        /// The work in flight for this subject is not wanted any more.
        case cancel(Reconciler.Subject)
        /// Wake when the earliest of these is due.
        case arm([PendingDeadline])
        /// Wake after a pause and call ``retry()`` first: work ended without effect.
        case retryLater
        /// Nothing is left to run: end the process.
        case end
        /// The process that is recorded still lives: wake when it has ended, and do nothing until then.
        case standBy
        /// The controller is another process's: end this one, and leave what there is to do to that one.
        case giveWay
    }

    /// What a process sees of its own place among processes of the same controller, of which there should be one. There
    /// are two for a while when the file of the lease is removed, and somebody makes another.
    public struct Standing: Hashable, Sendable {
        /// Whether the lease that this process holds is still the one that everybody asks for.
        public var holdsLease: Bool
        /// Whether another process than this one is recorded, and lives.
        public var isOtherAlive: Bool

        public init(holdsLease: Bool, isOtherAlive: Bool) {
            self.holdsLease = holdsLease
            self.isOtherAlive = isOtherAlive
        }

        /// Of a process that is the only one.
        public static let alone = Standing(holdsLease: true, isOtherAlive: false)
    }

    private let process: String
    public private(set) var reconciler = Reconciler()
    /// Whether this process was seen to be the one that is recorded.
    private var hasServed = false

    /// - Parameter process: identity of the controller process, as it is recorded.
    public init(process: String) {
        self.process = process
    }

    /// Whether this process has yet to say that it serves the controller: it is new, or a start was
    /// asked for while it was stopping.
    private func mustTakeOver(_ state: ControllerState, _ now: Instant) -> Bool {
        guard state.needsProcess, state.process != process else { return false }
        // A start that is held back is waited for; in another boot it is to be told on the clock of this one.
        return state.heldStart.map { $0.until.bootID != now.bootID } ?? true
    }

    /// Whether the controller is not this process's any more. What another has taken over is not taken back: two that
    /// both did would do nothing else.
    private func mustGiveWay(_ state: ControllerState, _ standing: Standing) -> Bool {
        if hasServed, let recorded = state.process, recorded != process { return true }
        return !standing.holdsLease
    }

    /// What to do now. Commands come alone, for what they lead to is not known before.
    public mutating func wake(_ state: ControllerState, now: Instant, standing: Standing = .alone) -> [Action] {
        guard state.needsProcess else { return [.end] }
        if mustGiveWay(state, standing) {
            // Whoever comes next would cut a hook off and not run it again; it waits for this process to end.
            return reconciler.isRunningHook ? [] : [.giveWay]
        }
        if standing.isOtherAlive { return [.standBy] }
        if state.process == process { hasServed = true }
        if mustTakeOver(state, now) { return [.submit(.takeOver(process: process, from: state.process))] }
        let pending = state.pendingDeadlines
        let due = pending.filter {
            $0.deadline.latenessMicroseconds(at: now) != nil || state.isOutOfStep($0, now)
        }
        guard due.isEmpty else {
            return due.map { .submit(.deadlineReached($0.key, generation: $0.generation)) }
        }
        var actions: [Action] = reconciler.reconcile(state.outstanding, version: state.version).map {
            switch $0 {
            case .begin(let work): .begin(work)
            case .cancel(let subject): .cancel(subject)
            }
        }
        actions.append(.arm(pending))
        if reconciler.hasFruitlessWork { actions.append(.retryLater) }
        return actions
    }

    /// The work in flight for `subject` has ended; the state was at `version` when it did.
    public mutating func finished(_ subject: Reconciler.Subject, atVersion version: Int) {
        reconciler.finished(subject, atVersion: version)
    }

    /// Lets work that had no effect be tried again.
    public mutating func retry() { reconciler.retry() }
}

// Which of the failures of a version tells most of what is wrong with it. Its replicas run the same, and seldom fail in the
// same way at the same time: what was killed, or waited in vain, when the first had shown what is wrong says less.

/// How much the failure of a replica tells, the most first.
enum FailureOrder: Int, Comparable, Sendable {
    /// A command that is not there, or cannot be run: a mistake in the file, and which one.
    case commandNotRun
    case setupFailed
    /// `run` ended with another code than 0, or crashed.
    case runFailed
    /// `run` ended well, and should not have ended.
    case runEnded
    case notLaunched
    /// Killed, which the kernel does too when memory runs out.
    case killed
    /// It ran and did not answer, for as long as it may.
    case notReady
    /// Somebody told it to end.
    case toldToEnd
    /// Nobody saw how it ended.
    case unseen

    static func < (a: FailureOrder, b: FailureOrder) -> Bool { a.rawValue < b.rawValue }

    init(_ ending: Ending) {
        switch ending {
        case .exited(126...127, _): self = .commandNotRun
        // The shell tells a signal as 128 and its number.
        case .exited(let code, let stage) where (129...192).contains(code):
            self.init(.signaled(signal: code - 128, stage: stage))
        case .exited(0, .run): self = .runEnded
        case .exited(_, let stage): self = stage == .setup ? .setupFailed : .runFailed
        case .signaled(9, _): self = .killed
        // SIGHUP, SIGINT and SIGTERM come from outside.
        case .signaled(1...2, _), .signaled(15, _): self = .toldToEnd
        case .signaled(_, let stage): self = stage == .setup ? .setupFailed : .runFailed
        case .vanished, .rebooted: self = .unseen
        }
    }
}

extension ReplicaState {
    /// Its status as one that failed, and why; nil for one that has not.
    private var failure: (status: ReplicaStatus, reason: String)? {
        switch phase {
        case .failed(let status, let reason): return (status, reason)
        case .removing(let removal):
            if case .failed(let status, let reason) = removal.reason { return (status, reason) }
            return nil
        case .pending, .provisioning, .starting, .ready, .notReady, .draining: return nil
        }
    }

    /// How much its failure tells; nil for one that has not failed.
    var failureOrder: FailureOrder? {
        guard let failure else { return nil }
        switch failure.status {
        case .failedProvision: return .notLaunched
        case .failedInitialDelay, .failedProbing: return .notReady
        case .pending, .provisioning, .starting, .ready, .notReady, .shuttingDown, .failed, .failedCleanup, .preempted:
            return ending.map { FailureOrder($0) } ?? .runFailed
        }
    }

    fileprivate var failureInWords: String { "replica \(id): \(failure?.reason ?? "no reason known")" }
}

extension ServiceState {
    /// Of the replicas of its version that failed, the one whose failure tells most; of several that tell the same, the
    /// first.
    public var mostTellingFailure: ReplicaState? {
        orderedReplicas.filter { $0.version == version }
            .compactMap { replica in replica.failureOrder.map { (replica, $0) } }
            .min { ($0.1, $0.0.id) < ($1.1, $1.0.id) }?.0
    }

    /// Why its version is not launched any more, by what tells most of it; nil while it may be.
    public var whyLaunchesStopped: String? {
        guard let launchesStopped else { return nil }
        return mostTellingFailure?.failureInWords ?? launchesStopped
    }
}

extension Ending {
    /// In words, with what the shell said where it could not run a command at all.
    func reason(logTail: String?) -> String {
        if case .exited(0, .run) = self {
            return "\(inWords): a replica lives as long as its `run`, so what serves must not be left to the "
                + "background (`exec` it, or `wait` for it)"
        }
        guard case .exited(126...127, _) = self, let logTail,
            let line = logTail.split(whereSeparator: \.isNewline).last(where: { line in
                Self.complaints.contains { line.hasSuffix($0) }
            })
        else { return inWords }
        // `bash: line 3: foo: command not found`, without where it was.
        let parts = line.split(separator: ": ")
        return "\(inWords): \(parts.suffix(2).joined(separator: ": ").prefix(200))"
    }

    private static let complaints = [
        "command not found", "No such file or directory", "Permission denied", "not found",
    ]
}

/// One replica: a process, or one that was or will be.
public struct ReplicaState: Hashable, Sendable, Codable {
    public let id: Int
    /// The version of the service's spec it runs. An update that leaves everything but `service:` alone
    /// gives it the new version.
    public internal(set) var version: Int
    /// Stream version of its `replica.added`; see ``ReplicaReference``.
    public let generation: Int
    public let addedAtMicroseconds: Int64
    public internal(set) var phase: Phase
    /// Wall time of the last change of status, microseconds.
    public internal(set) var sinceMicroseconds: Int64
    /// Wall time of its launch, microseconds.
    public internal(set) var launchedAtMicroseconds: Int64?
    /// Wall time of the last time it became ready, microseconds.
    public internal(set) var readyAtMicroseconds: Int64?
    public internal(set) var handle: Handle?
    public internal(set) var endpoint: Endpoint?
    /// How its process ended by itself; nil while it has not.
    public internal(set) var ending: Ending?

    /// Where a replica is in its life. Each case's comment lists its exits.
    public enum Phase: Hashable, Sendable, Codable {
        /// To be launched, not before `launchAt` (a back-off). → provisioning, removing, failed
        case pending(launchAt: Deadline?)
        /// Launched; its `setup` runs. → starting, removing
        case provisioning
        /// Its `run` runs and has not been ready yet. → ready, removing
        case starting(Waiting)
        /// → notReady, draining, removing
        case ready
        /// It was ready and fails its probes. → ready, draining, removing
        case notReady(Waiting)
        /// It gets no new requests and finishes those it has. → removing
        case draining(Draining)
        /// Whatever is left of it is being removed. → failed, gone
        case removing(Removal)
        /// Nothing of it is left; kept to tell why. → gone
        case failed(status: ReplicaStatus, reason: String)
    }

    /// Waiting to be ready until a deadline.
    public struct Waiting: Hashable, Sendable, Codable {
        public var deadline: Deadline
        /// Stream version of the event that set the deadline.
        public var generation: Int
        /// What the probes saw: the last that failed in a new way while it starts, the first since it was ready.
        public var evidence: String?
    }

    /// Finishing the requests it has, until a deadline.
    public struct Draining: Hashable, Sendable, Codable {
        /// Why it is to be removed then.
        public var reason: RemovalReason
        public var deadline: Deadline
        /// Stream version of the `replica.draining` that set the deadline. The load balancer that has
        /// seen it sends the replica nothing new.
        public var generation: Int

        public init(reason: RemovalReason, deadline: Deadline, generation: Int) {
            self.reason = reason
            self.deadline = deadline
            self.generation = generation
        }
    }

    public struct Removal: Hashable, Sendable, Codable {
        public var reason: RemovalReason
        /// Set when the last attempt left something alive.
        public var stuck: Stuck?

        var status: ReplicaStatus {
            if stuck != nil { return .failedCleanup }
            return if case .preempted = reason { .preempted } else { .shuttingDown }
        }
    }

    /// An attempt to remove it that did not succeed.
    public struct Stuck: Hashable, Sendable, Codable {
        /// What is left, in words.
        public var leftovers: String
        public var attempts: Int
        public var retryAt: Deadline?
        /// Stream version of the `replica.cleanup_failed` that set `retryAt`.
        public var generation: Int
    }

    public var status: ReplicaStatus {
        switch phase {
        case .pending: .pending
        case .provisioning: .provisioning
        case .starting: .starting
        case .ready: .ready
        case .notReady: .notReady
        case .draining: .shuttingDown
        case .removing(let removal): removal.status
        case .failed(let status, _): status
        }
    }

    /// Whether a process of it exists or may exist.
    var isPresent: Bool {
        if case .failed = phase { false } else { true }
    }

    /// Whether it counts towards the number of replicas wanted.
    var isWorking: Bool {
        switch phase {
        case .pending, .provisioning, .starting, .ready, .notReady: true
        case .draining, .removing, .failed: false
        }
    }

    /// Whether it runs the user's command as far as the log knows.
    var isLaunched: Bool {
        switch phase {
        case .provisioning, .starting, .ready, .notReady, .draining: true
        case .pending, .removing, .failed: false
        }
    }
}

/// Why a replica is being removed.
public enum RemovalReason: Hashable, Sendable, Codable {
    /// It is not wanted any more: `down`, `stop`, an update, or fewer replicas are wanted.
    case notWanted
    /// A person asked for this replica to go (`down --replica-id`); another takes its place.
    case byHand
    /// It failed; what of it is left is removed before the failure is recorded.
    case failed(status: ReplicaStatus, reason: String)
    /// The machine it ran on went away with it.
    case preempted(reason: String)
}

/// How a replica's process ended by itself.
public enum Ending: Hashable, Sendable, Codable {
    /// It exited with a code, in `stage` (`setup` or `run`).
    case exited(code: Int, stage: Stage)
    /// A signal ended it.
    case signaled(signal: Int, stage: Stage)
    /// It is not there any more, and nobody saw how it ended.
    case vanished
    /// The machine was booted again.
    case rebooted

    public enum Stage: String, Hashable, Sendable, Codable { case setup, run }

    public var inWords: String {
        switch self {
        // The shell tells a signal as 128 and its number.
        case .exited(let code, let stage) where (129...192).contains(code):
            "`\(stage.rawValue)` exited with code \(code) (signal \(code - 128))"
        case .exited(let code, let stage): "`\(stage.rawValue)` exited with code \(code)"
        case .signaled(let signal, let stage): "`\(stage.rawValue)` was ended by signal \(signal)"
        case .vanished: "its process is gone, and nobody saw how it ended"
        case .rebooted: "the machine was booted again"
        }
    }
}

/// A service on its controller: what was asked for, and what there is of it.
public struct ServiceState: Hashable, Sendable, Codable {
    public let name: ServiceName
    /// The version of the spec being served, from 1.
    public internal(set) var version: Int
    public internal(set) var spec: ServiceSpec
    /// Where its load balancer listens. It stays the service's own across stop and start.
    public let endpoint: Endpoint
    public let requestedAtMicroseconds: Int64
    public let requestedBy: String
    /// Whether it is on its way out: a `down` or a `terminate` was accepted.
    public internal(set) var isEnding = false
    /// Whether a replica of this version was ever ready. Only such a version is launched again after
    /// a failure: a version that cannot work must not be restarted for ever.
    public internal(set) var wasEverReady = false
    /// Why this version is not launched any more; nil while it may be.
    public internal(set) var launchesStopped: String?
    /// Failures in a row, for the back-off of the next launch.
    public internal(set) var consecutiveFailures = 0
    public internal(set) var nextReplicaID = 1
    public internal(set) var replicas: [Int: ReplicaState] = [:]
    public internal(set) var loadBalancer: LoadBalancerState?
    /// The status last recorded by `service.status_changed`.
    public internal(set) var status: ServiceStatus
    public internal(set) var statusSinceMicroseconds: Int64
    /// Wall time since which it has been READY without a break, microseconds.
    public internal(set) var readySinceMicroseconds: Int64?

    /// Replicas that exist or may exist as processes, in order of id.
    var presentReplicas: [ReplicaState] { orderedReplicas.filter(\.isPresent) }

    public var orderedReplicas: [ReplicaState] { replicas.values.sorted { $0.id < $1.id } }

    public var readyReplicas: Int { replicas.values.count { $0.status == .ready } }

    /// Whether anything of it may be running or listening.
    var hasSomethingPresent: Bool { loadBalancer != nil || replicas.values.contains(where: \.isPresent) }

    /// Whether it holds its controller up. A service that failed for good and has nothing left
    /// running does not: it waits for nothing, and holding a paid machine for it would serve nobody.
    public var isLive: Bool {
        isEnding || launchesStopped == nil || hasSomethingPresent
    }
}

/// A service's load balancer process.
public struct LoadBalancerState: Hashable, Sendable, Codable {
    /// Stream version of its `load_balancer.added`.
    public let generation: Int
    /// How often in a row it ended by itself soon after its launch.
    public internal(set) var consecutiveFailures = 0
    public internal(set) var launchedAtMicroseconds: Int64?
    public internal(set) var phase: Phase

    public enum Phase: Hashable, Sendable, Codable {
        /// To be launched, after a back-off if it ended by itself. → running, removing
        case pending(BackOff?)
        /// → removing, pending (after it ended by itself)
        case running(Handle)
        /// → gone
        case removing(Handle?)
    }

    /// Waiting to be launched again.
    public struct BackOff: Hashable, Sendable, Codable {
        public var deadline: Deadline
        /// Stream version of the `load_balancer.ended` that set it.
        public var generation: Int
        /// Why it ended.
        public var reason: String
    }

    /// Why it does not run, where that is known.
    var reasonInWords: String? {
        guard case .pending(let backOff?) = phase else { return nil }
        return "its load balancer does not run: \(backOff.reason)"
    }

    var isRunning: Bool {
        if case .running = phase { true } else { false }
    }
}

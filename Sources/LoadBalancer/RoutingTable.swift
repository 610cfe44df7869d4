/// A replica that requests may be sent to.
public struct Route: Hashable, Sendable {
    /// Its id, for messages and counts.
    public var replica: Int
    public var host: String
    public var port: Int
    /// How much it can take compared with others, > 0: `instance_aware_least_load` measures its load by it.
    public var weight: Double

    public init(replica: Int, host: String, port: Int, weight: Double = 1) {
        self.replica = replica
        self.host = host
        self.port = port
        self.weight = weight > 0 && weight.isFinite ? weight : 1
    }

    /// What tells it from others: the same id at another port is another process.
    struct Identity: Hashable {
        var replica: Int
        var host: String
        var port: Int
    }

    var identity: Identity { Identity(replica: replica, host: host, port: port) }
}

/// Where requests go now.
public struct RoutingTable: Hashable, Sendable {
    public var service: String
    /// Replicas that are ready. One that is left out gets no more requests and ends those it has: this is how
    /// a replica is drained.
    public var ready: [Route]
    /// Whether a replica is on its way or will be as soon as it is wanted: then requests wait for it while
    /// none is ready.
    public var isReplicaExpected: Bool
    /// What to tell clients while none is, e.g. `1 replica is STARTING`.
    public var explanation: String
    /// Why the service failed, where none is to come until somebody acts; nil while one may.
    public var failure: String?
    /// Which state of the world this follows from; told again in ``Traffic/routesVersion``.
    public var version: Int

    public init(
        service: String, ready: [Route], isReplicaExpected: Bool = false, explanation: String, failure: String? = nil,
        version: Int = 0
    ) {
        self.service = service
        self.ready = ready
        self.isReplicaExpected = isReplicaExpected
        self.explanation = explanation
        self.failure = failure
        self.version = version
    }

    /// Whether requests go where `other` sends them: they differ in the state they follow from, if at all.
    public func sendsAs(_ other: RoutingTable) -> Bool {
        var same = self
        same.version = other.version
        return same == other
    }
}

/// What of a load balancer may change while it runs.
public struct BalancingRules: Hashable, Sendable {
    public var policy: BalancingPolicy
    /// How long a replica may be silent in the middle of a request.
    public var streamTimeoutSeconds: Double

    public init(policy: BalancingPolicy = .leastLoad, streamTimeoutSeconds: Double = 120) {
        self.policy = policy
        self.streamTimeoutSeconds = streamTimeoutSeconds
    }
}

/// How a replica is chosen for a request.
public enum BalancingPolicy: String, Hashable, Sendable, CaseIterable {
    case roundRobin = "round_robin"
    /// The one with the fewest requests in flight. Exact, by looking at all: a service has tens of
    /// replicas, not thousands, so that power of two choices would save nothing and choose worse.
    case leastLoad = "least_load"
    /// The one that would be loaded least with this request too, its requests in flight divided by its
    /// ``Route/weight``. Exact as well.
    case instanceAwareLeastLoad = "instance_aware_least_load"
}

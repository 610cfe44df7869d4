/// A replica that requests may be sent to.
public struct Route: Hashable, Sendable {
    /// Its id, for messages.
    public var replica: Int
    public var host: String
    public var port: Int

    public init(replica: Int, host: String, port: Int) {
        self.replica = replica
        self.host = host
        self.port = port
    }
}

/// Where requests go now.
public struct RoutingTable: Hashable, Sendable {
    public var service: String
    /// Replicas that are ready.
    public var ready: [Route]
    /// What to tell clients while none is, e.g. `1 replica is STARTING`.
    public var explanation: String

    public init(service: String, ready: [Route], explanation: String) {
        self.service = service
        self.ready = ready
        self.explanation = explanation
    }
}

/// How a replica is chosen for a request.
public enum BalancingPolicy: String, Hashable, Sendable, CaseIterable {
    case roundRobin = "round_robin"
    /// The one with the fewest requests in flight. Exact, by looking at all: a service has tens of
    /// replicas, not thousands, so that power of two choices would save nothing and choose worse.
    case leastLoad = "least_load"
}

/// Settings of a load balancer. Times are seconds, sizes bytes.
public struct LoadBalancerConfiguration: Sendable {
    public enum Listening: Sendable {
        /// A bound and listening TCP socket, made by the parent.
        case inherited(descriptor: CInt)
        case address(host: String, port: Int)
    }

    public var listening: Listening
    public var policy: BalancingPolicy
    /// Event loops, each a thread.
    public var eventLoops: Int
    /// How long a replica may be silent in the middle of a request.
    public var streamTimeoutSeconds: Double
    public var connectTimeoutSeconds: Double
    /// How long a client may take for the head of a request.
    public var headTimeoutSeconds: Double
    /// How long a client's connection may lie idle between two requests.
    public var idleTimeoutSeconds: Double
    /// How long a connection to a replica may lie idle. Servers close idle connections after 2 to 5
    /// seconds (gunicorn 2, uvicorn and Node.js 5); staying well below means that a request is hardly
    /// ever written to a connection that the other end has just closed.
    public var upstreamIdleSeconds: Double
    public var headLimit: Int
    /// Connections of clients at once; more are answered 503.
    public var connectionLimit: Int

    public init(
        listening: Listening, policy: BalancingPolicy = .leastLoad, eventLoops: Int = 1,
        streamTimeoutSeconds: Double = 120, connectTimeoutSeconds: Double = 5, headTimeoutSeconds: Double = 30,
        idleTimeoutSeconds: Double = 75, upstreamIdleSeconds: Double = 1, headLimit: Int = 65_536,
        connectionLimit: Int = 20_000
    ) {
        self.listening = listening
        self.policy = policy
        self.eventLoops = eventLoops
        self.streamTimeoutSeconds = streamTimeoutSeconds
        self.connectTimeoutSeconds = connectTimeoutSeconds
        self.headTimeoutSeconds = headTimeoutSeconds
        self.idleTimeoutSeconds = idleTimeoutSeconds
        self.upstreamIdleSeconds = upstreamIdleSeconds
        self.headLimit = headLimit
        self.connectionLimit = connectionLimit
    }
}

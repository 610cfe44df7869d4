/// What a service file asks for, checked and complete: defaults filled in, paths absolute.
///
/// It is stored whole in the log with the version it belongs to, so that a replay, a restart or a
/// reboot needs no file. Vocabulary and defaults are SkyServe's (SkyPilot 0.14.1).
public struct ServiceSpec: Hashable, Sendable, Codable {
    /// Absolute folder in which `setup` and `run` start; nil for a private folder of the replica's own.
    public var workdir: String?
    /// Shell commands (bash) run once in each replica before `run`.
    public var setup: String?
    /// Shell commands (bash) that serve; a replica lives as long as they do.
    public var run: String
    /// Environment variables for `setup` and `run`.
    public var envs: [String: String]
    /// The port `resources.ports` names, given to a replica as `PORT` whenever it is free.
    public var port: UInt16?
    public var readinessProbe: ReadinessProbe
    /// How many replicas to keep, ≥ 0.
    public var replicas: Int
    public var loadBalancer: LoadBalancerSpec

    public init(
        workdir: String? = nil, setup: String? = nil, run: String, envs: [String: String] = [:],
        port: UInt16? = nil, readinessProbe: ReadinessProbe = ReadinessProbe(), replicas: Int = 1,
        loadBalancer: LoadBalancerSpec = LoadBalancerSpec()
    ) {
        self.workdir = workdir
        self.setup = setup
        self.run = run
        self.envs = envs
        self.port = port
        self.readinessProbe = readinessProbe
        self.replicas = replicas
        self.loadBalancer = loadBalancer
    }

    /// Most replicas of one service: each has a port of its own out of ten thousand.
    public static let maximumReplicas = 1000
}

/// How a service's load balancer works.
public struct LoadBalancerSpec: Hashable, Sendable, Codable {
    public var policy: LoadBalancingPolicy
    /// How long a replica may be silent in the middle of a request.
    public var streamTimeoutSeconds: Double

    public init(policy: LoadBalancingPolicy = .leastLoad, streamTimeoutSeconds: Double = 120) {
        self.policy = policy
        self.streamTimeoutSeconds = streamTimeoutSeconds
    }
}

/// How a replica is chosen for a request; SkyServe's names.
public enum LoadBalancingPolicy: String, Hashable, Sendable, Codable, CaseIterable {
    case roundRobin = "round_robin"
    case leastLoad = "least_load"
}

/// How to ask a replica whether it is ready: ready means any HTTP 200.
public struct ReadinessProbe: Hashable, Sendable, Codable {
    /// Shorter pauses would be a load of their own.
    public static let shortestIntervalSeconds = 0.1

    /// Path and query, starting with `/`.
    public var path: String
    /// How long a replica may take from the start of `run` to its first 200.
    public var initialDelaySeconds: Double
    /// How long one probe may take.
    public var timeoutSeconds: Double
    /// Pause between two probes of a replica that is ready.
    public var endpointProbeIntervalSeconds: Double
    /// How long a replica that was ready may fail its probes before it is replaced.
    public var consecutiveFailureThresholdSeconds: Double
    /// Body to send; a probe with a body is a POST, one without is a GET.
    public var postData: String?
    /// Request headers beyond those every probe has.
    public var headers: [String: String]

    public init(
        path: String = "/", initialDelaySeconds: Double = 1200, timeoutSeconds: Double = 15,
        endpointProbeIntervalSeconds: Double = 10, consecutiveFailureThresholdSeconds: Double = 180,
        postData: String? = nil, headers: [String: String] = [:]
    ) {
        self.path = path
        self.initialDelaySeconds = initialDelaySeconds
        self.timeoutSeconds = timeoutSeconds
        self.endpointProbeIntervalSeconds = endpointProbeIntervalSeconds
        self.consecutiveFailureThresholdSeconds = consecutiveFailureThresholdSeconds
        self.postData = postData
        self.headers = headers
    }
}

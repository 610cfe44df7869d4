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

    /// Whether it asks what `other` asks, however often and with whatever patience.
    func asksTheSame(as other: ReadinessProbe) -> Bool {
        path == other.path && postData == other.postData && headers == other.headers
    }
}

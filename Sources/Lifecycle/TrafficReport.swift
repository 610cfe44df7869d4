/// What a service's load balancer has seen of its traffic, as it writes it down for the controller.
///
/// It is a report and no event: traffic is not worth a log entry for each request, and what is decided
/// because of it is an event of its own. A reader takes the counts of `recent` together with its own
/// clock: no report is written while nothing happens.
public struct TrafficReport: Hashable, Sendable, Codable {
    /// The generation of the load balancer that wrote it (see ``LoadBalancerReference``).
    public var generation: Int
    /// Wall time of writing, microseconds since 1970.
    public var writtenAtMicroseconds: Int64
    /// Wall time at which the last request came, microseconds since 1970; nil while none has.
    public var lastRequestAtMicroseconds: Int64?
    /// Requests that have come, also through earlier processes of this load balancer.
    public var totalRequests: Int
    /// Requests under way at a replica, upgraded connections among them.
    public var inFlight: Int
    /// Requests that wait for a replica to become ready.
    public var held: Int
    /// Requests under way by replica id, those without any left out. A replica that is being drained is
    /// named for as long as requests are under way at it.
    public var perReplicaInFlight: [Int: Int]
    /// Stream version of the state whose routes it goes by: a replica that this state does not count among
    /// the ready ones gets no more requests, and is drained when ``perReplicaInFlight`` does not name it.
    public var routesVersion: Int?
    /// Whether it has a replica to send requests to.
    public var isServing: Bool
    /// Since when nobody has asked for the service although it served; nil in reports of before there was this.
    public var quietSince: Instant?
    /// Requests that came in each of the last ``recentSeconds`` seconds, oldest first; seconds without any
    /// are left out.
    public var recent: [SecondCount]

    /// Requests that came in one second.
    public struct SecondCount: Hashable, Sendable, Codable {
        /// Seconds since 1970.
        public var second: Int64
        public var count: Int

        public init(second: Int64, count: Int) {
            self.second = second
            self.count = count
        }
    }

    /// How far back `recent` goes: the minute that an autoscaler looks at, and time for it to look.
    public static let recentSeconds: Int64 = 90

    public init(
        generation: Int, writtenAtMicroseconds: Int64, lastRequestAtMicroseconds: Int64? = nil, totalRequests: Int = 0,
        inFlight: Int = 0, held: Int = 0, perReplicaInFlight: [Int: Int] = [:],
        routesVersion: Int? = nil, isServing: Bool = false, quietSince: Instant? = nil, recent: [SecondCount] = []
    ) {
        self.generation = generation
        self.writtenAtMicroseconds = writtenAtMicroseconds
        self.lastRequestAtMicroseconds = lastRequestAtMicroseconds
        self.totalRequests = totalRequests
        self.inFlight = inFlight
        self.held = held
        self.perReplicaInFlight = perReplicaInFlight
        self.routesVersion = routesVersion
        self.isServing = isServing
        self.quietSince = quietSince
        self.recent = recent
    }

    /// Whether it says that no request is under way at a replica that is being drained, and that none can come:
    /// the load balancer in front of it goes by routes that were read after it was taken out of them.
    public func shows(drained replica: Int, _ draining: ReplicaState.Draining, by balancer: LoadBalancerReference)
        -> Bool
    {
        guard generation == balancer.generation, let routesVersion else { return false }
        return routesVersion >= draining.generation && perReplicaInFlight[replica] == nil
    }

    /// Requests that came in the `seconds` seconds that end with `second`.
    public func requests(inTheLast seconds: Int64, at second: Int64) -> Int {
        recent.reduce(0) { sum, part in
            part.second > second &- seconds && part.second <= second ? sum &+ part.count : sum
        }
    }

    /// The load at `now`, wall time in microseconds since 1970. Where there is no replica only what came since then counts:
    /// requests of before were answered, and whoever came later and still waits is told of by ``held``.
    public func load(of service: ServiceState, atMicroseconds now: Int64) -> Autoscaler.Load {
        let isWhole =
            service.loadBalancer?.launchedAtMicroseconds.map { now &- $0 >= Autoscaler.windowSeconds * 1_000_000 }
            ?? false
        let second = now / 1_000_000
        let sinceZero =
            service.replicasForLoad == 0 ? service.scale.map { second &- $0.atMicroseconds / 1_000_000 } : nil
        let seconds = Swift.max(0, Swift.min(Autoscaler.windowSeconds, sinceZero ?? Autoscaler.windowSeconds))
        return Autoscaler.Load(
            requests: requests(inTheLast: seconds, at: second),
            isBusy: inFlight > 0 || held > 0, isWholeWindow: isWhole)
    }
}

/// A service on its controller: what was asked for, and what there is of it.
public struct ServiceState: Hashable, Sendable, Codable {
    public let name: ServiceName
    /// The version that is wanted, from 1; each update makes the next.
    public internal(set) var version: Int
    /// What that version asks for.
    public internal(set) var spec: ServiceSpec
    /// How replicas of earlier versions give way to those of this one.
    public internal(set) var updateMode: UpdateMode = .rolling
    /// What earlier versions asked for: those that have replicas, and the last good one.
    public internal(set) var earlierSpecs: [Int: ServiceSpec] = [:]
    /// The last version before this one of which a replica was ever ready: what serves when this one does
    /// not come up, and what a rollback returns to.
    public internal(set) var lastGoodVersion: Int?
    /// Where its load balancer listens. It stays the service's own across stop and start.
    public let endpoint: Endpoint
    public let requestedAtMicroseconds: Int64
    public let requestedBy: String
    /// Whether it is on its way out: a `down` or a `terminate` was accepted.
    public internal(set) var isEnding = false
    /// Whether what of it cannot be removed is forgotten.
    public internal(set) var isPurged = false
    /// Whether a replica of this version was ever ready. Only such a version is launched again after
    /// a failure: a version that cannot work must not be restarted for ever.
    public internal(set) var wasEverReady = false
    /// Why this version is not launched any more, by the first of its replicas that failed; nil while it may be.
    public internal(set) var launchesStopped: String?
    /// Failures in a row of the version that is launched, for the back-off of the next launch.
    public internal(set) var consecutiveFailures = 0
    /// The last change of the number of replicas because of the load; nil before any.
    public internal(set) var scale: ServiceScale?
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

    /// Replicas of the version that is wanted that are ready.
    public var readyReplicasOfThisVersion: Int {
        replicas.values.count { $0.status == .ready && $0.version == version }
    }

    /// What a version asks for.
    public func spec(ofVersion version: Int) -> ServiceSpec {
        // A version that has replicas has its spec here; a log that says otherwise must still be folded.
        version == self.version ? spec : earlierSpecs[version] ?? spec
    }

    /// The version that is launched when replicas are missing: the one that is wanted, or, when that does
    /// not come up, the last good one. Nil when there is none.
    public var launchedVersion: Int? { launchesStopped == nil ? version : lastGoodVersion }

    /// What the version asks for that answers requests now, or will be the first to: an update that does not come up
    /// must not change how clients are spoken with.
    var servedSpec: ServiceSpec {
        guard !wasEverReady, let lastGoodVersion else { return spec }
        let servesEarlier = launchesStopped != nil || replicas.values.contains { $0.isPresent && $0.version != version }
        return servesEarlier ? spec(ofVersion: lastGoodVersion) : spec
    }

    /// What its load balancer serves HTTPS with; nil for plain HTTP.
    public var servedTLS: TLSFiles? { servedSpec.tls }

    /// What URLs of it begin with.
    public var scheme: String { servedTLS == nil ? "http" : "https" }

    /// Where clients reach it.
    public var url: String { "\(scheme)://\(endpoint)" }

    /// Whether anything of it may be running or listening.
    var hasSomethingPresent: Bool { loadBalancer != nil || replicas.values.contains(where: \.isPresent) }

    /// Whether it failed for good: none of its versions is launched any more, and no replica is left. Its load balancer
    /// may be, to tell whoever asks why.
    var hasFailed: Bool { launchedVersion == nil && !replicas.values.contains(where: \.isPresent) }

    /// Whether it holds its controller up. A service that failed for good does not: it waits for nothing, and holding a
    /// paid machine for it would serve nobody. Its load balancer goes with its controller; one that cannot be removed
    /// is waited for like everything that cannot.
    public var isLive: Bool { !hasFailed || loadBalancer?.stuck != nil }

    /// Why it failed, once none of its replicas works and no other is to come; nil while one may.
    public var failure: String? {
        launchedVersion == nil && !replicas.values.contains(where: \.isWorking) ? whyLaunchesStopped : nil
    }
}

/// How replicas of an earlier version give way to those of a new one. The names are SkyServe's.
public enum UpdateMode: String, Hashable, Sendable, Codable, CaseIterable {
    /// Both serve together; as many old ones stay as ready new ones are missing.
    case rolling
    /// The old ones serve until enough new ones are ready; then the new ones do, and the old ones go.
    case blueGreen = "blue_green"
}

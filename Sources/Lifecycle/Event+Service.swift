// Payloads of what happens to services and their load balancers.

public struct ServiceUpRequested: Hashable, Sendable, Codable {
    public var service: ServiceName
    public var version: Int
    public var spec: ServiceSpec
    public var endpoint: Endpoint
}

/// A new version is wanted.
public struct ServiceUpdated: Hashable, Sendable, Codable {
    public var service: ServiceName
    public var version: Int
    public var spec: ServiceSpec
    public var mode: UpdateMode
    /// Replicas that run what the new version asks for already: they are of it from here on.
    public var reused: [Int]
    /// The version whose spec this is, when it is a rollback.
    public var rolledBackTo: Int?
}

public struct ServiceDownRequested: Hashable, Sendable, Codable {
    public var service: ServiceName
    /// Whether what cannot be removed is forgotten; nil for no.
    public var purge: Bool?
    /// How long nobody had asked for it, microseconds, when that is why it goes (`idle_down`).
    public var unusedMicroseconds: Int64?
}

/// Its load asks for another number of replicas.
public struct ServiceScaled: Hashable, Sendable, Codable {
    public var service: ServiceName
    /// How many replicas the load asked for before, and asks for now; overprovisioned ones come on top.
    public var from: Int
    public var to: Int
    /// What it follows from, in words: `240 requests in 60 s`.
    public var reason: String
}

/// A version that was never ready failed: it is not launched again.
public struct ServiceLaunchesStopped: Hashable, Sendable, Codable {
    public var service: ServiceName
    public var version: Int
    public var reason: String
}

public struct ServiceStatusChanged: Hashable, Sendable, Codable {
    public var service: ServiceName
    public var from: ServiceStatus
    public var to: ServiceStatus
    public var reason: String?
}

/// Nothing of the service is left: no process, no port (law L7).
public struct ServiceGone: Hashable, Sendable, Codable {
    public var service: ServiceName
}

public struct LoadBalancerAdded: Hashable, Sendable, Codable {
    public var service: ServiceName
}

/// Its back-off is over.
public struct LoadBalancerLaunchDue: Hashable, Sendable, Codable {
    public var service: ServiceName
    public var latenessMicroseconds: Int64
}

public struct LoadBalancerLaunched: Hashable, Sendable, Codable {
    public var service: ServiceName
    public var handle: Handle
}

/// It ended by itself, or could not be launched; it is launched again, not before `launchAt`.
public struct LoadBalancerEnded: Hashable, Sendable, Codable {
    public var service: ServiceName
    public var reason: String
    public var launchAt: Deadline?
}

public struct LoadBalancerRemoving: Hashable, Sendable, Codable {
    public var service: ServiceName
}

/// An attempt to remove it left something alive; it is tried again at `retryAt`.
public struct LoadBalancerCleanupFailed: Hashable, Sendable, Codable {
    public var service: ServiceName
    public var leftovers: String
    public var retryAt: Deadline
}

/// It is time to try again to remove it.
public struct LoadBalancerCleanupDue: Hashable, Sendable, Codable {
    public var service: ServiceName
    public var latenessMicroseconds: Int64
}

public struct LoadBalancerGone: Hashable, Sendable, Codable {
    public var service: ServiceName
    /// What may be left of it: it was purged, and could not be removed.
    public var leftovers: String?
}

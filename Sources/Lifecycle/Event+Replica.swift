// Payloads of what happens to replicas.

public struct ReplicaAdded: Hashable, Sendable, Codable {
    public var service: ServiceName
    public var replica: Int
    /// Version of the service's spec it will run.
    public var version: Int
    /// Not before this, after failures in a row.
    public var launchAt: Deadline?
}

/// Its back-off is over.
public struct ReplicaLaunchDue: Hashable, Sendable, Codable {
    public var service: ServiceName
    public var replica: Int
    public var latenessMicroseconds: Int64
}

public struct ReplicaLaunched: Hashable, Sendable, Codable {
    public var service: ServiceName
    public var replica: Int
    public var handle: Handle
    public var endpoint: Endpoint
}

/// Its `setup` is done and its `run` runs; it must be ready by `readyBy`.
public struct ReplicaStarting: Hashable, Sendable, Codable {
    public var service: ServiceName
    public var replica: Int
    public var readyBy: Deadline
}

/// It has not been ready yet, and its probes fail in a way they did not before: what a person needs to know
/// who waits for it. Its deadline stays as it is.
public struct ReplicaProbeFailed: Hashable, Sendable, Codable {
    public var service: ServiceName
    public var replica: Int
    /// What the probe saw, e.g. `HTTP 404 in 0.8 ms`, `connection refused`.
    public var evidence: String
}

public struct ReplicaReady: Hashable, Sendable, Codable {
    public var service: ServiceName
    public var replica: Int
    /// What the probe saw, e.g. `HTTP 200 in 0.8 ms`.
    public var evidence: String
}

/// It was ready and fails its probes; it is replaced unless ready again by `readyBy`.
public struct ReplicaNotReady: Hashable, Sendable, Codable {
    public var service: ServiceName
    public var replica: Int
    public var evidence: String
    public var readyBy: Deadline
}

/// Its process ended by itself.
public struct ReplicaEnded: Hashable, Sendable, Codable {
    public var service: ServiceName
    public var replica: Int
    public var ending: Ending
    /// The last lines it wrote.
    public var logTail: String?
}

/// It gets no new requests and finishes those it has; what it has not finished at `until` is cut off.
public struct ReplicaDraining: Hashable, Sendable, Codable {
    public var service: ServiceName
    public var replica: Int
    public var reason: RemovalReason
    public var until: Deadline
}

/// Whatever there is of it is being ended.
public struct ReplicaRemoving: Hashable, Sendable, Codable {
    public var service: ServiceName
    public var replica: Int
    public var reason: RemovalReason
    /// How late the deadline was that led to it, microseconds.
    public var latenessMicroseconds: Int64?
}

/// An attempt to remove it left something alive; it is tried again at `retryAt`.
public struct ReplicaCleanupFailed: Hashable, Sendable, Codable {
    public var service: ServiceName
    public var replica: Int
    public var leftovers: String
    public var retryAt: Deadline
}

/// It is time to try again to remove it.
public struct ReplicaCleanupDue: Hashable, Sendable, Codable {
    public var service: ServiceName
    public var replica: Int
    public var latenessMicroseconds: Int64
}

/// Nothing of it is left, and this is why it ended.
public struct ReplicaFailed: Hashable, Sendable, Codable {
    public var service: ServiceName
    public var replica: Int
    public var status: ReplicaStatus
    public var reason: String
}

/// Nothing of it is left, and it is no longer listed.
public struct ReplicaGone: Hashable, Sendable, Codable {
    public var service: ServiceName
    public var replica: Int
    public var reason: String?
    /// What may be left of it: it was purged, and could not be removed.
    public var leftovers: String?
}

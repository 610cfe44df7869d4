// How many replicas a service should have, by its spec and its load.

/// The last change of the number of replicas because of the load.
public struct ServiceScale: Hashable, Sendable, Codable {
    /// How many replicas the load asked for, before overprovisioning.
    public var replicas: Int
    /// What that followed from, in words.
    public var reason: String
    public var atMicroseconds: Int64
}

extension ServiceState {
    /// How many replicas the load asks for, by the last decision; before any, the fewest there may be.
    public var replicasForLoad: Int {
        let policy = spec.replicaPolicy
        return policy.isFixed ? policy.minReplicas : policy.clipped(scale?.replicas ?? policy.minReplicas)
    }

    /// How many replicas are wanted while it is served, overprovisioned ones included.
    public var targetReplicas: Int {
        let count = replicasForLoad &+ spec.replicaPolicy.numOverprovision
        return Swift.max(0, Swift.min(count, ServiceSpec.maximumReplicas))
    }

    /// Whether there are to be replicas, now or when requests come.
    public var mayHaveReplicas: Bool {
        targetReplicas > 0 || !spec.replicaPolicy.isFixed && (spec.replicaPolicy.maxReplicas ?? 0) > 0
    }

    /// Why there is no replica although nothing is wrong.
    var scaledToZeroInWords: String? {
        guard mayHaveReplicas else { return nil }
        return "\(scale?.reason ?? "no request yet"); the next one starts a replica"
    }

    /// How an update stands, where there is more to say of it than the status does.
    var updateInWords: String? {
        if let reason = launchesStopped {
            let serving = lastGoodVersion.map { "; version \($0) serves" } ?? ""
            return "version \(version) is not launched any more: \(reason)\(serving)"
        }
        guard replicas.values.contains(where: { $0.isWorking && $0.version != version }) else { return nil }
        return "version \(version) is being rolled out: \(readyReplicasOfThisVersion) of \(targetReplicas) ready"
    }
}

// How many replicas a service should have, by its spec and its load.

extension ServiceState {
    /// How many replicas are wanted while it is served.
    public var targetReplicas: Int { Swift.max(0, spec.replicas) }

    /// Whether there are to be replicas, now or when requests come.
    public var mayHaveReplicas: Bool { targetReplicas > 0 || (spec.replicaPolicy.maxReplicas ?? 0) > 0 }

    /// Why there is no replica although nothing is wrong.
    var scaledToZeroInWords: String? { nil }

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

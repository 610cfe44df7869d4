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
    /// What the version asks for that is launched when replicas are missing. Its numbers are the ones in force: an update
    /// that does not come up must not leave fewer of those that serve in its place.
    public var launchedSpec: ServiceSpec { spec(ofVersion: launchedVersion ?? version) }

    /// How many replicas the load asks for, by the last decision; before any, the fewest there may be.
    public var replicasForLoad: Int { replicasForLoad(by: launchedSpec.replicaPolicy) }

    private func replicasForLoad(by policy: ReplicaPolicy) -> Int {
        policy.isFixed ? policy.minReplicas : policy.clipped(scale?.replicas ?? policy.minReplicas)
    }

    /// How many replicas are wanted while it is served, overprovisioned ones included.
    public var targetReplicas: Int {
        let count = targetReplicas(by: launchedSpec.replicaPolicy)
        // That it needs none until somebody asks does not show that it can serve, and those that can are to go for it.
        return count == 0 && isUnproven && launchedSpec.replicaPolicy.mayScaleUp ? 1 : count
    }

    private func targetReplicas(by policy: ReplicaPolicy) -> Int {
        Swift.max(0, Swift.min(replicasForLoad(by: policy) &+ policy.numOverprovision, ServiceSpec.maximumReplicas))
    }

    /// Whether replicas of an earlier version serve, or may yet, and this one has shown nothing.
    var isUnproven: Bool {
        !wasEverReady && launchesStopped == nil && lastGoodVersion != nil
            && replicas.values.contains { $0.isWorking && $0.version != version }
    }

    /// How many replicas the version that serves until this one does is to have; nil when there is none.
    var earlierTarget: Int? {
        lastGoodVersion.map { targetReplicas(by: spec(ofVersion: $0).replicaPolicy) }
    }

    /// Whether there are to be replicas, now or when requests come.
    public var mayHaveReplicas: Bool { targetReplicas > 0 || launchedSpec.replicaPolicy.mayScaleUp }

    /// Why there is no replica although nothing is wrong.
    var scaledToZeroInWords: String? {
        guard mayHaveReplicas else { return nil }
        return "\(scale?.reason ?? "no request yet"); the next one starts a replica"
    }

    /// What is wrong with a service that worked and whose replicas do not stay; nil when nothing is.
    public var failuresInWords: String? {
        guard consecutiveFailures > 0 else { return nil }
        let last = orderedReplicas.last { if case .failed = $0.phase { true } else { false } }?.reasonInWords
        let many = consecutiveFailures == 1 ? "a replica failed" : "\(consecutiveFailures) replicas failed in a row"
        return many + (last.map { ", the last: \($0)" } ?? "")
    }

    /// Whether its replicas fail one after the other, and none is there until the next is launched after a while.
    public var isBackingOff: Bool {
        let working = replicas.values.filter(\.isWorking)
        return consecutiveFailures >= Self.failuresUntilToldOff && !working.isEmpty
            && working.allSatisfy { if case .pending(_?) = $0.phase { true } else { false } }
    }

    /// The first launches come again within a second or two, for which it is worth waiting.
    private static let failuresUntilToldOff = 3

    /// How an update stands, where there is more to say of it than the status does.
    var updateInWords: String? {
        if let reason = whyLaunchesStopped {
            let serving = lastGoodVersion.map { "; version \($0) serves" } ?? ""
            return "version \(version) is not launched any more: \(reason)\(serving)"
        }
        guard replicas.values.contains(where: { $0.isWorking && $0.version != version }) else { return nil }
        return "version \(version) is being rolled out: \(readyReplicasOfThisVersion) of \(targetReplicas) ready"
    }
}

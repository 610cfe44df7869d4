/// What a service's replicas lack, and which of them are too many, for a number that is wanted: the rules
/// of scaling and of updates in one place. Derived from the state, so that an update that is interrupted
/// by anything goes on where it was.
struct ReplicaPlan: Hashable, Sendable {
    /// How many replicas of ``ServiceState/launchedVersion`` to add.
    var missing: Int
    /// Replicas to take away, the first to go first.
    var surplus: [ReplicaState]
}

extension ServiceState {
    func replicaPlan(wanted: Int) -> ReplicaPlan {
        let working = replicas.values.filter(\.isWorking)
        let current = working.filter { $0.version == version }
        let earlier = working.filter { $0.version != version }
        let kept = earlierReplicasKept(wanted: wanted)
        let surplus = Self.leaving(earlier, keeping: kept) + Self.leaving(current, keeping: wanted)
        let missing: Int =
            switch launchedVersion {
            case nil: 0
            case version: wanted - current.count
            // The version that is wanted does not come up: the last good one serves in its place.
            default: wanted - earlier.count
            }
        return ReplicaPlan(missing: Swift.max(0, missing), surplus: surplus)
    }

    /// How many replicas of earlier versions stay while those of this one get ready: as many as they are to be until it
    /// has shown that it can serve, and then as many as it lacks.
    private func earlierReplicasKept(wanted: Int) -> Int {
        guard wanted > 0 else { return 0 }
        switch updateMode {
        case .rolling:
            let isUntried = readyReplicasOfThisVersion == 0 && !wasEverReady && launchedVersion == version
            return isUntried ? earlierTarget ?? wanted : Swift.max(0, wanted - readyReplicasOfThisVersion)
        case .blueGreen:
            let enough = Swift.min(wanted, Swift.max(1, spec.replicaPolicy.minReplicas))
            guard launchedVersion == version else { return wanted }
            return readyReplicasOfThisVersion >= enough ? 0 : earlierTarget ?? wanted
        }
    }

    /// The first to go are those that serve least: by status, then the older version, then the higher id.
    private static func leaving(_ replicas: [ReplicaState], keeping count: Int) -> [ReplicaState] {
        guard replicas.count > count else { return [] }
        let ordered = replicas.sorted { a, b in
            (a.phase.rankOfLeaving, a.version, -a.id) < (b.phase.rankOfLeaving, b.version, -b.id)
        }
        return Array(ordered.prefix(replicas.count - count))
    }

    /// Replicas that new requests are sent to. In a blue-green update those are the earlier version's until
    /// the new one takes over, which is when the earlier ones are drained.
    public var routedReplicas: [ReplicaState] {
        let ready = orderedReplicas.filter { $0.status == .ready }
        switch updateMode {
        case .rolling:
            return ready
        case .blueGreen:
            let earlier = ready.filter { $0.version != version }
            return earlier.isEmpty ? ready : earlier
        }
    }
}

extension ReplicaState.Phase {
    /// SkyServe's order of scaling down.
    fileprivate var rankOfLeaving: Int {
        switch self {
        case .pending: 0
        case .provisioning: 1
        case .starting: 2
        case .notReady: 3
        case .ready: 4
        case .draining, .removing, .failed: 5  // on their way already
        }
    }
}

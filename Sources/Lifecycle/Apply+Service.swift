// The fold of what happens to a service.

extension ServiceState {
    mutating func apply(_ event: ServiceUpdated, _ stamp: Stamp) {
        // One that changes nothing is no other to return from.
        let isTheSame = event.spec == spec && event.spec.runsTheSame(as: spec)
        if wasEverReady, !isTheSame || lastGoodVersion == nil { lastGoodVersion = version }
        earlierSpecs[version] = spec
        version = event.version
        spec = event.spec
        updateMode = event.mode
        for id in event.reused { replicas[id]?.version = event.version }
        wasEverReady = event.reused.contains { replicas[$0]?.readyAtMicroseconds != nil }
        launchesStopped = nil
        consecutiveFailures = 0
        forgetEarlierSpecs()
    }

    mutating func apply(_ event: ServiceDownRequested) {
        isEnding = true
        if event.purge == true { isPurged = true }
    }

    mutating func apply(_ event: ServiceScaled, _ stamp: Stamp) {
        scale = ServiceScale(replicas: event.to, reason: event.reason, atMicroseconds: stamp.atMicroseconds)
    }

    mutating func apply(_ event: ServiceLaunchesStopped) {
        guard event.version == version else { return }
        launchesStopped = event.reason
        // What is launched from here on is the version before it, whose failures those were not.
        if lastGoodVersion != nil { consecutiveFailures = 0 }
    }

    mutating func apply(_ event: ReplicaFailed, _ stamp: Stamp) {
        replicas[event.replica]?.apply(event, stamp)
        forgetEarlierSpecs()
    }

    mutating func apply(_ event: ReplicaGone) {
        replicas[event.replica] = nil
        forgetEarlierSpecs()
    }

    /// What an earlier version asked for is needed while replicas of it may run, and to return to it.
    private mutating func forgetEarlierSpecs() {
        guard !earlierSpecs.isEmpty else { return }
        let present = Set(replicas.values.filter(\.isPresent).map(\.version))
        earlierSpecs = earlierSpecs.filter { $0.key == lastGoodVersion || present.contains($0.key) }
    }

    mutating func apply(_ event: ServiceStatusChanged, _ stamp: Stamp) {
        status = event.to
        statusSinceMicroseconds = stamp.atMicroseconds
        readySinceMicroseconds = event.to == .ready ? stamp.atMicroseconds : nil
    }

    mutating func apply(_ event: LoadBalancerAdded, _ stamp: Stamp) {
        loadBalancer = LoadBalancerState(generation: stamp.version, phase: .pending(nil))
    }

    mutating func apply(_ event: LoadBalancerLaunched, _ stamp: Stamp) {
        loadBalancer?.phase = .running(event.handle)
        loadBalancer?.launchedAtMicroseconds = stamp.atMicroseconds
    }

    mutating func apply(_ event: LoadBalancerEnded, _ stamp: Stamp) {
        guard let current = loadBalancer else { return }
        loadBalancer?.consecutiveFailures = current.failures(endingAt: stamp.atMicroseconds)
        loadBalancer?.phase = .pending(
            event.launchAt.map {
                LoadBalancerState.BackOff(deadline: $0, generation: stamp.version, reason: event.reason)
            })
    }

    mutating func apply(_ event: ReplicaAdded, _ stamp: Stamp) {
        nextReplicaID = Swift.max(nextReplicaID, event.replica &+ 1)
        replicas[event.replica] = ReplicaState(
            id: event.replica, version: event.version, generation: stamp.version,
            addedAtMicroseconds: stamp.atMicroseconds, phase: .pending(launchAt: event.launchAt),
            sinceMicroseconds: stamp.atMicroseconds)
    }

    mutating func apply(_ event: ReplicaReady, _ stamp: Stamp) {
        replicas[event.replica]?.enter(.ready, stamp)
        replicas[event.replica]?.readyAtMicroseconds = stamp.atMicroseconds
        guard replicas[event.replica]?.version == version else { return }
        wasEverReady = true
        launchesStopped = nil
    }

    mutating func apply(_ event: ReplicaRemoving, _ stamp: Stamp) {
        guard let replica = replicas[event.replica] else { return }
        if case .failed = event.reason, replica.version == launchedVersion {
            consecutiveFailures = replica.wasSteadilyReady(at: stamp.atMicroseconds) ? 1 : consecutiveFailures &+ 1
        }
        replicas[event.replica]?.enter(.removing(ReplicaState.Removal(reason: event.reason)), stamp)
    }
}

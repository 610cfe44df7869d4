// What follows from the state by itself. Run after every command, in the same transaction, until
// nothing more follows; so a state at rest never owes anything that needs no work in the world.
//
// Of a service it depends on that service and on what its controller does. So those are looked at that something was
// recorded about, and all of them once something was about the controller: to settle after an event of a service that is
// served takes as long however many there are.

extension Decision {
    /// How many replicas that failed a service keeps listed, to tell why. The log keeps all.
    static let failedReplicasKept = 5

    mutating func settle() {
        var before: Int
        repeat {
            before = events.count
            settleController()
            for name in unsettledServices { settleService(name) }
        } while events.count > before
        for name in unsettledServices { settleStatus(name) }
    }

    private var unsettledServices: [ServiceName] {
        isAtRest ? state.orderedServices : events.changedServices?.sorted() ?? state.orderedServices
    }

    /// Nothing runs. Then little is recorded, and what a repair of the log has cut off is made good with the first of it; when
    /// something runs, the event of its controller's start has seen to that.
    private var isAtRest: Bool {
        switch state.phase {
        case .absent, .stopped, .failed, .terminated: true
        case .starting, .up, .idle, .stopping, .terminating: false
        }
    }

    /// Without a live service, or other use, a controller that is up is idle; with one, it is not.
    private mutating func settleController() {
        switch state.phase {
        case .up where !state.isInUse:
            record(.controllerIdle(idleEvent))
        case .idle where state.isInUse:
            let uses = state.activeUses.joined(separator: ", ")
            wake(because: state.hasLiveService ? nil : "in use by \(uses) (wait_for)")
        case .absent, .starting, .up, .idle, .stopping, .stopped, .failed, .terminating, .terminated:
            break
        }
    }

    private mutating func settleService(_ name: ServiceName) {
        guard let service = state.services[name] else { return }
        if case .terminating = state.phase, !service.isEnding {
            record(.serviceDownRequested(ServiceDownRequested(service: name)))
            return
        }
        settleReplicas(service)
        settleLoadBalancer(service)
        endDraining(name)
        forgetOldFailures(name)
        purge(name)
        if service.isEnding, state.services[name]?.hasSomethingPresent == false {
            record(.serviceGone(ServiceGone(service: name)))
        }
    }

    private mutating func settleReplicas(_ service: ServiceState) {
        let plan = service.replicaPlan(wanted: state.wantedReplicas(of: service))
        if let version = service.launchedVersion { add(plan.missing, of: version, to: service) }
        for replica in plan.surplus { retire(replica, of: service.name, .notWanted) }
    }

    private mutating func add(_ count: Int, of version: Int, to service: ServiceState) {
        let wait = BackOffRule.replicaSeconds(service: service.name, failures: service.consecutiveFailures)
        for id in (0..<count).map({ service.nextReplicaID &+ $0 }) {
            record(
                .replicaAdded(
                    ReplicaAdded(
                        service: service.name, replica: id, version: version,
                        launchAt: wait > 0 ? Deadline(seconds: wait, after: now) : nil)))
        }
    }

    /// Takes away a replica that works: one that may have requests finishes them first.
    mutating func retire(_ replica: ReplicaState, of name: ServiceName, _ reason: RemovalReason) {
        guard let service = state.services[name] else { return }
        let limit = service.spec(ofVersion: replica.version).replicaDrainDelaySeconds
        switch replica.phase {
        case .ready, .notReady:
            if limit > 0, service.loadBalancer != nil {
                record(
                    .replicaDraining(
                        ReplicaDraining(
                            service: name, replica: replica.id, reason: reason,
                            until: Deadline(seconds: limit, after: now))))
            } else {
                record(.replicaRemoving(ReplicaRemoving(service: name, replica: replica.id, reason: reason)))
            }
        case .pending, .provisioning, .starting:
            record(.replicaRemoving(ReplicaRemoving(service: name, replica: replica.id, reason: reason)))
        case .draining, .removing, .failed:
            break  // on its way already
        }
    }

    /// Requests come through the load balancer alone: once it is gone, none is left.
    private mutating func endDraining(_ name: ServiceName) {
        guard let service = state.services[name], service.loadBalancer == nil else { return }
        for replica in service.orderedReplicas {
            guard case .draining(let draining) = replica.phase else { continue }
            record(.replicaRemoving(ReplicaRemoving(service: name, replica: replica.id, reason: draining.reason)))
        }
    }

    private mutating func settleLoadBalancer(_ service: ServiceState) {
        switch (state.wantsLoadBalancer(service), service.loadBalancer?.phase) {
        case (true, nil):
            record(.loadBalancerAdded(LoadBalancerAdded(service: service.name)))
        case (false, .pending), (false, .running):
            record(.loadBalancerRemoving(LoadBalancerRemoving(service: service.name)))
        case (true, .pending), (true, .running), (true, .removing), (false, .removing), (false, nil):
            break
        }
    }

    private mutating func forgetOldFailures(_ name: ServiceName) {
        guard let service = state.services[name], !service.replicas.values.allSatisfy(\.isPresent) else { return }
        let failed = service.orderedReplicas.filter { !$0.isPresent }
        let telling = service.launchesStopped == nil ? nil : service.mostTellingFailure?.id
        for replica in failed.dropLast(Self.failedReplicasKept) where replica.id != telling {
            record(.replicaGone(ReplicaGone(service: name, replica: replica.id)))
        }
    }

    /// What a purged service could not remove is forgotten, and the log says what may be left.
    private mutating func purge(_ name: ServiceName) {
        guard let service = state.services[name], service.isPurged else { return }
        for replica in service.orderedReplicas {
            guard let stuck = replica.stuck else { continue }
            record(
                .replicaGone(
                    ReplicaGone(service: name, replica: replica.id, leftovers: stuck.leftovers)))
        }
        if let stuck = service.loadBalancer?.stuck {
            record(
                .loadBalancerGone(
                    LoadBalancerGone(service: name, leftovers: stuck.leftovers)))
        }
    }

    private mutating func settleStatus(_ name: ServiceName) {
        guard let service = state.services[name] else { return }
        let (status, reason) = state.derivedStatus(of: service)
        guard status != service.status else { return }
        record(
            .serviceStatusChanged(
                ServiceStatusChanged(service: name, from: service.status, to: status, reason: reason)))
    }
}

extension ControllerState {
    /// How many replicas the service should have now.
    func wantedReplicas(of service: ServiceState) -> Int {
        isServing && !service.isEnding ? service.targetReplicas : 0
    }

    /// Whether the service should be reachable: also while no replica is ready yet, so that callers are
    /// told what is happening, and once it failed for good, so that they are told why.
    func wantsLoadBalancer(_ service: ServiceState) -> Bool { isServing && !service.isEnding }

    /// The service's status as it follows from the state, and why, where there is a reason to give.
    func derivedStatus(of service: ServiceState) -> (ServiceStatus, reason: String?) {
        if let stuck = service.stuck { return (.failedCleanup, stuck.leftovers) }
        if service.isEnding { return (.shuttingDown, nil) }
        if service.hasFailed { return (.failed, service.whyLaunchesStopped) }
        switch phase {
        case .failed(let reason): return (.controllerFailed, reason)
        case .starting:
            return (.controllerInit, heldStart.map { "the start of its controller is held back: \($0.reason)" })
        case .stopping(let stopping):
            if service.hasSomethingPresent { return (.shuttingDown, "the controller is stopping") }
            return stopping.startAgain ? (.controllerInit, nil) : (.noReplica, "the controller is stopping")
        case .stopped: return (.noReplica, "the controller is stopped")
        case .absent, .terminating, .terminated: return (.shuttingDown, nil)
        case .up, .idle: break
        }
        let replicas = service.replicas.values
        if replicas.contains(where: { $0.status == .ready }) {
            return service.loadBalancer?.isRunning == true
                ? (.ready, service.updateInWords)
                : (.notReady, service.loadBalancer?.reasonInWords ?? "its load balancer is not running")
        }
        if replicas.contains(where: { $0.status == .notReady }) { return (.notReady, service.updateInWords) }
        // Those that work and are neither ready nor not ready are on their way.
        if replicas.contains(where: \.isWorking) {
            return (.replicaInit, service.updateInWords ?? service.failuresInWords)
        }
        if let reason = service.whyLaunchesStopped, service.launchedVersion == nil { return (.shuttingDown, reason) }
        if service.targetReplicas == 0 { return (.noReplica, service.scaledToZeroInWords) }
        return replicas.contains(where: \.isPresent) ? (.shuttingDown, nil) : (.noReplica, nil)
    }
}

extension ControllerState {
    /// Why the service has the status it has, where there is more to say than the status does.
    public func statusReason(of service: ServiceState) -> String? { derivedStatus(of: service).reason }
}

extension ServiceState {
    /// What of it could not be removed: the first of its replicas that could not, or else its load balancer.
    fileprivate var stuck: ReplicaState.Stuck? {
        let replica = replicas.values.lazy.filter { $0.stuck != nil }.min { $0.id < $1.id }
        return replica?.stuck ?? loadBalancer?.stuck
    }

    /// Replicas that run, are on their way, or are being removed.
    public var presentReplicaCount: Int { replicas.values.count(where: \.isPresent) }
}

extension ReplicaState {
    /// Why it failed, is being removed or is not ready.
    public var reasonInWords: String? {
        switch phase {
        case .removing(let removal):
            if let stuck = removal.stuck { return "could not be removed: \(stuck.leftovers)" }
            switch removal.reason {
            case .notWanted: return nil
            case .byHand: return "removed by hand"
            case .failed(_, let reason), .preempted(let reason): return reason
            }
        case .failed(_, let reason): return reason
        case .starting(let waiting): return waiting.evidence.map { "not ready yet: \($0)" }
        case .notReady(let waiting): return waiting.evidence
        case .draining: return "finishes the requests it has"
        case .pending, .provisioning, .ready: return nil
        }
    }

    var stuck: Stuck? {
        if case .removing(let removal) = phase { removal.stuck } else { nil }
    }
}

import Lifecycle

// Laws about replicas: whom requests may be taken from, and what an update may cost.

extension Laws {
    /// A replica that served is not ended while it has requests, unless its time to finish them is over, it
    /// ended by itself or failed.
    func checkDraining(
        _ stamped: StampedEvent, _ before: ControllerState, _ after: ControllerState, _ machine: SimulatedMachine,
        _ now: Instant
    ) throws(Violation) {
        guard case .replicaRemoving(let event) = stamped.event,
            let service = before.services[event.service], let replica = service.replicas[event.replica]
        else { return }
        let key = SimulatedMachine.ReplicaKey(controller: before.name, replica: replica.reference(of: event.service))
        switch event.reason {
        case .failed, .preempted: return
        case .notWanted, .byHand: break
        }
        guard machine.replicas[key] != nil else { return }
        switch replica.phase {
        case .ready, .notReady:
            guard machine.inFlight(key) == 0 || service.loadBalancer == nil else {
                throw Violation(law: "drain", what: "replica \(event.replica) of \(event.service) is ended undrained")
            }
        case .draining(let draining):
            let isOver = draining.deadline.latenessMicroseconds(at: now) != nil
            guard isOver || machine.inFlight(key) == 0 else {
                throw Violation(
                    law: "drain",
                    what: "replica \(event.replica) of \(event.service) is ended with \(machine.inFlight(key)) requests"
                )
            }
            if isOver, event.latenessMicroseconds == nil, machine.inFlight(key) > 0 {
                throw Violation(law: "drain", what: "the end of a replica's time to drain is not recorded")
            }
        case .pending, .provisioning, .starting, .removing, .failed: break
        }
    }

    /// While an update or a change of the number of replicas goes on, it takes none that is ready away from
    /// those that are needed.
    func checkUpdates(
        _ events: [StampedEvent], _ before: ControllerState, _ after: ControllerState
    ) throws(Violation) {
        for stamped in events {
            guard case .replicaDraining(let event) = stamped.event, event.reason == .notWanted,
                let was = before.services[event.service], let now = after.services[event.service], !now.isEnding,
                after.status == .up
            else { continue }
            let target = now.targetReplicas
            // A version that has shown nothing takes nothing away from the one before, unless it is to have none at all.
            if !now.wasEverReady, now.launchesStopped == nil, let good = now.lastGoodVersion, target > 0 {
                let policy = now.spec(ofVersion: good).replicaPolicy
                let least = policy.minReplicas + policy.numOverprovision
                let left = now.readyReplicas(notOf: now.version)
                guard left >= min(least, was.readyReplicas) else {
                    throw Violation(
                        law: "update",
                        what: "\(event.service) is left with \(left) of its \(least) replicas by an untried version")
                }
            }
            let needed: Int =
                switch now.updateMode {
                case .rolling: target
                case .blueGreen: min(target, max(1, now.launchedSpec.replicaPolicy.minReplicas))
                }
            guard now.readyReplicas >= min(was.readyReplicas, needed) else {
                throw Violation(
                    law: "update",
                    what: "\(event.service) had \(was.readyReplicas) ready replicas, wants \(target), "
                        + "and is left with \(now.readyReplicas)")
            }
            // Those of the new version take over only once there are enough of them.
            let current = now.readyReplicasOfThisVersion
            let (left, earlier) = (now.readyReplicas(notOf: now.version), was.readyReplicas(notOf: now.version))
            if now.updateMode == .blueGreen, let leaving = was.replicas[event.replica], leaving.status == .ready,
                leaving.version != now.version, current < needed, left < min(leastEarlier(of: now, target), earlier)
            {
                throw Violation(
                    law: "update", what: "\(event.service) turns to a version with \(current) ready replicas")
            }
        }
    }

    /// How many replicas of the version before have to stay for as long as there are not enough of this one: as many as it
    /// asked for at least.
    private func leastEarlier(of service: ServiceState, _ target: Int) -> Int {
        guard service.launchesStopped == nil, target > 0, let good = service.lastGoodVersion else {
            return target
        }
        let policy = service.spec(ofVersion: good).replicaPolicy
        return max(target, policy.minReplicas + policy.numOverprovision)
    }

    /// Of replicas that serve as much, and are of one version, the newest goes first.
    func checkOrder(_ events: [StampedEvent], _ before: ControllerState, _ after: ControllerState) throws(Violation) {
        for stamped in events {
            switch stamped.event {
            case .replicaDraining(let event) where event.reason == .notWanted: break
            case .replicaRemoving(let event) where event.reason == .notWanted: break
            default: continue
            }
            guard let name = stamped.event.service, let id = stamped.event.replica,
                let was = before.services[name]?.replicas, let now = after.services[name]?.replicas,
                let leaving = was[id], leaving.status != .shuttingDown, leaving.status != .failedCleanup
            else { continue }
            let stays = now.values.first { other in
                other.id > id && other.version == now[id]?.version && other.status == leaving.status
                    && was[other.id]?.status == leaving.status
            }
            if let stays {
                throw Violation(
                    law: "update", what: "replica \(id) of \(name) goes, and \(stays.id), which is newer, stays")
            }
        }
    }

    /// The number of replicas follows the load only within what the service asks for.
    func checkScaling(_ stamped: StampedEvent, _ before: ControllerState) throws(Violation) {
        guard case .serviceScaled(let event) = stamped.event, let service = before.services[event.service] else {
            return
        }
        let policy = service.launchedSpec.replicaPolicy
        let most = policy.targetQPSPerReplica == nil ? policy.minReplicas : policy.maxReplicas ?? policy.minReplicas
        guard event.to >= policy.minReplicas, event.to <= most, event.to != event.from, !service.isEnding else {
            throw Violation(
                law: "scale",
                what:
                    "\(event.service) is scaled from \(event.from) to \(event.to), may have \(policy.minReplicas) to \(most)"
            )
        }
    }

    /// Nobody's service is taken away: it has been of no use for as long as it says.
    func checkUnused(_ service: ServiceState, _ last: Instant?, _ now: Instant) throws(Violation) {
        guard let limit = service.launchedSpec.idleDownSeconds, let last, last.bootID == now.bootID else {
            throw Violation(law: "unused", what: "\(service.name) is called unused and never served")
        }
        let quiet = now.bootMicroseconds - last.bootMicroseconds
        guard Double(quiet) / 1e6 >= limit else {
            throw Violation(
                law: "unused", what: "\(service.name) is called unused after \(quiet) us, and says \(limit) s")
        }
    }

    /// Nothing is given up that nobody has tried to remove, or that nobody wanted to be given up.
    func checkPurge(_ stamped: StampedEvent, _ events: [StampedEvent], _ before: ControllerState) throws(Violation) {
        if case .loadBalancerGone(let gone) = stamped.event, gone.leftovers != nil {
            try checkPurge(of: gone.service, events, before)
        }
        guard case .replicaGone(let gone) = stamped.event, gone.leftovers != nil else { return }
        let service = before.services[gone.service]
        let wasStuck = service?.replicas[gone.replica]?.status == .failedCleanup
        let failsNow = events.contains {
            if case .replicaCleanupFailed(let event) = $0.event { event.replica == gone.replica } else { false }
        }
        let asks = events.contains {
            if case .serviceDownRequested(let event) = $0.event { event.purge == true } else { false }
        }
        guard wasStuck || failsNow, service?.isPurged == true || asks else {
            throw Violation(law: "L7", what: "replica \(gone.replica) of \(gone.service) is given up untried")
        }
    }

    /// What somebody wanted to be given up is, as soon as it cannot be removed.
    func checkPurged(_ state: ControllerState) throws(Violation) {
        for service in state.services.values where service.isPurged {
            let stuck = service.replicas.values.first { $0.status == .failedCleanup }
            guard stuck == nil, service.loadBalancer?.stuck == nil else {
                throw Violation(law: "L7", what: "\(service.name) waits for what it was to give up")
            }
        }
    }

    private func checkPurge(
        of name: ServiceName, _ events: [StampedEvent], _ before: ControllerState
    ) throws(Violation) {
        let fails = events.contains { $0.event.type == .loadBalancerCleanupFailed }
        guard fails || before.services[name]?.loadBalancer?.stuck != nil else {
            throw Violation(law: "L7", what: "the load balancer of \(name) is given up untried")
        }
    }

    /// Requests are sent to replicas that are ready, and in a blue-green update to those of one side alone.
    func checkRoutes(_ service: ServiceState, on controller: ControllerName) throws(Violation) {
        let routed = service.routedReplicas.map(\.id)
        guard let book = books[controller], let known = book.specs.services[service.name] else { return }
        for id in routed where !book.lives.isReady(id, of: service.name) {
            throw Violation(law: "drain", what: "requests are sent to replica \(id) of \(service.name), not ready")
        }
        let current = routed.filter { known.replicas[$0]?.version == known.version }
        guard service.updateMode != .blueGreen || current.isEmpty || current.count == routed.count else {
            throw Violation(law: "update", what: "requests of \(service.name) are sent to both versions")
        }
    }

    /// A replica is watched as its own version says.
    func checkBegins(_ work: Work, on controller: ControllerName) throws(Violation) {
        guard case .watchReplica(let replica, _, _, let version) = work,
            let known = books[controller]?.specs.services[replica.service]?.replicas[replica.id],
            known.version != version
        else { return }
        throw Violation(
            law: "window", what: "replica \(replica.id) of \(replica.service) is watched as another version")
    }

    /// Whoever waits for a replica gets one, if there may be any.
    func checkNobodyWaits(_ state: ControllerState, _ machine: SimulatedMachine) throws(Violation) {
        for (key, balancer) in machine.loadBalancers where key.controller == state.name && balancer.held > 0 {
            guard state.status == .up, let service = state.services[key.reference.service], !service.isEnding,
                service.launchedVersion != nil, service.launchedSpec.replicaPolicy.maxReplicas ?? 0 > 0
            else { continue }
            throw Violation(law: "liveness", what: "\(balancer.held) requests of \(service.name) wait for ever")
        }
    }

    /// What a service that is wanted must have come to.
    func checkSettled(_ service: ServiceState, of state: ControllerState, shouldRun: Bool) throws(Violation) {
        let target = service.targetReplicas
        let good: [ServiceStatus] =
            !shouldRun || target == 0
            ? [.noReplica, .failed] : service.launchedVersion == nil ? [.failed, .ready] : [.ready]
        // A controller that could not be started waits for whoever starts it again.
        let isFine = state.status == .failed ? service.status == .controllerFailed : good.contains(service.status)
        guard isFine || service.status == .failed else {
            throw Violation(law: "liveness", what: "\(service.name) settled as \(service.status.rawValue)")
        }
        if service.status == .failed, shouldRun, state.status != .failed, service.loadBalancer?.isRunning != true {
            throw Violation(law: "liveness", what: "\(service.name) failed, and nobody tells those who ask for it")
        }
        guard service.status == .ready, let version = service.launchedVersion else { return }
        guard service.launchedSpec.idleDownSeconds == nil || service.launchedSpec.replicaPolicy.minReplicas == 0 else {
            throw Violation(law: "liveness", what: "\(service.name) is there still although nobody asks for it")
        }
        let working = service.replicas.values.filter { $0.status == .ready }
        guard working.count == target else {
            throw Violation(law: "liveness", what: "\(service.name) has \(working.count) of \(target) replicas")
        }
        if version == service.version, working.contains(where: { $0.version != version }) {
            throw Violation(law: "liveness", what: "\(service.name) still has replicas of an earlier version")
        }
        if version != service.version, working.contains(where: { $0.version == service.version }) {
            throw Violation(law: "liveness", what: "\(service.name) has replicas of a version that does not come up")
        }
    }
}

extension ServiceState {
    fileprivate func readyReplicas(notOf version: Int) -> Int {
        replicas.values.count { $0.status == .ready && $0.version != version }
    }
}

/// Something the state says must be done in the world next. Work is derived from the state, not from
/// the event that led there, so recovery after a crash is not a special path: fold, ask what is
/// outstanding, do it. Doing it twice must be harmless; it is keyed by what it is about.
public enum Work: Hashable, Sendable {
    case launchLoadBalancer(LoadBalancerReference, Endpoint)
    case watchLoadBalancer(LoadBalancerReference, Handle)
    case removeLoadBalancer(LoadBalancerReference)
    /// See what load it has, and say when that asks for another number of replicas.
    case watchLoad(LoadBalancerReference, Handle)
    case launchReplica(ReplicaReference)
    /// See its `setup` end, its process end; probe it once it runs, as its version says.
    case watchReplica(ReplicaReference, Handle, Endpoint, version: Int)
    /// See the requests it has end, and its process.
    case drainReplica(ReplicaReference, Handle, LoadBalancerReference)
    case removeReplica(ReplicaReference)
    /// Ask these whether the controller is used, and say when an answer is another than before.
    case watchUse([String])
    /// Run it, unless it has begun already; say what became of it.
    case runHook(HookKind, version: Int)
    /// Free what the controller process holds, and report that it is stopped.
    case finishStop
    case finishTermination
}

extension ControllerState {
    /// Everything there is to do now, in a fixed order.
    public var outstanding: [Work] {
        guard needsProcess else { return [] }
        var work: [Work] = []
        for name in orderedServices {
            if let service = services[name] { work += service.outstanding }
        }
        if isServing, let names = policy.waitFor?.value, !names.isEmpty { work.append(.watchUse(names)) }
        for hook in hooksToRun { work.append(.runHook(hook.kind, version: hook.version)) }
        switch phase {
        case .stopping where isEmptyHanded && hooks.isEmpty: work.append(.finishStop)
        case .terminating where services.isEmpty && hooks.isEmpty: work.append(.finishTermination)
        case .absent, .starting, .up, .idle, .stopping, .stopped, .failed, .terminating, .terminated: break
        }
        return work
    }
}

extension ServiceState {
    var outstanding: [Work] {
        var work: [Work] = []
        if let loadBalancer {
            let reference = LoadBalancerReference(service: name, generation: loadBalancer.generation)
            switch loadBalancer.phase {
            case .pending(nil): work.append(.launchLoadBalancer(reference, endpoint))
            case .pending: break  // its deadline makes it due
            case .running(let handle):
                work.append(.watchLoadBalancer(reference, handle))
                let isWatched = !launchedSpec.replicaPolicy.isFixed || launchedSpec.idleDownSeconds != nil
                if isWatched, !isEnding, launchedVersion != nil {
                    work.append(.watchLoad(reference, handle))
                }
            case .removing:
                if loadBalancer.stuck?.retryAt == nil { work.append(.removeLoadBalancer(reference)) }
            }
        }
        for replica in orderedReplicas {
            let reference = replica.reference(of: name)
            switch replica.phase {
            case .pending(nil): work.append(.launchReplica(reference))
            case .provisioning, .starting, .ready, .notReady:
                if let handle = replica.handle, let endpoint = replica.endpoint {
                    work.append(.watchReplica(reference, handle, endpoint, version: replica.version))
                }
            case .draining:
                if let handle = replica.handle, let loadBalancer {
                    let balancer = LoadBalancerReference(service: name, generation: loadBalancer.generation)
                    work.append(.drainReplica(reference, handle, balancer))
                }
            case .removing(let removal):
                if removal.stuck?.retryAt == nil { work.append(.removeReplica(reference)) }
            case .pending, .failed: break  // a deadline makes it due; nothing is left
            }
        }
        return work
    }
}

extension ReplicaState {
    public func reference(of service: ServiceName) -> ReplicaReference {
        ReplicaReference(service: service, id: id, generation: generation)
    }
}

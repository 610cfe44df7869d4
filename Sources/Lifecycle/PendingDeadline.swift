/// A deadline the state waits for. Derived from the state, so that none can be lost: whoever folds the
/// log has them all.
public struct PendingDeadline: Hashable, Sendable {
    public var key: Key
    public var deadline: Deadline
    /// Stream version of the event that set it. A report that the deadline is reached carries it, and
    /// is void when it is no longer current (law L5).
    public var generation: Int

    public enum Key: Hashable, Sendable {
        /// The controller has been idle long enough.
        case idle
        /// A start that was held back may begin.
        case start
        /// A pause of autostop is over.
        case pauseEnd
        /// The controller has been stopped long enough to be terminated.
        case termination
        /// A replica should have become ready by now, for the first time or again.
        case readiness(ServiceName, replica: Int)
        /// A replica's back-off is over.
        case launch(ServiceName, replica: Int)
        /// A replica has had its time to finish the requests it has.
        case drain(ServiceName, replica: Int)
        /// It is time to try again to remove a replica.
        case cleanup(ServiceName, replica: Int)
        /// A load balancer's back-off is over.
        case loadBalancerLaunch(ServiceName)
        /// It is time to try again to remove a load balancer.
        case loadBalancerCleanup(ServiceName)
    }
}

extension PendingDeadline.Key {
    /// The kind, for the column of that name.
    public var kind: String {
        switch self {
        case .idle: "idle"
        case .start: "start"
        case .pauseEnd: "pause_end"
        case .termination: "termination"
        case .readiness: "readiness"
        case .launch: "launch"
        case .drain: "drain"
        case .cleanup: "cleanup"
        case .loadBalancerLaunch: "load_balancer_launch"
        case .loadBalancerCleanup: "load_balancer_cleanup"
        }
    }

    public var service: ServiceName? {
        switch self {
        case .idle, .start, .pauseEnd, .termination: nil
        case .readiness(let service, _), .launch(let service, _), .drain(let service, _),
            .cleanup(let service, _), .loadBalancerLaunch(let service), .loadBalancerCleanup(let service):
            service
        }
    }

    public var replica: Int? {
        switch self {
        case .idle, .start, .pauseEnd, .termination, .loadBalancerLaunch, .loadBalancerCleanup: nil
        case .readiness(_, let replica), .launch(_, let replica), .drain(_, let replica), .cleanup(_, let replica):
            replica
        }
    }
}

extension ControllerState {
    /// Every deadline this state waits for.
    public var pendingDeadlines: [PendingDeadline] {
        var pending = ownDeadlines
        for name in orderedServices {
            guard let service = services[name] else { continue }
            pending += service.pendingDeadlines
        }
        return pending
    }

    /// The deadline under `key`, if the state waits for it.
    func pendingDeadline(_ key: PendingDeadline.Key) -> PendingDeadline? {
        guard let name = key.service else { return ownDeadlines.first { $0.key == key } }
        return services[name]?.pendingDeadlines.first { $0.key == key }
    }

    /// Those of the controller itself.
    public var ownDeadlines: [PendingDeadline] {
        var pending: [PendingDeadline] = []
        if case .idle(let idle) = phase, let deadline = idle.deadline {
            pending.append(PendingDeadline(key: .idle, deadline: deadline, generation: idle.generation))
        }
        if let held = heldStart, case .starting = phase {
            pending.append(PendingDeadline(key: .start, deadline: held.until, generation: held.generation))
        }
        if let pause, let until = pause.until {
            pending.append(PendingDeadline(key: .pauseEnd, deadline: until, generation: pause.generation))
        }
        // Services that will be served again at the next start are not to be lost (law L3).
        if case .stopped(let stopped) = phase, let deadline = stopped.terminateAt, !hasLiveService {
            pending.append(PendingDeadline(key: .termination, deadline: deadline, generation: stopped.generation))
        }
        return pending
    }
}

extension ServiceState {
    public var pendingDeadlines: [PendingDeadline] {
        var pending: [PendingDeadline] = []
        if let loadBalancer, case .pending(let backOff?) = loadBalancer.phase {
            pending.append(
                PendingDeadline(
                    key: .loadBalancerLaunch(name), deadline: backOff.deadline, generation: backOff.generation))
        }
        if let stuck = loadBalancer?.stuck, let retryAt = stuck.retryAt {
            pending.append(
                PendingDeadline(key: .loadBalancerCleanup(name), deadline: retryAt, generation: stuck.generation))
        }
        for replica in orderedReplicas {
            if let deadline = replica.pendingDeadline(of: name) { pending.append(deadline) }
        }
        return pending
    }
}

extension ReplicaState {
    func pendingDeadline(of service: ServiceName) -> PendingDeadline? {
        switch phase {
        case .pending(let launchAt):
            launchAt.map {
                PendingDeadline(key: .launch(service, replica: id), deadline: $0, generation: generation)
            }
        case .starting(let waiting), .notReady(let waiting):
            PendingDeadline(
                key: .readiness(service, replica: id), deadline: waiting.deadline, generation: waiting.generation)
        case .draining(let draining):
            PendingDeadline(
                key: .drain(service, replica: id), deadline: draining.deadline, generation: draining.generation)
        case .removing(let removal):
            removal.stuck.flatMap { stuck in
                stuck.retryAt.map {
                    PendingDeadline(key: .cleanup(service, replica: id), deadline: $0, generation: stuck.generation)
                }
            }
        case .provisioning, .ready, .failed:
            nil
        }
    }
}

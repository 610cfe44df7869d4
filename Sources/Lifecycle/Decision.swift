/// What `decide` answers: the events to append, in order, and the state once they are.
public struct Decision: Sendable {
    /// The state with every event so far folded in.
    public private(set) var state: ControllerState
    /// Empty when nothing happens: a repeated wish, a report that came too late.
    public private(set) var events: [StampedEvent] = []
    let surroundings: Surroundings
    /// The last idle period that an event came in: what it waited for tells how far the wall clock was set meanwhile.
    private(set) var lastIdle: ControllerState.Idle?

    init(state: ControllerState, surroundings: Surroundings) {
        self.state = state
        self.surroundings = surroundings
    }

    var now: Instant { surroundings.now }

    /// Adds an event and folds it at once, so that what is decided next sees it.
    mutating func record(_ event: Event) {
        let stamp = Stamp(
            version: state.version &+ 1, atMicroseconds: now.wallMicroseconds, actor: surroundings.actor)
        if case .idle(let idle) = state.phase { lastIdle = idle }
        state.apply(event, stamp)
        events.append(StampedEvent(event: event, stamp: stamp))
    }
}

/// An event with its place in its stream.
public struct StampedEvent: Hashable, Sendable {
    public var event: Event
    public var stamp: Stamp

    public init(event: Event, stamp: Stamp) {
        self.event = event
        self.stamp = stamp
    }
}

extension [StampedEvent] {
    /// Services of which something may be another now: those that the events are about; nil for any of them, for an event was
    /// about the controller itself, whose phase tells what a service waits for.
    public var changedServices: Set<ServiceName>? {
        contains { $0.event.type.isOfController } ? nil : Set(compactMap(\.event.service))
    }
}

extension ControllerState {
    /// Decides what `command` leads to, or refuses it. Pure: the same state, command and surroundings
    /// give the same events.
    ///
    /// Three steps. Before what somebody wants, what was due (``Decision/fireOverdue()``). Then the command
    /// itself, as far as it is allowed. Then ``Decision/settle()``: what follows from the state by itself,
    /// whatever led there (an empty controller is idle, a missing replica is added, a service with nothing
    /// left is gone). All are one transaction, so no crash can come between a cause and its consequence.
    public func decide(_ command: Command, _ surroundings: Surroundings) throws(Rejection) -> Decision {
        var decision = Decision(state: self, surroundings: surroundings)
        if !command.isReport { decision.fireOverdue() }
        switch command {
        case .up(let request): try decision.up(request)
        case .update(let request): try decision.update(request)
        case .down(let services): try decision.down(services)
        case .purge(let services): try decision.down(services, purge: true)
        case .removeReplica(let service, let id): try decision.removeReplica(service, id)
        case .start(let policy): try decision.start(policy)
        case .stop: try decision.stop()
        case .terminate(let force): try decision.terminate(force: force)
        case .setAutostop(let policy, let keepClock): try decision.setAutostop(policy, keepClock: keepClock)
        case .pauseAutostop(let seconds, let reason): try decision.pauseAutostop(seconds, reason)
        case .resumeAutostop: try decision.resumeAutostop()
        case .takeOver(let process, let previous): try decision.takeOver(process, from: previous)
        case .startFailed(let reason): decision.startFailed(reason)
        case .deadlineReached(let key, let generation): decision.deadlineReached(key, generation)
        case .hookStarted(let version): decision.hookStarted(version)
        case .hookEnded(let version, let outcome): decision.hookEnded(version, outcome)
        case .stopFinished: decision.stopFinished()
        case .terminationFinished: decision.terminationFinished()
        case .scale(let request): decision.scale(request)
        case .serviceUnused(let reference, let version, let idle):
            decision.serviceUnused(reference, version: version, idleMicroseconds: idle)
        case .useSeen(let probe, let isActive, let evidence): decision.useSeen(probe, isActive: isActive, evidence)
        case .loadBalancerLaunched(let reference, let handle): decision.loadBalancerLaunched(reference, handle)
        case .loadBalancerEnded(let reference, let reason): decision.loadBalancerEnded(reference, reason)
        case .loadBalancerRemoved(let reference): decision.loadBalancerRemoved(reference)
        case .loadBalancerRemovalFailed(let reference, let leftovers):
            decision.loadBalancerRemovalFailed(reference, leftovers)
        case .replicaLaunched(let reference, let handle, let endpoint):
            decision.replicaLaunched(reference, handle, endpoint)
        case .replicaLaunchFailed(let reference, let reason): decision.replicaLaunchFailed(reference, reason)
        case .replicaStarted(let reference): decision.replicaStarted(reference)
        case .replicaProbed(let reference, let isReady, let evidence):
            decision.replicaProbed(reference, isReady: isReady, evidence)
        case .replicaEnded(let reference, let ending, let logTail):
            decision.replicaEnded(reference, ending, logTail)
        case .replicaDrained(let reference): decision.replicaDrained(reference)
        case .replicaRemoved(let reference): decision.replicaRemoved(reference)
        case .replicaRemovalFailed(let reference, let leftovers):
            decision.replicaRemovalFailed(reference, leftovers)
        }
        if !decision.events.isEmpty { decision.settle() }
        return decision
    }
}

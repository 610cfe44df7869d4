import Lifecycle

/// Given, when, then over the pure core: a controller, its clock and everything that happened to it.
///
///     var it = Scenario()
///     try it.given(.start, .takeOver(process: "a"))    // what led here
///     it.clock.advance(seconds: 60)
///     let events = try it.when(.up(.api))              // what follows is what the test checks
public struct Scenario: Sendable {
    public var clock: ManualClock
    public var portsTakenElsewhere: Set<UInt16> = []
    public var actor = "ann@desk"
    public private(set) var state: ControllerState
    /// Every event since the controller was absent, oldest first.
    public private(set) var history: [StampedEvent] = []

    public init(_ controller: ControllerName = .dev, clock: ManualClock = ManualClock()) {
        state = ControllerState(name: controller)
        self.clock = clock
    }

    public var surroundings: Surroundings {
        Surroundings(now: clock.now, portsTakenElsewhere: portsTakenElsewhere, actor: actor)
    }

    /// Gives a command now.
    ///
    /// - Returns: the events it led to.
    /// - Throws: the rejection; nothing happened then.
    @discardableResult
    public mutating func when(_ command: Command) throws(Rejection) -> [Event] {
        let decision = try state.decide(command, surroundings)
        for stamped in decision.events { state.apply(stamped.event, stamped.stamp) }
        history += decision.events
        return decision.events.map(\.event)
    }

    /// Gives commands that lead to where a test begins.
    public mutating func given(_ commands: Command...) throws(Rejection) {
        for command in commands { try when(command) }
    }

    /// Reports a deadline as the state has it now, whether it is due or not.
    ///
    /// - Returns: the events it led to; none when there is no such deadline.
    @discardableResult
    public mutating func whenReached(_ key: PendingDeadline.Key) throws(Rejection) -> [Event] {
        guard let pending = pending(key) else { return [] }
        return try when(.deadlineReached(key, generation: pending.generation))
    }

    public func pending(_ key: PendingDeadline.Key) -> PendingDeadline? {
        state.pendingDeadlines.first { $0.key == key }
    }

    /// The replica a report is about, as the state knows it; one that never was when it knows none.
    public func replica(_ id: Int, of service: ServiceName = .api) -> ReplicaReference {
        state.services[service]?.replicas[id]?.reference(of: service)
            ?? ReplicaReference(service: service, id: id, generation: 0)
    }

    public func loadBalancer(of service: ServiceName = .api) -> LoadBalancerReference {
        LoadBalancerReference(service: service, generation: state.services[service]?.loadBalancer?.generation ?? 0)
    }

    /// Folds everything that happened, from nothing (law L2).
    public var folded: ControllerState {
        var state = ControllerState(name: state.name)
        for stamped in history { state.apply(stamped.event, stamped.stamp) }
        return state
    }
}

// What many tests begin with.
extension Scenario {
    /// A controller that was started and has nothing to serve.
    public static func idle(policy: AutostopPolicy = .standard) throws(Rejection) -> Scenario {
        var it = Scenario()
        try it.given(.start(policy: policy), .takeOver(process: "a"))
        return it
    }

    /// A controller that serves ``ServiceName/api``, whose replicas and load balancer are yet to be launched.
    public static func up(replicas: Int = 1, setup: String? = nil) throws(Rejection) -> Scenario {
        var it = try idle()
        try it.given(.up(.api, replicas: replicas, setup: setup))
        return it
    }

    /// A controller that serves ``ServiceName/api`` with one ready replica behind its load balancer.
    public static func serving(setup: String? = nil) throws(Rejection) -> Scenario {
        var it = try up(setup: setup)
        try it.launchLoadBalancer()
        try it.makeReady(1)
        return it
    }

    /// A controller that is idle, with ``ServiceName/api`` that failed for good behind its load balancer.
    public static func failed() throws(Rejection) -> Scenario {
        var it = try up()
        try it.launchLoadBalancer()
        try it.launch(1)
        try it.crash(1)
        try it.removeEverything()
        return it
    }

    public mutating func launchLoadBalancer(of service: ServiceName = .api) throws(Rejection) {
        try when(.loadBalancerLaunched(loadBalancer(of: service), .sample))
    }

    public mutating func launch(_ id: Int, of service: ServiceName = .api) throws(Rejection) {
        try when(.replicaLaunched(replica(id, of: service), .sample, .sample))
    }

    public mutating func makeReady(_ id: Int, of service: ServiceName = .api) throws(Rejection) {
        try launch(id, of: service)
        try when(.replicaStarted(replica(id, of: service)))
        try when(.replicaProbed(replica(id, of: service), isReady: true, evidence: "HTTP 200"))
    }

    /// The replica's `run` exits with code 1.
    @discardableResult
    public mutating func crash(_ id: Int, of service: ServiceName = .api) throws(Rejection) -> [Event] {
        try when(.replicaEnded(replica(id, of: service), .exited(code: 1, stage: .run), logTail: nil))
    }

    /// Everything that is to be removed, is; a stop or a termination under way comes to its end.
    public mutating func removeEverything(runningHooks: Bool = false) throws(Rejection) {
        while let work = state.outstanding.first(where: { $0.isRemoval || runningHooks && $0.isHook }) {
            switch work {
            case .drainReplica(let replica, _, _): try when(.replicaDrained(replica))
            case .removeReplica(let replica): try when(.replicaRemoved(replica))
            case .removeLoadBalancer(let loadBalancer): try when(.loadBalancerRemoved(loadBalancer))
            case .finishStop: try when(.stopFinished)
            case .finishTermination: try when(.terminationFinished)
            case .launchLoadBalancer, .watchLoadBalancer, .watchLoad, .launchReplica, .watchReplica, .watchUse: break
            case .runHook(_, let version): try when(.hookEnded(version, .exited(code: 0)))
            }
        }
    }
}

extension Work {
    fileprivate var isHook: Bool {
        if case .runHook = self { true } else { false }
    }

    fileprivate var isRemoval: Bool {
        switch self {
        case .drainReplica, .removeReplica, .removeLoadBalancer, .finishStop, .finishTermination: true
        case .launchLoadBalancer, .watchLoadBalancer, .watchLoad, .launchReplica, .watchReplica, .watchUse, .runHook:
            false
        }
    }
}

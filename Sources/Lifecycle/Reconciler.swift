/// Which work is in flight, and what to begin or cancel next. A pure state machine that returns actions;
/// the controller process runs them, and the simulator runs them in a world of its own.
///
/// At most one piece of work is in flight for each subject (a replica, a load balancer, the controller),
/// so a replica is never removed while it is being launched. Watching is cancelled when it is no longer
/// wanted; launching and removing are left to end, for half of either is worse than both.
public struct Reconciler: Sendable {
    /// What a piece of work is about.
    public enum Subject: Hashable, Sendable {
        case controller
        case loadBalancer(LoadBalancerReference)
        case load(LoadBalancerReference)
        case use
        /// By the version of the event it is for.
        case hook(Int)
        case replica(ReplicaReference)

        /// A fixed order, by the stream version of the event that made each: no two are alike in it.
        var order: (generation: Int, rank: Int) {
            switch self {
            case .controller: (0, 0)
            case .use: (0, 1)
            case .loadBalancer(let reference): (reference.generation, 0)
            case .load(let reference): (reference.generation, 1)
            case .hook(let version): (version, 2)
            case .replica(let reference): (reference.generation, 0)
            }
        }
    }

    public enum Action: Hashable, Sendable {
        case begin(Work)
        /// The work in flight for this subject is not wanted any more; ``finished(_:atVersion:)`` must
        /// still be called once it has ended.
        case cancel(Subject)
    }

    public private(set) var inFlight: [Subject: Work] = [:]
    /// Work that ended and left the state as it was; it is not begun again before ``retry()``.
    private var fruitless: [Subject: (work: Work, version: Int)] = [:]

    /// Whether work ended without changing the state: time to call ``retry()`` after a pause.
    public var hasFruitlessWork: Bool { !fruitless.isEmpty }

    /// Whether a hook is being run.
    public var isRunningHook: Bool {
        inFlight.values.contains { if case .runHook = $0 { true } else { false } }
    }

    public init() {}

    /// Compares what is outstanding with what is in flight.
    ///
    /// - Parameter version: the stream version of the state `outstanding` was derived from.
    public mutating func reconcile(_ outstanding: [Work], version: Int) -> [Action] {
        var actions: [Action] = []
        var wanted: [Subject: Work] = [:]
        for work in outstanding { wanted[work.subject] = work }
        let unwanted = inFlight.filter { subject, work in wanted[subject] != work && work.isWatching }
        // In a fixed order, so that one history is one history.
        for subject in unwanted.keys.sorted(by: { $0.order < $1.order }) { actions.append(.cancel(subject)) }
        fruitless = fruitless.filter { wanted[$0.key] == $0.value.work && $0.value.version == version }
        for work in outstanding where inFlight[work.subject] == nil && fruitless[work.subject] == nil {
            inFlight[work.subject] = work
            actions.append(.begin(work))
        }
        return actions
    }

    /// The work in flight for `subject` has ended; the state was at `version` when it did.
    public mutating func finished(_ subject: Subject, atVersion version: Int) {
        guard let work = inFlight.removeValue(forKey: subject) else { return }
        fruitless[subject] = (work, version)
    }

    /// Lets work that changed nothing be tried again.
    public mutating func retry() { fruitless = [:] }
}

extension Work {
    /// What it is about: the key under which there is at most one piece of work in flight.
    public var subject: Reconciler.Subject {
        switch self {
        case .launchLoadBalancer(let reference, _), .watchLoadBalancer(let reference, _),
            .removeLoadBalancer(let reference):
            .loadBalancer(reference)
        case .watchLoad(let reference, _): .load(reference)
        case .launchReplica(let reference), .watchReplica(let reference, _, _, _),
            .drainReplica(let reference, _, _), .removeReplica(let reference):
            .replica(reference)
        case .watchUse: .use
        case .runHook(_, let version): .hook(version)
        case .finishStop, .finishTermination:
            .controller
        }
    }

    /// Whether it goes on until it is cancelled.
    public var isWatching: Bool {
        switch self {
        case .watchLoadBalancer, .watchLoad, .watchUse, .watchReplica, .drainReplica: true
        case .launchLoadBalancer, .removeLoadBalancer, .launchReplica, .removeReplica, .runHook, .finishStop,
            .finishTermination:
            false
        }
    }
}

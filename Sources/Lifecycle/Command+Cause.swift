extension Command {
    /// Stream version of the event this command follows from, for the `cause` column: a report about a
    /// replica follows from the event that added it, a deadline from the event that set it. Nil for
    /// what people want of their own accord.
    public var causeVersion: Int? {
        switch self {
        case .up, .update, .down, .purge, .removeReplica, .start, .stop, .terminate, .setAutostop, .pauseAutostop,
            .resumeAutostop, .takeOver, .useSeen,
            .startFailed,
            .stopFinished,
            .terminationFinished:
            nil
        case .deadlineReached(_, let generation): generation
        case .hookStarted(let version), .hookEnded(let version, _): version
        case .serviceUnused(let reference, _, _): reference.generation
        case .scale(let request): request.loadBalancer.generation
        case .loadBalancerLaunched(let reference, _), .loadBalancerEnded(let reference, _),
            .loadBalancerRemoved(let reference), .loadBalancerRemovalFailed(let reference, _):
            reference.generation
        case .replicaLaunched(let reference, _, _), .replicaLaunchFailed(let reference, _),
            .replicaStarted(let reference), .replicaProbed(let reference, _, _), .replicaEnded(let reference, _, _),
            .replicaDrained(let reference), .replicaRemoved(let reference), .replicaRemovalFailed(let reference, _):
            reference.generation
        }
    }

    /// Whether it tells what has happened, rather than what somebody wants.
    public var isReport: Bool {
        switch self {
        case .up, .update, .down, .purge, .removeReplica, .start, .stop, .terminate, .setAutostop, .pauseAutostop,
            .resumeAutostop:
            false
        case .takeOver, .startFailed, .hookStarted, .hookEnded, .stopFinished, .terminationFinished, .deadlineReached,
            .scale, .serviceUnused, .useSeen,
            .loadBalancerLaunched,
            .loadBalancerEnded, .loadBalancerRemoved, .loadBalancerRemovalFailed, .replicaLaunched,
            .replicaLaunchFailed, .replicaStarted,
            .replicaProbed, .replicaEnded, .replicaDrained, .replicaRemoved, .replicaRemovalFailed:
            true
        }
    }
}

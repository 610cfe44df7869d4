// When a service has been of no use to anybody for as long as it says (`idle_down`).

extension TrafficReport {
    /// Whether nothing is under way and nobody waits.
    private var isAtRest: Bool { inFlight == 0 && held == 0 }

    /// Says since when it has been quiet: since as long as in the report before, unless something has happened.
    /// It counts from the end of the last request and from when there was a replica that could have answered one, on
    /// the boot clock, so that nobody who sets the clock takes a service down; and not while the machine was off.
    public mutating func carryOn(_ previous: TrafficReport?, now: Instant) {
        guard let previous, previous.isAtRest, isAtRest, previous.totalRequests == totalRequests,
            previous.isServing || !isServing, let since = previous.quietSince, since.bootID == now.bootID
        else {
            quietSince = now
            return
        }
        quietSince = since
    }

    /// Whether it says that nobody has asked for so long. Who reads it may be about to act on that: a request that comes is
    /// to be told at once.
    public func isQuiet(forMicroseconds microseconds: Int64, at now: Instant) -> Bool {
        guard isAtRest, let quietSince, quietSince.bootID == now.bootID else { return false }
        return now.bootMicroseconds &- quietSince.bootMicroseconds >= microseconds
    }

    /// What becomes of a service that says `idle_down`.
    public enum Prospect: Hashable, Sendable {
        /// It goes, or its replicas do, at this time unless a request comes.
        case goes(inMicroseconds: Int64)
        /// Requests are under way, or wait.
        case isAsked(requests: Int)
        /// It counts from when there is a replica that could answer.
        case waitsForReplica
    }

    /// What is before `service`, by what its load balancer `balancer` says; nil when it never goes, or that does not tell.
    public func prospect(
        of service: ServiceState, by balancer: LoadBalancerReference, at now: Instant
    ) -> Prospect? {
        guard let limit = service.launchedSpec.idleDownSeconds, generation == balancer.generation else { return nil }
        guard isAtRest else { return .isAsked(requests: inFlight &+ held) }
        if service.launchedSpec.replicaPolicy.startsOnRequest, service.replicasForLoad == 0 { return nil }
        guard isServing else { return .waitsForReplica }
        guard let quietSince, quietSince.bootID == now.bootID else { return nil }
        let quiet = now.bootMicroseconds &- quietSince.bootMicroseconds
        return .goes(inMicroseconds: max(0, Int64(limit * 1e6) &- quiet))
    }

    /// What the controller is to be told once nobody has asked for `service` as long as it says; nil before.
    ///
    /// - Parameter balancer: the load balancer that serves it; a report of an earlier one says nothing.
    public func lackOfUse(
        of service: ServiceState, by balancer: LoadBalancerReference, at now: Instant
    ) -> Command? {
        guard let limit = service.launchedSpec.idleDownSeconds, generation == balancer.generation, isServing, isAtRest,
            let quietSince, quietSince.bootID == now.bootID,
            !service.launchedSpec.replicaPolicy.startsOnRequest || service.replicasForLoad > 0
        else { return nil }
        let quiet = now.bootMicroseconds &- quietSince.bootMicroseconds
        guard Double(quiet) / 1e6 >= limit else { return nil }
        return .serviceUnused(balancer, version: service.version, idleMicroseconds: quiet)
    }
}

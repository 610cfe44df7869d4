// The fold of what happens to a replica.

extension ReplicaState {
    /// - Parameter probeSeconds: how long one probe may take. A replica whose time is over, or as good as over, is asked
    ///   once more: it may have become ready while nobody was there to ask.
    mutating func carryDeadlineOver(to now: Instant, probeSeconds: Double) {
        switch phase {
        case .pending(let launchAt): phase = .pending(launchAt: launchAt?.carriedOver(to: now))
        case .starting(var waiting):
            waiting.deadline = waiting.deadline.carriedOver(to: now).noEarlier(than: probeSeconds, after: now)
            phase = .starting(waiting)
        case .notReady(var waiting):
            waiting.deadline = waiting.deadline.carriedOver(to: now).noEarlier(than: probeSeconds, after: now)
            phase = .notReady(waiting)
        case .draining(var draining):
            draining.deadline = draining.deadline.carriedOver(to: now)
            phase = .draining(draining)
        case .removing(var removal):
            guard let retryAt = removal.stuck?.retryAt else { return }
            removal.stuck?.retryAt = retryAt.carriedOver(to: now)
            phase = .removing(removal)
        case .provisioning, .ready, .failed: break
        }
    }

    mutating func enter(_ next: Phase, _ stamp: Stamp) {
        phase = next
        sinceMicroseconds = stamp.atMicroseconds
    }

    /// Whether it was ready for long enough that its failure is not one of a row.
    func wasSteadilyReady(at atMicroseconds: Int64) -> Bool {
        readyAtMicroseconds.map { atMicroseconds &- $0 >= BackOffRule.steadyMicroseconds } ?? false
    }

    mutating func apply(_ event: ReplicaLaunched, _ stamp: Stamp) {
        handle = event.handle
        endpoint = event.endpoint
        launchedAtMicroseconds = stamp.atMicroseconds
        // Recorded while it was already being removed: the handle helps to remove it, and that is all.
        guard case .pending = phase else { return }
        enter(.provisioning, stamp)
    }

    mutating func apply(_ event: ReplicaStarting, _ stamp: Stamp) {
        enter(.starting(Waiting(deadline: event.readyBy, generation: stamp.version)), stamp)
    }

    mutating func apply(_ event: ReplicaProbeFailed) {
        guard case .starting(var waiting) = phase else { return }
        waiting.evidence = event.evidence
        phase = .starting(waiting)
    }

    mutating func apply(_ event: ReplicaNotReady, _ stamp: Stamp) {
        enter(
            .notReady(Waiting(deadline: event.readyBy, generation: stamp.version, evidence: event.evidence)), stamp)
    }

    mutating func apply(_ event: ReplicaDraining, _ stamp: Stamp) {
        enter(.draining(Draining(reason: event.reason, deadline: event.until, generation: stamp.version)), stamp)
    }

    mutating func apply(_ event: ReplicaCleanupFailed, _ stamp: Stamp) {
        guard case .removing(var removal) = phase else { return }
        let attempts = (removal.stuck?.attempts ?? 0) &+ 1
        removal.stuck = Stuck(
            leftovers: event.leftovers, attempts: attempts, retryAt: event.retryAt, generation: stamp.version)
        phase = .removing(removal)
    }

    mutating func applyCleanupDue() {
        guard case .removing(var removal) = phase else { return }
        removal.stuck?.retryAt = nil
        phase = .removing(removal)
    }

    mutating func apply(_ event: ReplicaFailed, _ stamp: Stamp) {
        enter(.failed(status: event.status, reason: event.reason), stamp)
        handle = nil
    }
}

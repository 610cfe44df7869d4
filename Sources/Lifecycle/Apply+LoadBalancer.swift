// The fold of what happens to a load balancer.

extension LoadBalancerState {
    mutating func apply(_ event: LoadBalancerCleanupFailed, _ stamp: Stamp) {
        guard case .removing = phase else { return }
        stuck = ReplicaState.Stuck(
            leftovers: event.leftovers, attempts: (stuck?.attempts ?? 0) &+ 1, retryAt: event.retryAt,
            generation: stamp.version)
    }

    mutating func carryDeadlineOver(to now: Instant) {
        let retryAt = stuck?.retryAt?.carriedOver(to: now)
        stuck?.retryAt = retryAt
        guard case .pending(var backOff?) = phase else { return }
        backOff.deadline = backOff.deadline.carriedOver(to: now)
        phase = .pending(backOff)
    }

    mutating func applyRemoving() {
        if case .running(let handle) = phase {
            phase = .removing(handle)
        } else {
            phase = .removing(nil)
        }
    }

    /// Failures in a row when it ends now: one that ran for a while before begins to count anew. One that could not even
    /// be launched has not run, however long ago the last one was.
    func failures(endingAt atMicroseconds: Int64) -> Int {
        let launched = isRunning ? launchedAtMicroseconds : nil
        let ranSteadily = launched.map { atMicroseconds &- $0 >= BackOffRule.steadyMicroseconds } ?? false
        return ranSteadily ? 1 : consecutiveFailures &+ 1
    }
}

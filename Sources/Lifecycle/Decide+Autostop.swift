// Rules for when a controller stops, and is terminated, by itself.

extension Decision {
    mutating func setAutostop(_ change: AutostopPolicy, keepClock: Bool) throws(Rejection) {
        try refuseUnlessThere()
        let policy = state.policy.changed(by: change)
        var event = ControllerPolicySet(policy: policy, idleVersion: idleVersion)
        switch state.phase {
        case .idle(let idle):
            event.keptSinceMicroseconds = keepClock ? idle.sinceMicroseconds &+ idle.wallClockMoved(at: now) : nil
        case .stopped(let stopped):
            let elapsed = keepClock ? stopped.elapsedSeconds(at: now) : 0
            // What was not changed goes on as it was.
            let isTheSame = change.terminateAfterSeconds == nil && !keepClock
            event.terminateAt =
                isTheSame
                ? stopped.terminateAt
                : (policy.terminateAfterSeconds?.value).map { Deadline(seconds: $0 - elapsed, after: now) }
        case .absent, .starting, .up, .stopping, .failed, .terminating, .terminated: break
        }
        record(.controllerPolicySet(event))
    }

    /// A pause given while there is one takes its place.
    mutating func pauseAutostop(_ seconds: Double?, _ reason: String?) throws(Rejection) {
        try refuseUnlessThere()
        record(
            .controllerAutostopPaused(
                ControllerAutostopPaused(
                    until: seconds.map { Deadline(seconds: $0, after: now) }, reason: reason, idleVersion: idleVersion))
        )
    }

    mutating func resumeAutostop() throws(Rejection) {
        try refuseUnlessThere()
        guard state.pause != nil else { return }  // there is nothing to take back
        record(.controllerAutostopResumed(ControllerAutostopResumed(idleVersion: idleVersion)))
    }

    /// The end of what a controller that stops now may stay stopped.
    var terminationDeadline: Deadline? {
        (state.policy.terminateAfterSeconds?.value).map { Deadline(seconds: $0, after: now) }
    }

    /// The idle period that begins now.
    var idleEvent: ControllerIdle {
        var event = idlePeriod
        if event.deadline == nil { event.at = now }
        return event
    }

    /// It has no deadline while autostop is paused.
    private var idlePeriod: ControllerIdle {
        let (since, clock) = (keptSince, state.keptClockSinceMicroseconds)
        guard state.pause == nil else { return ControllerIdle(sinceMicroseconds: since) }
        // Never is never, also at the moments of `stop_at`.
        guard let window = state.policy.idleTimeoutSeconds else {
            return ControllerIdle(sinceMicroseconds: since, clockSinceMicroseconds: clock)
        }
        let schedule = state.policy.schedule?.value ?? Schedule()
        let elapsed = clock.map { Double(schedule.counted(from: $0, to: now.wallMicroseconds, zones)) / 1e6 } ?? 0
        let end =
            endMissed(schedule, windowSeconds: window)
            ?? schedule.idleEnd(from: now.wallMicroseconds, windowSeconds: Swift.max(0, window - elapsed), zones)
        return ControllerIdle(
            deadline: end.map { Deadline(microseconds: $0 &- now.wallMicroseconds, after: now) },
            idleTimeoutSeconds: window, sinceMicroseconds: since, clockSinceMicroseconds: clock)
    }

    /// Since when it has been idle where that was before, by the wall clock as it is set now. What ends a period because
    /// the clock was set says it by that already.
    private var keptSince: Int64? {
        guard let since = state.keptIdleSinceMicroseconds else { return nil }
        if case .controllerWoken? = events.last?.event { return since }
        return since &+ (lastIdle?.wallClockMoved(at: now) ?? 0)
    }

    /// When the window was over that counts from the end of a pause, if nobody was there to see either: its stop is late
    /// by as much. Nil where it is not over, and at a time that is kept warm, for which it waits.
    private func endMissed(_ schedule: Schedule, windowSeconds: Double) -> Int64? {
        guard case .controllerAutostopResumed(let resumed)? = events.last?.event, resumed.latenessMicroseconds != nil,
            let clock = state.keptClockSinceMicroseconds, !isKeptWarm,
            let end = schedule.idleEnd(from: clock, windowSeconds: windowSeconds, zones)
        else { return nil }
        return end <= now.wallMicroseconds ? end : nil
    }

    private var zones: TimeZones { surroundings.timeZones }

    /// Whether the controller is to be kept warm at this moment. Its idle deadline comes after such times, unless
    /// somebody has set the clock since.
    var isKeptWarm: Bool { state.policy.schedule?.value.isWarm(at: now.wallMicroseconds, zones) ?? false }

    /// A service that says `idle_down` and has not been asked for that long goes, or its replicas do where
    /// requests bring them back.
    mutating func serviceUnused(_ reference: LoadBalancerReference, version: Int, idleMicroseconds: Int64) {
        guard let service = state.services[reference.service], !service.isEnding,
            service.loadBalancer?.generation == reference.generation, service.version == version,
            let limit = service.launchedSpec.idleDownSeconds, Double(idleMicroseconds) / 1e6 >= limit
        else { return }
        guard !service.launchedSpec.replicaPolicy.startsOnRequest else {
            guard service.replicasForLoad > 0 else { return }
            let reason = "no request for \(idleMicroseconds / 1_000_000) s"
            return record(
                .serviceScaled(
                    ServiceScaled(service: service.name, from: service.replicasForLoad, to: 0, reason: reason)))
        }
        record(
            .serviceDownRequested(
                ServiceDownRequested(service: service.name, unusedMicroseconds: idleMicroseconds)))
    }

    private func refuseUnlessThere() throws(Rejection) {
        switch state.phase {
        case .absent, .terminated: throw .noSuchController(state.name)
        case .terminating: throw .terminating(state.name)
        case .starting, .up, .idle, .stopping, .stopped, .failed: return
        }
    }
}

extension ControllerState {
    /// Schedules are told to the minute; clocks that are slewed differ by less.
    private static let outOfStepMicroseconds: Int64 = 60_000_000

    /// Whether the wall clock was set since an idle deadline was worked out: it counts by the boot clock, and times of
    /// the week, by which it was worked out, are others now.
    func isOutOfStep(_ pending: PendingDeadline, _ now: Instant) -> Bool {
        let deadline = pending.deadline
        guard pending.key == .idle, policy.schedule != nil else { return false }
        let moved = deadline.wallClockMoved(at: now)
        return moved > Self.outOfStepMicroseconds || moved < -Self.outOfStepMicroseconds
    }
}

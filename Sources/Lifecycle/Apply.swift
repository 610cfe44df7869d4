// The fold. `apply` is total: whatever the log holds, it is folded, and nothing is ever refused here;
// all refusing is done by `decide`. Events about services or replicas the state does not know are
// passed over, and arithmetic on what was stored wraps, so that no single record can stop a recovery.

extension ControllerState {
    /// Folds one event into the state.
    public mutating func apply(_ event: Event, _ stamp: Stamp) {
        version = stamp.version
        switch event {
        case .controllerStarting(let payload): apply(payload, stamp)
        case .controllerStarted(let payload): apply(payload, stamp)
        case .controllerStartFailed(let payload): apply(payload, stamp)
        case .controllerRecovered(let payload): apply(payload, stamp)
        case .controllerIdle(let payload): apply(payload, stamp)
        case .controllerWoken:
            phase = .up
            call(.wake, for: stamp.version)
        case .controllerPolicySet(let payload): apply(payload, stamp)
        case .controllerAutostopPaused(let payload): apply(payload, stamp)
        case .controllerHookStarted(let payload): apply(payload)
        case .controllerHookEnded(let payload): apply(payload)
        case .controllerAutostopResumed: applyAutostopResumed()
        case .controllerStopping(let payload): apply(payload, stamp)
        case .controllerStartRequested: setStartAgain()
        case .controllerStopped(let payload): apply(payload, stamp)
        case .controllerTerminating: applyTerminating(stamp)
        case .controllerTerminated: applyTerminated()
        case .serviceUpRequested(let payload): apply(payload, stamp)
        case .serviceUpdated(let payload): services[payload.service]?.apply(payload, stamp)
        case .serviceGone(let payload): services[payload.service] = nil
        case .serviceDownRequested(let payload): services[payload.service]?.apply(payload)
        case .serviceScaled(let payload): services[payload.service]?.apply(payload, stamp)
        case .serviceLaunchesStopped(let payload): services[payload.service]?.apply(payload)
        case .serviceStatusChanged(let payload): services[payload.service]?.apply(payload, stamp)
        case .loadBalancerAdded(let payload): services[payload.service]?.apply(payload, stamp)
        case .loadBalancerLaunchDue(let payload): services[payload.service]?.loadBalancer?.phase = .pending(nil)
        case .loadBalancerLaunched(let payload): services[payload.service]?.apply(payload, stamp)
        case .loadBalancerEnded(let payload): services[payload.service]?.apply(payload, stamp)
        case .loadBalancerRemoving(let payload): services[payload.service]?.loadBalancer?.applyRemoving()
        case .loadBalancerCleanupFailed(let payload): services[payload.service]?.loadBalancer?.apply(payload, stamp)
        case .loadBalancerCleanupDue(let payload): services[payload.service]?.loadBalancer?.stuck?.retryAt = nil
        case .loadBalancerGone(let payload): services[payload.service]?.loadBalancer = nil
        case .replicaAdded(let payload): services[payload.service]?.apply(payload, stamp)
        case .replicaLaunchDue(let payload):
            services[payload.service]?.replicas[payload.replica]?.phase = .pending(launchAt: nil)
        case .replicaLaunched(let payload): services[payload.service]?.replicas[payload.replica]?.apply(payload, stamp)
        case .replicaStarting(let payload): services[payload.service]?.replicas[payload.replica]?.apply(payload, stamp)
        case .replicaProbeFailed(let payload): services[payload.service]?.replicas[payload.replica]?.apply(payload)
        case .replicaReady(let payload): services[payload.service]?.apply(payload, stamp)
        case .replicaNotReady(let payload): services[payload.service]?.replicas[payload.replica]?.apply(payload, stamp)
        case .replicaEnded: break  // what follows from it is recorded by `replica.removing`
        case .replicaDraining(let payload): services[payload.service]?.replicas[payload.replica]?.apply(payload, stamp)
        case .replicaRemoving(let payload): services[payload.service]?.apply(payload, stamp)
        case .replicaCleanupFailed(let payload):
            services[payload.service]?.replicas[payload.replica]?.apply(payload, stamp)
        case .replicaCleanupDue(let payload):
            services[payload.service]?.replicas[payload.replica]?.applyCleanupDue()
        case .replicaFailed(let payload): services[payload.service]?.apply(payload, stamp)
        case .replicaGone(let payload): services[payload.service]?.apply(payload)
        }
    }

    private mutating func apply(_ event: ControllerStarting, _ stamp: Stamp) {
        incarnation = event.incarnation
        policy = event.policy
        process = nil
        recoveries = 0
        for name in services.keys { services[name]?.consecutiveFailures = 0 }
        phase = .starting(sinceMicroseconds: stamp.atMicroseconds)
    }

    private mutating func apply(_ event: ControllerStarted, _ stamp: Stamp) {
        process = event.process
        startedAtMicroseconds = stamp.atMicroseconds
        phase = .up
        call(.start, for: stamp.version)
    }

    private mutating func apply(_ event: ControllerStartFailed, _ stamp: Stamp) {
        startedAtMicroseconds = nil
        phase = .failed(reason: event.reason)
    }

    private mutating func apply(_ event: ControllerRecovered, _ stamp: Stamp) {
        process = event.process
        recoveries &+= 1
        carryDeadlinesOver(to: event.at)
    }

    private mutating func apply(_ event: ControllerIdle, _ stamp: Stamp) {
        phase = .idle(
            Idle(
                sinceMicroseconds: event.sinceMicroseconds ?? stamp.atMicroseconds, deadline: event.deadline,
                generation: stamp.version))
        (keptIdleSinceMicroseconds, keptClockSinceMicroseconds) = (nil, nil)
        // One that goes on after a change of policy was told of already.
        if event.sinceMicroseconds == nil { call(.idle, for: stamp.version) }
    }

    private mutating func apply(_ event: ControllerAutostopPaused, _ stamp: Stamp) {
        pause = Pause(
            by: stamp.actor, reason: event.reason, sinceMicroseconds: stamp.atMicroseconds, until: event.until,
            generation: stamp.version)
        beginIdlenessAnew()
    }

    private mutating func applyAutostopResumed() {
        pause = nil
        beginIdlenessAnew()
    }

    /// One idle period ends; in the one that `decide` lets begin it has been idle for as long as before.
    private mutating func beginIdlenessAnew(clockSince: Int64? = nil) {
        guard case .idle(let idle) = phase else { return }
        (keptIdleSinceMicroseconds, keptClockSinceMicroseconds) = (idle.sinceMicroseconds, clockSince)
        phase = .up
    }

    private mutating func apply(_ event: ControllerPolicySet, _ stamp: Stamp) {
        policy = event.policy
        beginIdlenessAnew(clockSince: event.keptSinceMicroseconds)
        if case .stopped(var stopped) = phase {
            (stopped.terminateAt, stopped.generation) = (event.terminateAt, stamp.version)
            phase = .stopped(stopped)
        }
    }

    private mutating func apply(_ event: ControllerStopping, _ stamp: Stamp) {
        // One that is stopping already and is told so again has its hook.
        if case .stopping = phase {} else { call(.stop, for: stamp.version) }
        phase = .stopping(
            Stopping(reason: event.reason, sinceMicroseconds: stamp.atMicroseconds, startAgain: false))
    }

    private mutating func applyTerminating(_ stamp: Stamp) {
        phase = .terminating
        // What was to be told at its stop is told at its end.
        hooks.removeAll { $0.kind == .stop && !$0.hasStarted }
        call(.terminate, for: stamp.version)
    }

    private mutating func setStartAgain() {
        guard case .stopping(var stopping) = phase else { return }
        stopping.startAgain = true
        phase = .stopping(stopping)
    }

    private mutating func apply(_ event: ControllerStopped, _ stamp: Stamp) {
        startedAtMicroseconds = nil
        process = nil
        hooks = []
        // Nobody knows what load there will be when it is served again.
        for name in services.keys { services[name]?.scale = nil }
        phase = .stopped(
            Stopped(
                reason: event.reason, sinceMicroseconds: stamp.atMicroseconds, terminateAt: event.terminateAt,
                generation: stamp.version))
    }

    private mutating func applyTerminated() {
        startedAtMicroseconds = nil
        process = nil
        policy = .standard
        pause = nil
        hooks = []
        services = [:]
        phase = .terminated
    }

    private mutating func apply(_ event: ServiceUpRequested, _ stamp: Stamp) {
        services[event.service] = ServiceState(
            name: event.service, version: event.version, spec: event.spec, endpoint: event.endpoint,
            requestedAtMicroseconds: stamp.atMicroseconds, requestedBy: stamp.actor,
            status: .controllerInit, statusSinceMicroseconds: stamp.atMicroseconds)
    }
}

extension ControllerState {
    private mutating func carryDeadlinesOver(to now: Instant) {
        if case .idle(var idle) = phase {
            idle.deadline = idle.deadline?.carriedOver(to: now)
            phase = .idle(idle)
        }
        let until = pause?.until?.carriedOver(to: now)
        pause?.until = until
        for name in services.keys {
            services[name]?.loadBalancer?.carryDeadlineOver(to: now)
            for id in services[name]?.replicas.keys ?? [:].keys {
                services[name]?.replicas[id]?.carryDeadlineOver(to: now)
            }
        }
    }
}

extension ServiceState {
    fileprivate mutating func apply(_ event: ServiceUpdated, _ stamp: Stamp) {
        if wasEverReady { lastGoodVersion = version }
        earlierSpecs[version] = spec
        version = event.version
        spec = event.spec
        updateMode = event.mode
        for id in event.reused { replicas[id]?.version = event.version }
        wasEverReady = event.reused.contains { replicas[$0]?.readyAtMicroseconds != nil }
        launchesStopped = nil
        consecutiveFailures = 0
        forgetEarlierSpecs()
    }

    fileprivate mutating func apply(_ event: ServiceDownRequested) {
        isEnding = true
        if event.purge == true { isPurged = true }
    }

    fileprivate mutating func apply(_ event: ServiceScaled, _ stamp: Stamp) {
        scale = ServiceScale(replicas: event.to, reason: event.reason, atMicroseconds: stamp.atMicroseconds)
    }

    fileprivate mutating func apply(_ event: ServiceLaunchesStopped) {
        guard event.version == version else { return }
        launchesStopped = event.reason
        // What is launched from here on is the version before it, whose failures those were not.
        if lastGoodVersion != nil { consecutiveFailures = 0 }
    }

    fileprivate mutating func apply(_ event: ReplicaFailed, _ stamp: Stamp) {
        replicas[event.replica]?.apply(event, stamp)
        forgetEarlierSpecs()
    }

    fileprivate mutating func apply(_ event: ReplicaGone) {
        replicas[event.replica] = nil
        forgetEarlierSpecs()
    }

    /// What an earlier version asked for is needed while replicas of it may run, and to return to it.
    private mutating func forgetEarlierSpecs() {
        let present = Set(replicas.values.filter(\.isPresent).map(\.version))
        earlierSpecs = earlierSpecs.filter { $0.key == lastGoodVersion || present.contains($0.key) }
    }

    fileprivate mutating func apply(_ event: ServiceStatusChanged, _ stamp: Stamp) {
        status = event.to
        statusSinceMicroseconds = stamp.atMicroseconds
        readySinceMicroseconds = event.to == .ready ? stamp.atMicroseconds : nil
    }

    fileprivate mutating func apply(_ event: LoadBalancerAdded, _ stamp: Stamp) {
        loadBalancer = LoadBalancerState(generation: stamp.version, phase: .pending(nil))
    }

    fileprivate mutating func apply(_ event: LoadBalancerLaunched, _ stamp: Stamp) {
        loadBalancer?.phase = .running(event.handle)
        loadBalancer?.launchedAtMicroseconds = stamp.atMicroseconds
    }

    fileprivate mutating func apply(_ event: LoadBalancerEnded, _ stamp: Stamp) {
        guard let current = loadBalancer else { return }
        loadBalancer?.consecutiveFailures = current.failures(endingAt: stamp.atMicroseconds)
        loadBalancer?.phase = .pending(
            event.launchAt.map {
                LoadBalancerState.BackOff(deadline: $0, generation: stamp.version, reason: event.reason)
            })
    }

    fileprivate mutating func apply(_ event: ReplicaAdded, _ stamp: Stamp) {
        nextReplicaID = Swift.max(nextReplicaID, event.replica &+ 1)
        replicas[event.replica] = ReplicaState(
            id: event.replica, version: event.version, generation: stamp.version,
            addedAtMicroseconds: stamp.atMicroseconds, phase: .pending(launchAt: event.launchAt),
            sinceMicroseconds: stamp.atMicroseconds)
    }

    fileprivate mutating func apply(_ event: ReplicaReady, _ stamp: Stamp) {
        replicas[event.replica]?.enter(.ready, stamp)
        replicas[event.replica]?.readyAtMicroseconds = stamp.atMicroseconds
        guard replicas[event.replica]?.version == version else { return }
        wasEverReady = true
        launchesStopped = nil
    }

    fileprivate mutating func apply(_ event: ReplicaRemoving, _ stamp: Stamp) {
        guard let replica = replicas[event.replica] else { return }
        if case .failed = event.reason, replica.version == launchedVersion {
            consecutiveFailures = replica.wasSteadilyReady(at: stamp.atMicroseconds) ? 1 : consecutiveFailures &+ 1
        }
        replicas[event.replica]?.enter(.removing(ReplicaState.Removal(reason: event.reason)), stamp)
    }
}

extension LoadBalancerState {
    fileprivate mutating func apply(_ event: LoadBalancerCleanupFailed, _ stamp: Stamp) {
        guard case .removing = phase else { return }
        stuck = ReplicaState.Stuck(
            leftovers: event.leftovers, attempts: (stuck?.attempts ?? 0) &+ 1, retryAt: event.retryAt,
            generation: stamp.version)
    }

    fileprivate mutating func carryDeadlineOver(to now: Instant) {
        let retryAt = stuck?.retryAt?.carriedOver(to: now)
        stuck?.retryAt = retryAt
        guard case .pending(var backOff?) = phase else { return }
        backOff.deadline = backOff.deadline.carriedOver(to: now)
        phase = .pending(backOff)
    }

    fileprivate mutating func applyRemoving() {
        if case .running(let handle) = phase {
            phase = .removing(handle)
        } else {
            phase = .removing(nil)
        }
    }

    /// Failures in a row when it ends now: one that ran for a while before begins to count anew.
    func failures(endingAt atMicroseconds: Int64) -> Int {
        let ranSteadily = launchedAtMicroseconds.map { atMicroseconds &- $0 >= BackOffRule.steadyMicroseconds } ?? false
        return ranSteadily ? 1 : consecutiveFailures &+ 1
    }
}

extension ReplicaState {
    fileprivate mutating func carryDeadlineOver(to now: Instant) {
        switch phase {
        case .pending(let launchAt): phase = .pending(launchAt: launchAt?.carriedOver(to: now))
        case .starting(var waiting):
            waiting.deadline = waiting.deadline.carriedOver(to: now)
            phase = .starting(waiting)
        case .notReady(var waiting):
            waiting.deadline = waiting.deadline.carriedOver(to: now)
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

    fileprivate mutating func enter(_ next: Phase, _ stamp: Stamp) {
        phase = next
        sinceMicroseconds = stamp.atMicroseconds
    }

    /// Whether it was ready for long enough that its failure is not one of a row.
    func wasSteadilyReady(at atMicroseconds: Int64) -> Bool {
        readyAtMicroseconds.map { atMicroseconds &- $0 >= BackOffRule.steadyMicroseconds } ?? false
    }

    fileprivate mutating func apply(_ event: ReplicaLaunched, _ stamp: Stamp) {
        handle = event.handle
        endpoint = event.endpoint
        launchedAtMicroseconds = stamp.atMicroseconds
        // Recorded while it was already being removed: the handle helps to remove it, and that is all.
        guard case .pending = phase else { return }
        enter(.provisioning, stamp)
    }

    fileprivate mutating func apply(_ event: ReplicaStarting, _ stamp: Stamp) {
        enter(.starting(Waiting(deadline: event.readyBy, generation: stamp.version)), stamp)
    }

    fileprivate mutating func apply(_ event: ReplicaProbeFailed) {
        guard case .starting(var waiting) = phase else { return }
        waiting.evidence = event.evidence
        phase = .starting(waiting)
    }

    fileprivate mutating func apply(_ event: ReplicaNotReady, _ stamp: Stamp) {
        enter(
            .notReady(Waiting(deadline: event.readyBy, generation: stamp.version, evidence: event.evidence)), stamp)
    }

    fileprivate mutating func apply(_ event: ReplicaDraining, _ stamp: Stamp) {
        enter(.draining(Draining(reason: event.reason, deadline: event.until, generation: stamp.version)), stamp)
    }

    fileprivate mutating func apply(_ event: ReplicaCleanupFailed, _ stamp: Stamp) {
        guard case .removing(var removal) = phase else { return }
        let attempts = (removal.stuck?.attempts ?? 0) &+ 1
        removal.stuck = Stuck(
            leftovers: event.leftovers, attempts: attempts, retryAt: event.retryAt, generation: stamp.version)
        phase = .removing(removal)
    }

    fileprivate mutating func applyCleanupDue() {
        guard case .removing(var removal) = phase else { return }
        removal.stuck?.retryAt = nil
        phase = .removing(removal)
    }

    fileprivate mutating func apply(_ event: ReplicaFailed, _ stamp: Stamp) {
        enter(.failed(status: event.status, reason: event.reason), stamp)
        handle = nil
    }
}

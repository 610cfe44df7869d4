// The fold. `apply` is total: whatever the log holds, it is folded, and nothing is ever refused here;
// all refusing is done by `decide`. Events about services or replicas the state does not know are
// passed over, and arithmetic on what was stored wraps, so that no single record can stop a recovery.

extension ControllerState {
    /// Folds one event into the state.
    public mutating func apply(_ event: Event, _ stamp: Stamp) {
        version = stamp.version
        // Of a period that has just ended only the one that begins at once knows. Where none does, because the controller is
        // in use by then, whatever comes later is a period of its own.
        if case .controllerIdle = event {} else { (keptIdleSinceMicroseconds, keptClockSinceMicroseconds) = (nil, nil) }
        switch event {
        case .controllerStarting(let payload): apply(payload, stamp)
        case .controllerStartDue(let payload): apply(payload, stamp)
        case .controllerStarted(let payload): apply(payload, stamp)
        case .controllerStartFailed(let payload): apply(payload, stamp)
        case .controllerRecovered(let payload): apply(payload, stamp)
        case .controllerIdle(let payload): apply(payload, stamp)
        case .controllerWoken(let payload): apply(payload, stamp)
        case .controllerPolicySet(let payload): apply(payload, stamp)
        case .controllerAutostopPaused(let payload): apply(payload, stamp)
        case .controllerUseChanged(let payload): apply(payload, stamp)
        case .controllerHookStarted(let payload): apply(payload)
        case .controllerHookEnded(let payload): apply(payload)
        case .controllerAutostopResumed(let payload): apply(payload, stamp)
        case .controllerStopping(let payload): apply(payload, stamp)
        case .controllerStartRequested: setStartAgain()
        case .controllerStopped(let payload): apply(payload, stamp)
        case .controllerTerminating(let payload): apply(payload, stamp)
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
        case .replicaEnded(let payload):
            services[payload.service]?.replicas[payload.replica]?.ending = payload.ending
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
        uses = [:]
        process = nil
        recoveries = 0
        for name in services.keys { services[name]?.consecutiveFailures = 0 }
        phase = .starting(sinceMicroseconds: stamp.atMicroseconds)
        heldStart = event.heldUntil.map {
            HeldStart(until: $0, reason: event.heldBecause ?? "", generation: stamp.version)
        }
        if heldStart == nil { starts.last = event.at }
    }

    private mutating func apply(_ event: ControllerStarted, _ stamp: Stamp) {
        process = event.process
        startedAtMicroseconds = stamp.atMicroseconds
        heldStart = nil
        (starts.failures, starts.lastFailure) = (0, nil)
        phase = .up
        call(.start, for: stamp.version)
    }

    private mutating func apply(_ event: ControllerStartFailed, _ stamp: Stamp) {
        startedAtMicroseconds = nil
        heldStart = nil
        starts.failures &+= 1
        starts.lastFailure = event.at
        phase = .failed(reason: event.reason)
    }

    private mutating func apply(_ event: ControllerRecovered, _ stamp: Stamp) {
        process = event.process
        // While a start is held back nothing has been recovered; its process is only another.
        if heldStart == nil { recoveries &+= 1 }
        carryDeadlinesOver(to: event.at)
    }

    private mutating func apply(_ event: ControllerIdle, _ stamp: Stamp) {
        phase = .idle(
            Idle(
                sinceMicroseconds: event.sinceMicroseconds ?? stamp.atMicroseconds, deadline: event.deadline,
                generation: stamp.version,
                clockSinceMicroseconds: event.clockSinceMicroseconds ?? stamp.atMicroseconds, at: event.at))
        (keptIdleSinceMicroseconds, keptClockSinceMicroseconds) = (nil, nil)
        // One that goes on after a change of policy was told of already.
        if event.sinceMicroseconds == nil { call(.idle, for: stamp.version) }
    }

    private mutating func apply(_ event: ControllerWoken, _ stamp: Stamp) {
        phase = .up
        if let since = event.keptSinceMicroseconds {
            (keptIdleSinceMicroseconds, keptClockSinceMicroseconds) = (since, event.keptClockSinceMicroseconds)
        } else {
            call(.wake, for: stamp.version)
        }
    }

    private mutating func apply(_ event: ControllerAutostopPaused, _ stamp: Stamp) {
        pause = Pause(
            by: stamp.actor, reason: event.reason, sinceMicroseconds: stamp.atMicroseconds, until: event.until,
            generation: stamp.version)
        beginIdlenessAnew()
    }

    /// The window counts from the end of the pause, also where that was noticed later.
    private mutating func apply(_ event: ControllerAutostopResumed, _ stamp: Stamp) {
        pause = nil
        beginIdlenessAnew(clockSince: event.latenessMicroseconds.map { stamp.atMicroseconds &- $0 })
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
        heldStart = nil
        phase = .stopping(
            Stopping(reason: event.reason, sinceMicroseconds: stamp.atMicroseconds, startAgain: false))
    }

    private mutating func apply(_ event: ControllerTerminating, _ stamp: Stamp) {
        phase = .terminating
        heldStart = nil
        // What was to be told at its stop is told at its end.
        hooks.removeAll { $0.kind == .stop && !$0.hasStarted }
        // Autostop that goes down, as autostop that stops, runs what is to be run before it: SkyPilot has one hook
        // for both.
        let isByIdleDeadline = event.idleVersion != nil && event.latenessMicroseconds != nil
        let hasOwn = policy.hooks?.contains(.terminate) == true
        call(isByIdleDeadline && !hasOwn ? .stop : .terminate, for: stamp.version)
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
                generation: stamp.version, at: event.at))
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
            if let at = idle.at, at.bootID != now.bootID { idle.at = now }
            phase = .idle(idle)
        }
        let until = pause?.until?.carriedOver(to: now)
        pause?.until = until
        if let held = heldStart { heldStart?.until = held.until.carriedOver(to: now) }
        for name in services.keys {
            services[name]?.loadBalancer?.carryDeadlineOver(to: now)
            guard let service = services[name] else { continue }
            for (id, replica) in service.replicas {
                let probe = service.spec(ofVersion: replica.version).readinessProbe
                services[name]?.replicas[id]?.carryDeadlineOver(to: now, probeSeconds: probe.timeoutSeconds + 1)
            }
        }
    }
}

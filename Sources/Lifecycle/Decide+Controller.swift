// Rules for the controller itself.

extension Decision {
    mutating func start(_ policy: AutostopPolicy) throws(Rejection) {
        try ensureStarted(for: nil, policy: policy)
    }

    /// Sees to it that the controller will be up; refuses only while it is being terminated.
    mutating func ensureStarted(for service: ServiceName?, policy: AutostopPolicy) throws(Rejection) {
        switch state.phase {
        case .absent, .terminated:
            beginStart(incarnation: state.incarnation &+ 1, policy: policy, service: service)
        case .stopped, .failed:
            beginStart(incarnation: state.incarnation, policy: effective(policy), service: service)
        case .stopping(let stopping):
            if !stopping.startAgain { record(.controllerStartRequested(ControllerStartRequested(service: service))) }
        case .terminating:
            throw .terminating(state.name)
        case .starting, .up, .idle:
            break
        }
    }

    mutating func beginStart(incarnation: Int, policy: AutostopPolicy, service: ServiceName?) {
        let held = state.hold(policy, at: now)
        record(
            .controllerStarting(
                ControllerStarting(
                    incarnation: incarnation, policy: policy, service: service, at: now, heldUntil: held?.until,
                    heldBecause: held?.reason)))
    }

    /// The configuration's policy, but for what somebody said on the command line, which wins, value by value.
    func effective(_ configured: AutostopPolicy) -> AutostopPolicy {
        configured.keepingCommandLine(of: state.policy)
    }

    mutating func stop() throws(Rejection) {
        switch state.phase {
        case .absent, .terminated:
            guard events.isEmpty else { return }  // its own deadline has ended it
            throw .noSuchController(state.name)
        case .terminating:
            guard events.isEmpty else { return }
            throw .terminating(state.name)
        case .stopped:
            break
        case .failed:
            record(.controllerStopped(ControllerStopped(reason: .byHand, terminateAt: terminationDeadline, at: now)))
        case .stopping(let stopping):
            // Whoever asked for it to start again did so before this.
            if stopping.startAgain { record(.controllerStopping(ControllerStopping(reason: .byHand))) }
        case .starting, .up:
            record(.controllerStopping(ControllerStopping(reason: .byHand)))
        case .idle(let idle):
            record(.controllerStopping(ControllerStopping(reason: .byHand, idleVersion: idle.generation)))
        }
    }

    mutating func terminate(force: Bool) throws(Rejection) {
        let live = state.liveServices
        switch state.phase {
        case .absent, .terminated:
            guard events.isEmpty else { return }  // its own deadline has done it
            throw .noSuchController(state.name)
        case .terminating:
            return
        case .starting, .up, .idle, .stopping, .stopped, .failed:
            if !force && !live.isEmpty { throw .liveServices(live, controller: state.name) }
        }
        beginTermination(force: force, nil)
    }

    /// - Parameter latenessMicroseconds: nil when a person wants it.
    mutating func beginTermination(force: Bool, _ latenessMicroseconds: Int64?) {
        let hadProcess = state.needsProcess
        let wasStopped = state.status == .stopped
        record(
            .controllerTerminating(
                ControllerTerminating(
                    force: force, idleVersion: idleVersion, latenessMicroseconds: latenessMicroseconds)))
        // Nothing runs that would have to be removed, and nobody runs who could remove it. A hook takes a process to run
        // it; where none could be started, none is waited for.
        if !hadProcess {
            settle()
            let waitsForHook = wasStopped && !state.hooks.isEmpty
            if state.services.isEmpty, !waitsForHook { record(.controllerTerminated(ControllerTerminated())) }
        }
    }

    /// A controller process holds the lease. The first after a start has started the controller; any
    /// other takes over from one that died. An order that was decided before somebody else took over changes nothing:
    /// who is recorded now may live, and have work in flight.
    mutating func takeOver(_ process: String, from previous: String?) throws(Rejection) {
        guard state.process == previous else { return }
        switch state.phase {
        case .starting:
            if let held = state.heldStart {
                guard let lateness = held.until.latenessMicroseconds(at: now) else {
                    return takeOver(process, held: held)
                }
                startDue(held, lateness)
            }
            // What it was held back for is no part of what starting takes.
            guard case .starting(let sinceMicroseconds) = state.phase else { return }
            let took = now.wallMicroseconds &- sinceMicroseconds
            record(
                .controllerStarted(ControllerStarted(process: process, tookMicroseconds: Swift.max(0, took))))
        case .up, .idle, .stopping, .terminating:
            if process != previous {
                record(.controllerRecovered(ControllerRecovered(process: process, previous: previous, at: now)))
            }
        case .absent, .stopped, .failed, .terminated:
            throw .nothingToRun(state.name, state.status)
        }
    }

    mutating func startFailed(_ reason: String) {
        guard case .starting = state.phase else { return }  // it started after all, or was stopped
        record(.controllerStartFailed(ControllerStartFailed(reason: reason, at: now)))
    }

    mutating func stopFinished() {
        guard case .stopping(let stopping) = state.phase, state.isEmptyHanded, state.hooks.isEmpty else { return }
        record(
            .controllerStopped(
                ControllerStopped(
                    reason: stopping.reason, terminateAt: stopping.startAgain ? nil : terminationDeadline, at: now)))
        if stopping.startAgain {
            beginStart(incarnation: state.incarnation, policy: state.policy, service: nil)
        }
    }

    mutating func terminationFinished() {
        guard case .terminating = state.phase, state.services.isEmpty, state.hooks.isEmpty else { return }
        record(.controllerTerminated(ControllerTerminated()))
    }

    /// What of the controller itself was due before somebody asks for something is done first. Where nothing ran that
    /// could see to it, or another was quicker by a hair, the times decide and not who came first (laws L4, L5).
    mutating func fireOverdue() {
        // What follows from one may be due as well: a window that counts from the end of a pause.
        var fired: Set<PendingDeadline.Key> = []
        while let due = state.ownDeadlines.first(where: { $0.deadline.latenessMicroseconds(at: now) != nil }),
            fired.insert(due.key).inserted
        {
            deadlineReached(due.key, due.generation)
            settle()
        }
    }

    /// Fires a deadline, if it is still the one that is waited for (law L5) and really due.
    mutating func deadlineReached(_ key: PendingDeadline.Key, _ generation: Int) {
        guard let pending = state.pendingDeadline(key), pending.generation == generation else { return }
        guard let lateness = pending.deadline.latenessMicroseconds(at: now) else {
            if state.isOutOfStep(pending, now) {
                goOnIdle(because: "the clock was set, and its times of the week go by it")
            }
            return  // reported before its time
        }
        switch key {
        case .idle:
            // Law L3: this transaction is the one that sees no live service.
            guard !state.isInUse else { return }
            guard !isKeptWarm else { return goOnIdle(because: "it is to be kept warm at this time (keep_warm)") }
            if state.policy.down?.value == true { return beginTermination(force: false, lateness) }
            record(
                .controllerStopping(
                    ControllerStopping(
                        reason: .idleDeadline, idleVersion: generation, latenessMicroseconds: lateness)))
        case .start: if let held = state.heldStart { startDue(held, lateness) }
        case .pauseEnd:
            record(
                .controllerAutostopResumed(
                    ControllerAutostopResumed(idleVersion: idleVersion, latenessMicroseconds: lateness)))
        case .termination: beginTermination(force: false, lateness)
        case .readiness(let service, let replica):
            readinessMissed(service, replica, lateness)
        case .launch(let service, let replica):
            record(
                .replicaLaunchDue(
                    ReplicaLaunchDue(service: service, replica: replica, latenessMicroseconds: lateness)))
        case .drain(let service, let replica):
            endDraining(service, replica, lateness)
        case .cleanup(let service, let replica):
            record(
                .replicaCleanupDue(
                    ReplicaCleanupDue(service: service, replica: replica, latenessMicroseconds: lateness)))
        case .loadBalancerCleanup(let service):
            record(
                .loadBalancerCleanupDue(
                    LoadBalancerCleanupDue(service: service, latenessMicroseconds: lateness)))
        case .loadBalancerLaunch(let service):
            record(
                .loadBalancerLaunchDue(LoadBalancerLaunchDue(service: service, latenessMicroseconds: lateness)))
        }
    }

    /// Ends the idle period: for a live service, or for another reason; another period may begin at once.
    mutating func wake(because reason: String?) {
        guard case .idle(let idle) = state.phase else { return }
        record(
            .controllerWoken(
                ControllerWoken(
                    service: reason == nil ? state.liveServices.first : nil, idleVersion: idle.generation,
                    idleMicroseconds: idleMicroseconds(idle), reason: reason)))
    }

    /// Another idle period takes the place of this one, for its deadline was worked out by what is not so any more. It has
    /// been idle for as long as before: what of that counts is no longer to be waited for.
    private mutating func goOnIdle(because reason: String) {
        guard case .idle(let idle) = state.phase else { return }
        let moved = idle.wallClockMoved(at: now)
        record(
            .controllerWoken(
                ControllerWoken(
                    idleVersion: idle.generation, idleMicroseconds: idleMicroseconds(idle), reason: reason,
                    keptSinceMicroseconds: idle.sinceMicroseconds &+ moved,
                    keptClockSinceMicroseconds: idle.clockSinceMicroseconds.map { $0 &+ moved })))
    }

    private func idleMicroseconds(_ idle: ControllerState.Idle) -> Int64 {
        Swift.max(0, now.wallMicroseconds &- idle.wallClockMoved(at: now) &- idle.sinceMicroseconds)
    }

    /// The idle period that what comes next ends, if there is one.
    var idleVersion: Int? {
        if case .idle(let idle) = state.phase { idle.generation } else { nil }
    }
}

extension ControllerState {
    /// Whether nothing of any service runs or listens.
    var isEmptyHanded: Bool { !services.values.contains(where: \.hasSomethingPresent) }
}

// Rules for updates.

extension Decision {
    /// Makes a new version of a service the one that is wanted; ``ReplicaPlan`` says what follows. It may
    /// come in any state: on a controller that is stopped or stopping it is what is served at the next
    /// start, so that no order is lost (law L6).
    mutating func update(_ request: Command.Update) throws(Rejection) {
        let name = request.service
        guard let service = state.services[name] else {
            throw .noSuchService(name, controller: state.name, existing: state.orderedServices)
        }
        if case .terminating = state.phase { throw .terminating(state.name) }
        guard !service.isEnding else { throw .serviceEnding(name, controller: state.name) }
        let spec: ServiceSpec
        var rolledBackTo: Int?
        switch request.target {
        case .spec(let wanted): spec = wanted
        case .lastGoodVersion:
            guard let version = service.lastGoodVersion, service.spec(ofVersion: version) != service.spec else {
                throw .nothingToRollBackTo(name, controller: state.name, version: service.version)
            }
            spec = service.spec(ofVersion: version)
            rolledBackTo = version
        }
        let reused = service.orderedReplicas.filter {
            $0.isWorking && service.canBeReused($0, for: spec, isRollback: rolledBackTo == $0.version)
        }
        record(
            .serviceUpdated(
                ServiceUpdated(
                    service: name, version: service.version &+ 1, spec: spec, mode: request.mode,
                    reused: reused.map(\.id), rolledBackTo: rolledBackTo)))
        for replica in reused { setReadinessDeadline(of: replica, in: service, to: spec.readinessProbe) }
    }

    /// A replica that is reused while it waits to be ready has the time the new probe gives it, from now.
    private mutating func setReadinessDeadline(
        of replica: ReplicaState, in service: ServiceState, to probe: ReadinessProbe
    ) {
        let before = service.spec(ofVersion: replica.version).readinessProbe
        switch replica.phase {
        case .starting where before.initialDelaySeconds != probe.initialDelaySeconds:
            record(
                .replicaStarting(
                    ReplicaStarting(
                        service: service.name, replica: replica.id,
                        readyBy: Deadline(seconds: probe.initialDelaySeconds, after: now))))
        case .notReady(let waiting)
        where before.consecutiveFailureThresholdSeconds != probe.consecutiveFailureThresholdSeconds:
            record(
                .replicaNotReady(
                    ReplicaNotReady(
                        service: service.name, replica: replica.id, evidence: waiting.evidence ?? "not ready",
                        readyBy: Deadline(seconds: probe.consecutiveFailureThresholdSeconds, after: now))))
        case .pending, .provisioning, .starting, .ready, .notReady, .draining, .removing, .failed:
            break
        }
    }
}

extension ServiceState {
    /// Whether a replica runs what `spec` asks for already. Files that no version holds may have changed
    /// since it was launched, so one with `file_mounts` is not reused, as in SkyServe; unless a rollback
    /// returns to the very version it is of. Unlike there, one that would be asked another question is not
    /// reused either: were the question wrong, no version would be left that serves.
    fileprivate func canBeReused(_ replica: ReplicaState, for spec: ServiceSpec, isRollback: Bool) -> Bool {
        let current = self.spec(ofVersion: replica.version)
        return isRollback
            || spec.runsTheSame(as: current) && spec.readinessProbe.asksTheSame(as: current.readinessProbe)
    }
}

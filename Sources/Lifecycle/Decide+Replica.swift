// Rules for replicas. A report about a replica that has moved on is an expected race and changes nothing.

extension Decision {
    mutating func replicaLaunched(_ reference: ReplicaReference, _ handle: Handle, _ endpoint: Endpoint) {
        guard let replica = replica(reference), replica.handle == nil else { return }
        let service = reference.service
        switch replica.phase {
        case .pending:
            record(
                .replicaLaunched(
                    ReplicaLaunched(service: service, replica: replica.id, handle: handle, endpoint: endpoint)))
            if spec(of: reference)?.setup == nil { replicaStarted(reference) }
        case .removing:
            record(
                .replicaLaunched(
                    ReplicaLaunched(service: service, replica: replica.id, handle: handle, endpoint: endpoint)))
        case .provisioning, .starting, .ready, .notReady, .draining, .failed:
            break
        }
    }

    mutating func replicaLaunchFailed(_ reference: ReplicaReference, _ reason: String) {
        guard let replica = replica(reference), case .pending = replica.phase else { return }
        remove(reference, .failed(status: .failedProvision, reason: reason))
    }

    mutating func replicaStarted(_ reference: ReplicaReference) {
        guard let replica = replica(reference), case .provisioning = replica.phase,
            let probe = spec(of: reference)?.readinessProbe
        else { return }
        record(
            .replicaStarting(
                ReplicaStarting(
                    service: reference.service, replica: replica.id,
                    readyBy: Deadline(seconds: probe.initialDelaySeconds, after: now))))
    }

    mutating func replicaProbed(_ reference: ReplicaReference, isReady: Bool, _ evidence: String) {
        guard let replica = replica(reference) else { return }
        let service = reference.service
        switch replica.phase {
        case .starting(let waiting) where !isReady:
            guard waiting.evidence != evidence else { return }
            record(
                .replicaProbeFailed(
                    ReplicaProbeFailed(service: service, replica: replica.id, evidence: evidence)))
        case .starting, .notReady:
            guard isReady else { return }  // as before; its deadline decides
            record(.replicaReady(ReplicaReady(service: service, replica: replica.id, evidence: evidence)))
        case .ready:
            guard !isReady, let probe = spec(of: reference)?.readinessProbe else { return }
            record(
                .replicaNotReady(
                    ReplicaNotReady(
                        service: service, replica: replica.id, evidence: evidence,
                        readyBy: Deadline(seconds: probe.consecutiveFailureThresholdSeconds, after: now))))
        case .pending, .provisioning, .draining, .removing, .failed:
            break
        }
    }

    mutating func replicaEnded(_ reference: ReplicaReference, _ ending: Ending, _ logTail: String?) {
        guard let replica = replica(reference), replica.isLaunched else { return }
        record(
            .replicaEnded(
                ReplicaEnded(service: reference.service, replica: replica.id, ending: ending, logTail: logTail)))
        // One that was to go anyway has not failed by going.
        if case .draining(let draining) = replica.phase { return remove(reference, draining.reason) }
        switch ending {
        case .exited, .signaled, .vanished:
            remove(reference, .failed(status: .failed, reason: ending.reason(logTail: logTail)))
        case .rebooted:
            remove(reference, .preempted(reason: ending.inWords))
        }
    }

    mutating func replicaDrained(_ reference: ReplicaReference) {
        guard let replica = replica(reference), case .draining(let draining) = replica.phase else { return }
        remove(reference, draining.reason)
    }

    /// It has had its time to finish the requests it has.
    mutating func endDraining(_ name: ServiceName, _ id: Int, _ latenessMicroseconds: Int64) {
        guard let replica = state.services[name]?.replicas[id], case .draining(let draining) = replica.phase else {
            return
        }
        remove(replica.reference(of: name), draining.reason, latenessMicroseconds)
    }

    /// It did not become ready in time.
    mutating func readinessMissed(_ name: ServiceName, _ id: Int, _ latenessMicroseconds: Int64) {
        guard let service = state.services[name], let replica = service.replicas[id] else { return }
        let reference = ReplicaReference(service: name, id: id, generation: replica.generation)
        let probe = service.spec(ofVersion: replica.version).readinessProbe
        switch replica.phase {
        case .starting(let waiting):
            let last = waiting.evidence.map { "; last probe: \($0)" } ?? ""
            let reason = "not ready within \(Self.seconds(probe.initialDelaySeconds)) (initial_delay_seconds)\(last)"
            remove(reference, .failed(status: .failedInitialDelay, reason: reason), latenessMicroseconds)
        case .notReady(let waiting):
            let window = Self.seconds(probe.consecutiveFailureThresholdSeconds)
            let last = waiting.evidence.map { "; first: \($0)" } ?? ""
            let reason = "failed its probes for \(window)\(last)"
            remove(reference, .failed(status: .failedProbing, reason: reason), latenessMicroseconds)
        case .pending, .provisioning, .ready, .draining, .removing, .failed:
            break
        }
    }

    private static func seconds(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value)) s" : "\(value) s"
    }

    mutating func replicaRemoved(_ reference: ReplicaReference) {
        guard let replica = replica(reference), case .removing(let removal) = replica.phase else { return }
        let service = reference.service
        switch removal.reason {
        case .notWanted, .byHand:
            record(.replicaGone(ReplicaGone(service: service, replica: replica.id, reason: replica.reasonInWords)))
        case .preempted(let reason):
            record(.replicaGone(ReplicaGone(service: service, replica: replica.id, reason: reason)))
        case .failed(let status, let reason):
            record(
                .replicaFailed(
                    ReplicaFailed(service: service, replica: replica.id, status: status, reason: reason)))
        }
    }

    mutating func replicaRemovalFailed(_ reference: ReplicaReference, _ leftovers: String) {
        guard let replica = replica(reference), case .removing(let removal) = replica.phase else { return }
        let attempts = (removal.stuck?.attempts ?? 0) &+ 1
        let wait = BackOffRule.cleanupSeconds(service: reference.service, attempts: attempts)
        record(
            .replicaCleanupFailed(
                ReplicaCleanupFailed(
                    service: reference.service, replica: replica.id, leftovers: leftovers,
                    retryAt: Deadline(seconds: wait, after: now))))
    }

    private mutating func remove(
        _ reference: ReplicaReference, _ reason: RemovalReason, _ latenessMicroseconds: Int64? = nil
    ) {
        record(
            .replicaRemoving(
                ReplicaRemoving(
                    service: reference.service, replica: reference.id, reason: reason,
                    latenessMicroseconds: latenessMicroseconds)))
        stopLaunchingIfNeverReady(reference, reason)
    }

    /// A version that was never ready and fails would fail again: it is not launched any more, and says
    /// why (SkyServe stops scaling such a version). What is left of an earlier version says nothing of it.
    private mutating func stopLaunchingIfNeverReady(_ reference: ReplicaReference, _ reason: RemovalReason) {
        guard case .failed(_, let why) = reason, let service = state.services[reference.service],
            service.replicas[reference.id]?.version == service.version, !service.wasEverReady,
            service.launchesStopped == nil, !service.isEnding
        else { return }
        record(
            .serviceLaunchesStopped(
                ServiceLaunchesStopped(
                    service: service.name, version: service.version,
                    reason: "replica \(reference.id): \(why)")))
    }

    /// What the replica runs: its own version's spec, which is not always the one that is wanted now.
    private func spec(of reference: ReplicaReference) -> ServiceSpec? {
        guard let service = state.services[reference.service], let replica = replica(reference) else { return nil }
        return service.spec(ofVersion: replica.version)
    }

    /// The replica a report is about, unless it belongs to a life of the service that is over.
    private func replica(_ reference: ReplicaReference) -> ReplicaState? {
        state.services[reference.service]?.replicas[reference.id].flatMap {
            $0.generation == reference.generation ? $0 : nil
        }
    }
}

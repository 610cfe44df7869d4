// Rules for services and their load balancers.

extension Decision {
    mutating func up(_ request: Command.Up) throws(Rejection) {
        if let existing = state.services[request.service] { return try upAgain(existing, request) }
        try ensureStarted(for: request.service, policy: request.policy)
        let taken = surroundings.portsTakenElsewhere
        guard let port = request.candidatePorts.first(where: { !taken.contains($0) && !isHeld($0) }) else {
            throw .noPortLeft(request.candidatePorts)
        }
        record(
            .serviceUpRequested(
                ServiceUpRequested(
                    service: request.service, version: 1, spec: request.spec,
                    endpoint: Endpoint(host: request.host, port: port))))
        applyConfigured(request.policy)
    }

    /// A service that failed for good is given another version, as by an update: whoever knows its endpoint, where its
    /// load balancer has told them of the failure, is served there. One that lives is not replaced.
    private mutating func upAgain(_ existing: ServiceState, _ request: Command.Up) throws(Rejection) {
        if case .terminating = state.phase { throw .terminating(state.name) }
        guard !existing.isLive, !existing.isEnding else {
            if case .stopped = state.phase { throw .serviceSuspended(existing.name, controller: state.name) }
            throw .serviceExists(existing.name, controller: state.name, status: existing.status)
        }
        try ensureStarted(for: request.service, policy: request.policy)
        record(
            .serviceUpdated(
                ServiceUpdated(
                    service: existing.name, version: existing.version &+ 1, spec: request.spec, mode: .rolling,
                    reused: [])))
        applyConfigured(request.policy)
    }

    private func isHeld(_ port: UInt16) -> Bool {
        state.services.values.contains { $0.endpoint.port == port }
    }

    /// Takes on what the configuration says now, if it has changed since the controller was started.
    /// After the service is there, so that an idle period that this `up` ends is ended by it.
    private mutating func applyConfigured(_ configured: AutostopPolicy) {
        let policy = effective(configured)
        guard policy != state.policy else { return }
        settle()
        record(.controllerPolicySet(ControllerPolicySet(policy: policy)))
    }

    /// - Parameter purge: whether to forget what cannot be removed, as soon as that was tried. A `down` that was
    ///   given before can be made one that does.
    mutating func down(_ services: [ServiceName], purge: Bool = false) throws(Rejection) {
        for name in services where state.services[name] == nil {
            throw .noSuchService(name, controller: state.name, existing: state.orderedServices)
        }
        for name in services {
            guard let service = state.services[name], !service.isEnding || purge && !service.isPurged else { continue }
            record(.serviceDownRequested(ServiceDownRequested(service: name, purge: purge ? true : nil)))
            // At once, so that tidying up after a service that failed does not wake an idle controller.
            if state.services[name]?.hasSomethingPresent == false { record(.serviceGone(ServiceGone(service: name))) }
        }
    }

    mutating func loadBalancerLaunched(_ reference: LoadBalancerReference, _ handle: Handle) {
        guard let current = loadBalancer(reference) else { return }
        switch current.phase {
        case .pending:
            record(.loadBalancerLaunched(LoadBalancerLaunched(service: reference.service, handle: handle)))
        case .running, .removing:
            break  // known already; or found by its cookie when it is removed
        }
    }

    mutating func loadBalancerEnded(_ reference: LoadBalancerReference, _ reason: String) {
        guard let current = loadBalancer(reference) else { return }
        switch current.phase {
        case .pending, .running:
            let failures = current.failures(endingAt: now.wallMicroseconds)
            let wait = BackOffRule.loadBalancerSeconds(service: reference.service, failures: failures)
            record(
                .loadBalancerEnded(
                    LoadBalancerEnded(
                        service: reference.service, reason: reason,
                        launchAt: wait > 0 ? Deadline(seconds: wait, after: now) : nil)))
        case .removing:
            break  // its removal will find nothing left
        }
    }

    mutating func loadBalancerRemoved(_ reference: LoadBalancerReference) {
        guard let current = loadBalancer(reference), case .removing = current.phase else { return }
        record(.loadBalancerGone(LoadBalancerGone(service: reference.service)))
    }

    mutating func loadBalancerRemovalFailed(_ reference: LoadBalancerReference, _ leftovers: String) {
        guard let current = loadBalancer(reference), case .removing = current.phase else { return }
        let wait = BackOffRule.cleanupSeconds(
            service: reference.service, attempts: (current.stuck?.attempts ?? 0) &+ 1)
        record(
            .loadBalancerCleanupFailed(
                LoadBalancerCleanupFailed(
                    service: reference.service, leftovers: leftovers,
                    retryAt: Deadline(seconds: wait, after: now))))
    }

    /// The load balancer a report is about, unless it has been replaced since.
    private func loadBalancer(_ reference: LoadBalancerReference) -> LoadBalancerState? {
        state.services[reference.service]?.loadBalancer.flatMap {
            $0.generation == reference.generation ? $0 : nil
        }
    }
}

import EventLog
import Foundation
import Lifecycle
import Logging

/// Does one piece of work in the world, and reports the outcome as a command.
struct Worker: Sendable {
    let access: LogAccess
    let driver: any Driver
    let loadBalancers: LoadBalancerLauncher
    let prober: Prober
    /// Where a service's load balancer says what it sees of its traffic.
    let trafficReport: @Sendable (ServiceName) -> String
    let secrets: SecretFiles
    let copies: WorkdirCopies
    let hooks: HookRunner
    /// How what `wait_for` names is asked.
    let useProbe: @Sendable (String) -> UseProbe?
    let useProber: UseProber
    let logger: Logger
    let repeated = RepeatedFailures()

    /// Does `work`, which `state` said is outstanding.
    ///
    /// - Returns: the stream version its outcome led to.
    func perform(_ work: Work, _ state: ControllerState) async -> Int {
        switch work {
        case .launchReplica(let replica): await launch(replica, state)
        case .watchReplica(let replica, let handle, let endpoint, let version):
            await watch(replica, handle, endpoint, version: version, state)
        case .drainReplica(let replica, let handle, let balancer): await drain(replica, handle, balancer, state)
        case .removeReplica(let replica): await remove(replica, state)
        case .launchLoadBalancer(let reference, let endpoint): await launch(reference, endpoint, state)
        case .watchLoadBalancer(let reference, let handle):
            if let reason = await loadBalancers.ended(reference, handle) {
                await reportEnd(of: reference, reason)
            }
        case .removeLoadBalancer(let reference): await remove(reference, state)
        case .watchLoad(let reference, _):
            await LoadWatch(
                balancer: reference, reportPath: trafficReport(reference.service), state: { await access.state() },
                report: { await report($0) }
            ).run()
        case .watchUse(let names):
            // What the command line asks for is in the log, and `config.yaml` need not know of it.
            let isByHand = state.policy.waitFor?.source == .commandLine
            let probe = { @Sendable [useProbe] (name: String) in
                useProbe(name) ?? (isByHand && name == UseProbe.sshName ? .sshSessions : nil)
            }
            await UseWatch(names: names, probe: probe, prober: useProber, report: { await report($0) }).run()
        case .runHook(_, let version): await runHook(version, state)
        case .finishStop: await report(.stopFinished)
        case .finishTermination: await report(.terminationFinished)
        }
        return await access.state().version
    }

    /// Ends replicas of this controller that its state does not know.
    func endStrangers(_ state: ControllerState) async {
        let known = state.services.values.flatMap { service in
            service.orderedReplicas.map { $0.reference(of: service.name) }
        }
        if let leftovers = await driver.endStrangers(known: Set(known)) {
            logger.error("replicas that the log does not know are left: \(leftovers)")
        }
    }

    /// Ends what was begun to ask whether the controller is used, so many questions at most.
    func endUseProbes(_ count: Int) async { await useProber.end(count) }

    /// Removes the secrets that no service has any more.
    func removeUnusedSecrets() async {
        let unheld = secrets.unheld()
        if !unheld.isEmpty { unheld.remove(except: await access.state().secretsInUse) }
    }

    /// Removes the copies of folders that no version needs any more.
    func removeUnusedCopies() async {
        let unheld = copies.unheld()
        guard !unheld.isEmpty else { return }
        for left in unheld.remove(except: await access.state().workdirCopiesInUse) { logger.warning("\(left)") }
    }

    private func report(_ command: Command) async {
        do {
            _ = try await access.submit(command)
        } catch {
            logger.error("a report was refused: \(error)")
        }
    }

    private func launch(_ replica: ReplicaReference, _ state: ControllerState) async {
        guard let service = state.services[replica.service], let version = service.replicas[replica.id]?.version else {
            return
        }
        let spec = service.spec(ofVersion: version)
        do {
            let launched = try await driver.launch(replica, spec)
            repeated.forget(replica)
            await report(.replicaLaunched(replica, launched.handle, launched.endpoint))
        } catch {
            let sentence = "service \(replica.service): replica \(replica.id) could not be launched: \(error)"
            switch error {
            case .refused(let reason):
                repeated.forget(replica)
                logger.warning("\(sentence)")
                await report(.replicaLaunchFailed(replica, reason: reason))
            case .unreachable:
                // It is still to be launched, and so it is tried again, until it can be: told once.
                if repeated.isNews("\(error)", of: replica) {
                    logger.warning("\(sentence); it is tried again until it can be")
                }
            }
        }
    }

    /// Sees the replica's `setup` end, then probes it, until its process ends or nobody wants to know.
    private func watch(
        _ replica: ReplicaReference, _ handle: Handle, _ endpoint: Endpoint, version: Int, _ state: ControllerState
    ) async {
        guard let service = state.services[replica.service] else { return }
        let spec = service.spec(ofVersion: version)
        let wasEverReady = service.replicas[replica.id]?.readyAtMicroseconds != nil
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                guard await driver.setupFinished(replica, handle) else { return }
                await report(.replicaStarted(replica))
                // Secrets are in the probe from here on and nowhere before.
                let values = (try? secrets.read(spec.secrets)) ?? [:]
                let asked = Secrets(values: values).fill(spec.readinessProbe)
                await probe(replica, handle, endpoint, asked, wasEverReady: wasEverReady)
            }
            if let (ending, logTail) = await driver.ended(replica, handle) {
                await report(.replicaEnded(replica, ending, logTail: logTail))
            }
            group.cancelAll()
        }
    }

    /// Sees the requests a replica has come to an end, or its process. Its load balancer tells of them; it
    /// counts only once it goes by routes that send the replica no more.
    private func drain(
        _ replica: ReplicaReference, _ handle: Handle, _ balancer: LoadBalancerReference, _ state: ControllerState
    ) async {
        guard case .draining(let draining) = state.services[replica.service]?.replicas[replica.id]?.phase else {
            return
        }
        let path = trafficReport(replica.service)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in Changes.ticks(at: (path as NSString).deletingLastPathComponent) {
                    guard let traffic = TrafficReporter.read(path),
                        traffic.shows(drained: replica.id, draining, by: balancer)
                    else { continue }
                    return await report(.replicaDrained(replica))
                }
            }
            group.addTask {
                if let (ending, logTail) = await driver.ended(replica, handle) {
                    await report(.replicaEnded(replica, ending, logTail: logTail))
                }
            }
            await group.next()
            group.cancelAll()
        }
    }

    /// Probes until cancelled: quickly until it is ready for the first time, then at its interval.
    private func probe(
        _ replica: ReplicaReference, _ handle: Handle, _ endpoint: Endpoint, _ probe: ReadinessProbe, wasEverReady: Bool
    ) async {
        var reports = ProbeReports(wasEverReady: wasEverReady, initialDelaySeconds: probe.initialDelaySeconds)
        let begun = ContinuousClock.now
        var pause = Duration.milliseconds(10)
        // Where a replica that refuses connections listens instead, is looked for now and then: it is work.
        var elsewhere: [UInt16] = []
        var nextLook = Duration.seconds(min(2, probe.initialDelaySeconds / 2))
        let interval = Duration.seconds(probe.endpointProbeIntervalSeconds)
        while !Task.isCancelled {
            var verdict = await prober.probe(endpoint, probe)
            if Task.isCancelled { return }
            let elapsed = ContinuousClock.now - begun
            if verdict.isRefused {
                if elapsed >= nextLook {
                    elsewhere = await driver.listeningPorts(of: replica, handle)
                    nextLook = elapsed * 2
                }
                verdict.add(ports: elsewhere, besides: endpoint.port)
            }
            if reports.isNews(verdict, after: elapsed) {
                await report(.replicaProbed(replica, isReady: verdict.isReady, evidence: verdict.evidence))
            }
            if verdict.isReady { pause = interval }
            try? await Task.sleep(for: pause)
            if pause < interval { pause = min(pause * 3 / 2, .seconds(1), interval) }
        }
    }

    /// Runs a hook once at most: that it begins is on disk before it does, and one that an earlier process had
    /// begun is only reported.
    private func runHook(_ version: Int, _ state: ControllerState) async {
        guard let hook = state.hooks.first(where: { $0.version == version }) else { return }
        guard !hook.hasStarted else {
            await hooks.end(hook)
            return await report(.hookEnded(version, .interrupted))
        }
        // Not called for any more, or begun meanwhile: then this is not the one that runs it.
        guard let receipt = try? await access.receipt(of: .hookStarted(version)), !receipt.events.isEmpty else {
            return
        }
        let outcome = await hooks.run(hook)
        if outcome != .exited(code: 0) { logger.warning("hook \(hook.kind.rawValue) \(outcome.inWords)") }
        await report(.hookEnded(version, outcome))
    }

    private func remove(_ replica: ReplicaReference, _ state: ControllerState) async {
        let handle = state.services[replica.service]?.replicas[replica.id]?.handle
        repeated.forget(replica)
        if let leftovers = await driver.end(replica, handle) {
            await report(.replicaRemovalFailed(replica, leftovers: leftovers))
        } else {
            await report(.replicaRemoved(replica))
        }
    }

    private func launch(_ reference: LoadBalancerReference, _ endpoint: Endpoint, _ state: ControllerState) async {
        do {
            let tls = state.services[reference.service]?.servedTLS
            let handle = try await loadBalancers.launch(reference, endpoint, tls: tls)
            await report(.loadBalancerLaunched(reference, handle))
        } catch {
            logger.warning("service \(reference.service): its load balancer could not be started: \(error)")
            await reportEnd(of: reference, "\(error)")
        }
    }

    private func reportEnd(of reference: LoadBalancerReference, _ reason: String) async {
        await report(.loadBalancerEnded(reference, reason: reason))
        // Who connects waits for one that is started again at once, and not for one that has to wait itself.
        if case .pending(nil) = await access.state().services[reference.service]?.loadBalancer?.phase { return }
        loadBalancers.release(reference)
    }

    private func remove(_ reference: LoadBalancerReference, _ state: ControllerState) async {
        let spec = state.services[reference.service]?.spec
        let drainSeconds = spec?.replicaDrainDelaySeconds ?? ServiceSpec.standardDrainDelaySeconds
        if let leftovers = await loadBalancers.end(reference, drainSeconds: drainSeconds) {
            await report(.loadBalancerRemovalFailed(reference, leftovers: leftovers))
        } else {
            await report(.loadBalancerRemoved(reference))
        }
    }
}

import Lifecycle

// What a controller process does, one step at a time.

extension Simulator {
    /// The process looks at the state, if something woke it.
    mutating func wake(_ controller: ControllerName, _ random: inout SeededGenerator) throws(Violation) {
        guard var process = processes[controller], process.isAwake else { return }
        if let command = process.postponed {
            guard !hasFaults || random.chance(10) else { return }
            processes[controller]?.postponed = nil
            _ = try submit(command, to: controller, &random)
            return
        }
        process.isAwake = false
        let state = log.state(of: controller)
        let actions = process.loop.wake(state, now: clock.now, standing: standing(of: process, state))
        if state.process == process.name { process.hasServed = true }
        processes[controller] = process
        for action in actions {
            switch action {
            case .submit(let command):
                if case .takeOver = command { try checkNobodyElseServes(process, state) }
                // A failure of the log is tried again at the next wake.
                processes[controller]?.isAwake = true
                // Between looking and submitting, somebody else may submit.
                if hasFaults, random.chance(20) {
                    processes[controller]?.postponed = command
                    return
                }
                _ = try submit(command, to: controller, &random)
            case .begin(let work):
                try laws.checkBegins(work, on: controller)
                try processes[controller]?.begin(work, atVersion: state.version)
            case .cancel(let subject): processes[controller]?.jobs[subject]?.isCancelled = true
            case .arm(let pending):
                try laws.checkHasLooked(controller, clock.now)
                processes[controller]?.armed = pending
            case .retryLater:
                if processes[controller]?.retryAtBootMicroseconds == nil {
                    processes[controller]?.retryAtBootMicroseconds = clock.bootMicroseconds + 1_000_000
                }
            case .standBy:
                // Its end wakes whoever waits for it.
                note("\(process.name) of \(controller) stands by")
            case .giveWay:
                try checkNoHookIsCutOff(process)
                processes[controller] = nil
                note("\(process.name) of \(controller) gives way")
                return
            case .end:
                processes[controller] = nil
                note("the process of \(controller) ends")
                return
            }
        }
    }

    /// One piece of work in flight goes one step on: acts in the world, or reports.
    mutating func work(_ controller: ControllerName, _ random: inout SeededGenerator) throws(Violation) {
        guard let process = processes[controller], !process.order.isEmpty else { return }
        try advance(random.pick(process.order), of: controller, &random)
    }

    mutating func advance(
        _ subject: Reconciler.Subject, of controller: ControllerName, _ random: inout SeededGenerator
    ) throws(Violation) {
        guard var job = processes[controller]?.jobs[subject] else { return }
        if let report = job.report {
            // What happened is reported until the log takes it.
            guard let outcome = try submit(report, to: controller, &random) else { return }
            if case .accepted(_, let events) = outcome { job.wasRecorded = !events.isEmpty }
            job.report = nil
            if job.endsWithReport { return finish(subject, of: controller) }
            processes[controller]?.jobs[subject] = job
            return
        }
        if job.isCancelled { return finish(subject, of: controller) }
        try act(&job, controller, &random)
        job.isAtRest = job.report == nil && !isSettingUp(job, controller)
        guard processes[controller]?.jobs[subject] != nil else { return }
        processes[controller]?.jobs[subject] = job
    }

    /// Whether what is watched will have something to say without anything else happening.
    private func isSettingUp(_ job: SimulatedProcess.Job, _ controller: ControllerName) -> Bool {
        guard case .watchReplica(let replica, _, _, _) = job.work,
            let running = machine.replicas[.init(controller: controller, replica: replica)]
        else { return false }
        return running.setupSteps > 0 || !job.hasReportedStart || (running.probesUntilReady ?? 0) > 0
            || (running.probesUntilReady == 0 && job.reportedVerdict != true)
    }

    private mutating func finish(_ subject: Reconciler.Subject, of controller: ControllerName) {
        processes[controller]?.end(subject, atVersion: log.state(of: controller).version)
    }

    private mutating func act(
        _ job: inout SimulatedProcess.Job, _ controller: ControllerName, _ random: inout SeededGenerator
    ) throws(Violation) {
        switch job.work {
        case .launchReplica(let replica):
            job.report = launch(replica, on: controller, &random)
        case .removeReplica(let replica):
            job.report = remove(.init(controller: controller, replica: replica))
        case .drainReplica(let replica, let handle, let balancer):
            drain(&job, .init(controller: controller, replica: replica), handle, balancer)
        case .watchReplica(let replica, let handle, _, _):
            watch(&job, .init(controller: controller, replica: replica), handle)
        case .launchLoadBalancer(let reference, let endpoint):
            try laws.checkListens(reference, at: endpoint, on: controller)
            let key = SimulatedMachine.LoadBalancerKey(controller: controller, reference: reference)
            if hasFaults, machine.loadBalancers[key] == nil, random.chance(5) {
                job.report = .loadBalancerEnded(reference, reason: "the port is in use")
            } else {
                let balancer =
                    machine.loadBalancers[key]
                    ?? SimulatedMachine.LoadBalancer(
                        handle: machine.newHandle(bootID: clock.now.bootID),
                        resistance: hasFaults && random.chance(5) ? 1 + random.below(2) : 0)
                machine.loadBalancers[key] = balancer
                job.report = .loadBalancerLaunched(reference, balancer.handle)
            }
        case .watchLoadBalancer(let reference, let handle):
            let key = SimulatedMachine.LoadBalancerKey(controller: controller, reference: reference)
            if machine.loadBalancers[key]?.handle != handle {
                job.report = .loadBalancerEnded(reference, reason: "its process ended")
            }
        case .watchLoad(let reference, let handle):
            try watchLoad(&job, .init(controller: controller, reference: reference), handle, &random)
        case .removeLoadBalancer(let reference):
            job.report = remove(.init(controller: controller, reference: reference))
        case .watchUse(let names): watchUse(&job, names, &random)
        case .runHook(_, let version): try runHook(&job, controller, version, &random)
        case .finishStop: job.report = .stopFinished
        case .finishTermination: job.report = .terminationFinished
        }
    }

    /// Says now and then that the machine is used, or not; once no fault is left, that it is not.
    private func watchUse(
        _ job: inout SimulatedProcess.Job, _ names: [String], _ random: inout SeededGenerator
    ) {
        job.endsWithReport = false
        let isActive = hasFaults ? random.chance(30) : false
        guard isActive != job.reportedVerdict, !names.isEmpty else { return }
        job.reportedVerdict = isActive
        job.report = .useSeen(names[0], isActive: isActive, evidence: isActive ? "it says active" : "it says idle")
    }

    /// Begins a hook once that is recorded, and sees it end some steps later; or reports one that was begun before.
    private mutating func runHook(
        _ job: inout SimulatedProcess.Job, _ controller: ControllerName, _ version: Int, _ random: inout SeededGenerator
    ) throws(Violation) {
        let isRecorded = log.state(of: controller).hooks.contains { $0.version == version && $0.hasStarted }
        if !job.hasReportedStart {
            if isRecorded {
                job.report = .hookEnded(version, .interrupted)
                return
            }
            job.hasReportedStart = true
            job.report = .hookStarted(version)
            job.endsWithReport = false
            return
        }
        if job.reportedVerdict == nil {
            // What somebody else recorded, somebody else runs.
            guard job.wasRecorded else {
                job.isCancelled = true
                return
            }
            guard isRecorded else {
                throw Violation(law: "hook", what: "the hook of \(controller) \(version) runs unrecorded")
            }
            job.reportedVerdict = true
            machine.hookRuns[.init(controller: controller, version: version), default: 0] += 1
            note("hook of \(controller) \(version) runs")
        }
        // Most take their time, so that much can happen meanwhile.
        guard !hasFaults || random.chance(5) else { return }
        job.endsWithReport = true
        job.report = .hookEnded(version, .exited(code: 0))
    }

    /// Launches a replica, or finds the one that was launched before a crash.
    private mutating func launch(
        _ replica: ReplicaReference, on controller: ControllerName, _ random: inout SeededGenerator
    ) -> Command {
        let key = SimulatedMachine.ReplicaKey(controller: controller, replica: replica)
        let endpoint = Endpoint(host: "127.0.0.1", port: 20_000)
        if let running = machine.replicas[key] { return .replicaLaunched(replica, running.handle, endpoint) }
        if hasFaults, random.chance(3) { return .replicaLaunchFailed(replica, reason: "cannot fork") }
        // What a replica runs is its own version, which is not always the one that is wanted now.
        guard let service = log.state(of: controller).services[replica.service],
            let spec = service.replicas[replica.id].map({ service.spec(ofVersion: $0.version) })
        else {
            return .replicaLaunchFailed(replica, reason: "no spec")
        }
        let handle = machine.newHandle(bootID: clock.now.bootID)
        machine.endings[key] = nil
        machine.replicas[key] = SimulatedMachine.Replica(
            handle: handle, bootID: clock.now.bootID, setupSteps: spec.setup == nil ? 0 : random.below(4),
            probesUntilReady: spec.run == "works" ? random.below(4) : nil,
            resistance: hasFaults && random.chance(10) ? random.pick([1, 2, 3, 9]) : 0)
        if spec.run == "exits" {
            machine.end(key)
            machine.endings[key] = .exited(code: 1, stage: spec.setup == nil ? .run : .setup)
        }
        return .replicaLaunched(replica, handle, endpoint)
    }

    private mutating func remove(_ key: SimulatedMachine.ReplicaKey) -> Command {
        if let running = machine.replicas[key], running.resistance > 0 {
            machine.replicas[key]?.resistance -= 1
            return .replicaRemovalFailed(key.replica, leftovers: "process \(running.handle) does not end")
        }
        machine.end(key)
        machine.endings[key] = nil
        return .replicaRemoved(key.replica)
    }

    /// Tells a load balancer to end, which it does once no request is under way or it has waited as long as
    /// its replicas would.
    private mutating func remove(_ key: SimulatedMachine.LoadBalancerKey) -> Command? {
        guard let balancer = machine.loadBalancers[key] else { return .loadBalancerRemoved(key.reference) }
        let since = balancer.endingSinceMicroseconds ?? clock.bootMicroseconds
        machine.loadBalancers[key]?.endingSinceMicroseconds = since
        let spec = log.state(of: key.controller).services[key.reference.service]?.spec
        let limit = Int64((spec?.replicaDrainDelaySeconds ?? 0) * 1e6)
        guard balancer.inFlight.isEmpty || clock.bootMicroseconds - since >= limit else { return nil }
        if balancer.resistance > 0 {
            machine.loadBalancers[key]?.resistance -= 1
            return .loadBalancerRemovalFailed(key.reference, leftovers: "process \(balancer.handle) does not end")
        }
        machine.loadBalancers[key] = nil
        return .loadBalancerRemoved(key.reference)
    }

    /// Sees the requests of a replica end, as its load balancer tells of them, or its process.
    private func drain(
        _ job: inout SimulatedProcess.Job, _ key: SimulatedMachine.ReplicaKey, _ handle: Handle,
        _ reference: LoadBalancerReference
    ) {
        guard machine.replicas[key]?.handle == handle else {
            let isSameBoot = handle.rawValue.hasSuffix(clock.now.bootID)
            job.report = .replicaEnded(
                key.replica, isSameBoot ? machine.endings[key] ?? .vanished : .rebooted, logTail: nil)
            job.endsWithReport = true
            return
        }
        job.endsWithReport = false
        guard !job.hasReportedStart,
            let replica = log.state(of: key.controller).services[key.replica.service]?.replicas[key.replica.id],
            case .draining(let draining) = replica.phase,
            let balancer = machine.loadBalancers[.init(controller: key.controller, reference: reference)],
            balancer.report(reference).shows(drained: key.replica.id, draining, by: reference)
        else { return }
        job.hasReportedStart = true
        job.report = .replicaDrained(key.replica)
    }

    /// Sees `setup` end, probes, sees the process end.
    private mutating func watch(
        _ job: inout SimulatedProcess.Job, _ key: SimulatedMachine.ReplicaKey, _ handle: Handle
    ) {
        guard var running = machine.replicas[key], running.handle == handle else {
            let isSameBoot = handle.rawValue.hasSuffix(clock.now.bootID)
            job.report = .replicaEnded(
                key.replica, isSameBoot ? machine.endings[key] ?? .vanished : .rebooted, logTail: nil)
            job.endsWithReport = true
            return
        }
        job.endsWithReport = false
        if running.setupSteps > 0 {
            running.setupSteps -= 1
        } else if !job.hasReportedStart {
            job.hasReportedStart = true
            job.report = .replicaStarted(key.replica)
        } else {
            let isReady = !running.isHung && running.probesUntilReady == 0
            if let left = running.probesUntilReady, left > 0 { running.probesUntilReady = left - 1 }
            if isReady != job.reportedVerdict {
                job.reportedVerdict = isReady
                job.report = .replicaProbed(key.replica, isReady: isReady, evidence: isReady ? "HTTP 200" : "refused")
            }
        }
        machine.replicas[key] = running
    }
}

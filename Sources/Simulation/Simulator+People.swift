import Lifecycle

// What people do at their command lines.

extension Simulator {
    mutating func person(_ controller: ControllerName, _ random: inout SeededGenerator) throws(Violation) {
        // Two command lines may give one command, as a retry does; also on another day.
        if random.chance(10), !given.isEmpty {
            let again = random.pick(given)
            let outcome = try submit(again.command, to: again.controller, id: again.id, &random)
            if case .accepted = outcome { try laws.accepted(again.command, by: log.state(of: again.controller)) }
            ensureRunning(again.controller)
            return
        }
        if random.chance(5), !reported.isEmpty {
            let late = random.pick(reported)
            _ = try submit(late.command, to: late.controller, &random)
            return
        }
        let command = command(on: controller, &random)
        let id = random.next()
        given.append((id, command, controller))
        note("\(controller) is told: \(command)")
        let outcome = try submit(command, to: controller, id: id, &random)
        if case .accepted = outcome { try laws.accepted(command, by: log.state(of: controller)) }
        // The command line may be killed before it sees to the controller's process.
        if !random.chance(10) { ensureRunning(controller) }
    }

    private func command(on controller: ControllerName, _ random: inout SeededGenerator) -> Command {
        let names = ["api", "chat", "demo"].compactMap(ServiceName.init(rawValue:))
        let name = random.pick(names)
        // Mostly of one that is there, or updates would be rare.
        let there = log.state(of: controller).services.keys.sorted()
        let known = there.isEmpty || random.chance(20) ? name : random.pick(there)
        switch random.below(27) {
        case 20..<25:
            return .update(
                Command.Update(
                    service: known,
                    target: random.chance(70) ? .spec(spec(&random)) : target(known, controller, &random),
                    mode: random.pick(UpdateMode.allCases)))
        case 0..<8:
            return .up(
                Command.Up(
                    service: name, spec: spec(&random),
                    policy: configured(&random),
                    host: "127.0.0.1", candidatePorts: Array(30_001...30_008)))
        case 8..<11: return .down(random.chance(20) ? Array(Set([name, random.pick(names)])).sorted() : [name])
        case 11:
            return random.chance(60)
                ? .pauseAutostop(seconds: random.pick([1, 30, 600, nil]), reason: nil) : .resumeAutostop
        case 12: return .resumeAutostop
        case 13: return random.chance(50) ? .down([name]) : .purge([name])
        case 25: return .removeReplica(known, replica: 1 + random.below(6))
        case 14: return .start(policy: configured(&random))
        case 15..<17: return .stop
        case 17: return .terminate(force: random.chance(70))
        default:
            let saysWindow = random.chance(75)
            return .setAutostop(
                AutostopPolicy(
                    idleTimeoutSeconds: saysWindow ? random.pick([0, 1, 5, 60, nil]) : nil,
                    source: saysWindow ? .commandLine : .standard,
                    down: random.chance(40) ? .init(random.chance(40), .commandLine) : nil,
                    terminateAfterSeconds: random.chance(40) ? .init(random.pick([1, 100, nil]), .commandLine) : nil,
                    waitFor: random.chance(15) ? .init(random.pick([[], ["ssh"]]), .commandLine) : nil),
                keepClock: random.chance(30))
        }
    }

    /// Back to what was good, or on with what there is.
    private func target(
        _ name: ServiceName, _ controller: ControllerName, _ random: inout SeededGenerator
    ) -> Command.Update.Target {
        guard random.chance(60), let spec = log.state(of: controller).services[name]?.spec else {
            return .lastGoodVersion
        }
        return .spec(spec)
    }

    private func configured(_ random: inout SeededGenerator) -> AutostopPolicy {
        AutostopPolicy(
            idleTimeoutSeconds: random.pick([5, 60, 600, nil]), source: .serveController,
            down: random.chance(10) ? .init(random.chance(60), .serveController) : nil,
            terminateAfterSeconds: random.chance(10) ? .init(random.pick([20, nil]), .controllers) : nil,
            hooks: random.pick([nil, nil, HookKind.allCases, [.idle, .stop]]),
            schedule: random.chance(15) ? .init(schedule(&random), .serveController) : nil,
            waitFor: random.chance(20) ? .init(["ssh"], .serveController) : nil,
            minStartIntervalSeconds: random.chance(30) ? .init(random.pick([1, 20, 600]), .serveController) : nil)
    }

    /// Kept warm for a part of some days, which may pass midnight, or stopped at a time of some.
    private func schedule(_ random: inout SeededGenerator) -> Schedule {
        let days = random.pick([Array(0...6), Array(0...6), [0, 1, 2, 3, 4], [5, 6], [0, 2, 4]])
        let (start, end) = random.pick([(480, 1_320), (480, 1_320), (1_200, 360), (0, 60)])
        let window = WeeklyWindow(days: days, startMinute: start, endMinute: end, timeZone: "UTC", text: "warm")
        let moment = WeeklyMoment(
            days: days, minute: random.pick([1_380, 475, 600]), timeZone: "UTC", text: "stop")
        return random.chance(60) ? Schedule(keepWarm: [window]) : Schedule(keepWarm: [window], stopAt: [moment])
    }

    private func spec(_ random: inout SeededGenerator) -> ServiceSpec {
        let isInFolder = random.chance(15)
        return ServiceSpec(
            workdir: isInFolder ? .folder("/code") : nil,
            workdirCopy: isInFolder ? random.pick(["first", "second"]) : nil,
            setup: random.chance(40) ? "true" : nil,
            // How its replicas behave; read by the simulated driver.
            run: random.pick(["works", "works", "works", "exits", "never ready"]),
            envs: random.chance(10) ? ["A": "1"] : [:],
            secrets: random.chance(10) ? SecretsReference(names: ["B"], key: random.pick(["one", "two"])) : nil,
            readinessProbe: ReadinessProbe(
                path: random.pick(["/", "/", "/health"]), initialDelaySeconds: random.pick([2, 20, 200]),
                consecutiveFailureThresholdSeconds: random.pick([1, 10, 60])),
            replicaPolicy: policy(&random),
            tls: random.chance(10) ? TLSFiles(keyFile: "/key", certificateFile: "/certificate") : nil,
            replicaDrainDelaySeconds: random.pick([30, 30, 30, 7, 1]),
            idleDownSeconds: random.chance(20) ? random.pick([5, 60]) : nil)
    }

    private func policy(_ random: inout SeededGenerator) -> ReplicaPolicy {
        guard random.chance(40) else { return ReplicaPolicy(minReplicas: random.pick([0, 1, 1, 2, 3])) }
        let least = random.below(3)
        return ReplicaPolicy(
            minReplicas: least, maxReplicas: least + random.below(4), targetQPSPerReplica: .each(random.pick([1, 4])),
            numOverprovision: random.pick([0, 0, 0, 1]), upscaleDelaySeconds: random.pick([0, 40, 100]),
            downscaleDelaySeconds: random.pick([0, 40]))
    }

    /// What a purge gives up is somebody else's from here on: the log has said that it may be left.
    mutating func abandon(_ event: Event, _ before: ControllerState) {
        switch event {
        case .replicaGone(let gone) where gone.leftovers != nil:
            guard let replica = before.services[gone.service]?.replicas[gone.replica] else { return }
            machine.end(.init(controller: before.name, replica: replica.reference(of: gone.service)))
        case .loadBalancerGone(let gone) where gone.leftovers != nil:
            guard let generation = before.services[gone.service]?.loadBalancer?.generation else { return }
            let reference = LoadBalancerReference(service: gone.service, generation: generation)
            machine.loadBalancers[.init(controller: before.name, reference: reference)] = nil
        default: break
        }
    }
}

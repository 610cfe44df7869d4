import Lifecycle

/// Draws commands that could reach a controller in a given state: wishes of people, reports about the
/// work that is outstanding, deadlines, and now and then a report that comes too late or makes no sense.
public struct RandomCommands: Sendable {
    public var random: SeededGenerator
    private var processes = 0
    /// Replicas there once were, for reports that come too late.
    private var pastReplicas: [ReplicaReference] = []
    private var pastLoadBalancers: [LoadBalancerReference] = []

    public init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// Lets time pass, mostly little; at times a lot, at times with a reboot or a clock that is set.
    public mutating func advance(_ clock: inout ManualClock) {
        switch random.below(40) {
        case 0: clock.reboot(afterSeconds: Double(random.below(1_000)))
        case 1: clock.setWallClock(forwardSeconds: Double(random.below(7_200) - 3_600))
        case 2...8: clock.advance(seconds: Double(random.below(1_500)))
        default: clock.advance(seconds: Double(random.below(100)) / 50)
        }
    }

    public mutating func next(for state: ControllerState) -> Command {
        switch random.below(20) {
        case 0..<7: return wish()
        case 7..<9:
            processes += 1
            return .takeOver(process: "p\(processes)", from: state.process)
        case 9..<12:
            return random.chance(88) ? deadline(of: state) ?? report(on: state) : .startFailed(reason: "no room")
        case 12: return late()
        default: return report(on: state)
        }
    }

    private mutating func wish() -> Command {
        let service = random.pick([ServiceName.api, .chat, .sample("demo")])
        switch random.below(30) {
        case 26: return .pauseAutostop(seconds: random.pick([1, 60, nil]), reason: random.chance(50) ? "demo" : nil)
        case 27: return .resumeAutostop
        case 28, 29:
            return .setAutostop(
                AutostopPolicy(
                    idleTimeoutSeconds: random.pick([1, 60, nil]), source: .commandLine,
                    down: random.chance(50) ? .init(random.chance(50), .commandLine) : nil,
                    terminateAfterSeconds: random.chance(50) ? .init(random.pick([1, 60, nil]), .commandLine) : nil),
                keepClock: random.chance(50))
        case 24: return .removeReplica(service, replica: 1 + random.below(4))
        case 25:
            return .update(
                service, to: .scaling(random.below(2)...(1 + random.below(4))), mode: random.pick(UpdateMode.allCases))
        case 20..<24:
            return random.chance(80)
                ? .update(
                    service, to: .sample(replicas: random.pick([0, 1, 2, 3]), run: random.pick(["a", "b"])),
                    mode: random.pick(UpdateMode.allCases))
                : .rollBack(service, mode: random.pick(UpdateMode.allCases))
        case 0..<8:
            return .up(
                service, replicas: random.pick([0, 1, 1, 2, 3]), setup: random.chance(40) ? "make" : nil,
                policy: policy())
        case 8..<12: return .down([service])
        case 12: return .purge([service])
        case 13..<15: return .start
        case 15..<17: return .stop
        case 17: return .terminate(force: random.chance(50))
        default: return .setAutostop(.byHand(seconds: random.pick([0, 1, 60, 600, nil])))
        }
    }

    private mutating func policy() -> AutostopPolicy {
        var policy = AutostopPolicy.configured(seconds: random.pick([5, 60, 600, nil]))
        if random.chance(15) { policy.waitFor = .init(["ssh", "gpu"], .controllers) }
        if random.chance(15) {
            let window = WeeklyWindow(days: [0, 2, 6], startMinute: 480, endMinute: 1320, timeZone: "UTC", text: "Mon")
            let moment = WeeklyMoment(days: [0], minute: 1320, timeZone: "UTC", text: "22:00")
            policy.schedule = .init(Schedule(keepWarm: [window], stopAt: [moment]), .controllers)
            if random.chance(30) { policy.stopAtSource = .serveController }
        }
        // Beside the two before it would only make more forms of the same.
        if policy.waitFor == nil, policy.schedule == nil, random.chance(25) {
            policy.minStartIntervalSeconds = .init(random.pick([0, 2, 200]), .controllers)
            return policy
        }
        if random.chance(40) { policy.hooks = HookKind.allCases.filter { _ in random.chance(60) } }
        return policy
    }

    private mutating func deadline(of state: ControllerState) -> Command? {
        guard !state.pendingDeadlines.isEmpty else { return nil }
        let pending = random.pick(state.pendingDeadlines)
        return .deadlineReached(pending.key, generation: pending.generation - (random.chance(10) ? 1 : 0))
    }

    /// What becomes of a piece of work that is outstanding.
    private mutating func report(on state: ControllerState) -> Command {
        guard !state.outstanding.isEmpty else {
            return random.chance(50) ? .takeOver(process: "p0", from: state.process) : wish()
        }
        switch random.pick(state.outstanding) {
        case .launchLoadBalancer(let reference, _):
            return random.chance(70)
                ? .loadBalancerLaunched(reference, .sample) : .loadBalancerEnded(reference, reason: "port taken")
        case .watchLoadBalancer(let reference, _):
            return .loadBalancerEnded(reference, reason: "signal 9")
        case .watchLoad(let reference, _):
            guard let service = state.services[reference.service] else {
                return .takeOver(process: "p0", from: state.process)
            }
            if random.chance(20) {
                return .serviceUnused(reference, version: service.version, idleMicroseconds: 60_000_000)
            }
            return .scale(
                Command.Scale(
                    loadBalancer: reference, version: service.version,
                    from: service.replicasForLoad + (random.chance(10) ? 1 : 0), to: random.below(6), reason: "load"))
        case .removeLoadBalancer(let reference):
            pastLoadBalancers.append(reference)
            return random.chance(85)
                ? .loadBalancerRemoved(reference) : .loadBalancerRemovalFailed(reference, leftovers: "pid 13")
        case .launchReplica(let reference):
            return random.chance(85)
                ? .replicaLaunched(reference, .sample, .sample) : .replicaLaunchFailed(reference, reason: "no bash")
        case .watchReplica(let reference, _, _, _): return observation(of: reference)
        case .drainReplica(let reference, _, _):
            return random.chance(70) ? .replicaDrained(reference) : observation(of: reference)
        case .removeReplica(let reference):
            pastReplicas.append(reference)
            return random.chance(80)
                ? .replicaRemoved(reference) : .replicaRemovalFailed(reference, leftovers: "pid 12 will not die")
        case .watchUse(let names):
            let isActive = random.chance(40)
            return .useSeen(
                random.pick(names), isActive: isActive, evidence: isActive ? "it says active" : "it says idle")
        case .runHook(_, let version):
            return random.chance(50)
                ? .hookStarted(version)
                : .hookEnded(
                    version,
                    random.pick([
                        .exited(code: 0), .exited(code: 3), .timedOut(seconds: 60), .interrupted,
                        .failed(reason: "no bash"),
                    ]))
        case .finishStop: return .stopFinished
        case .finishTermination: return .terminationFinished
        }
    }

    private mutating func observation(of reference: ReplicaReference) -> Command {
        switch random.below(10) {
        case 0..<3: .replicaStarted(reference)
        case 3..<7: .replicaProbed(reference, isReady: true, evidence: "HTTP 200")
        case 7: .replicaProbed(reference, isReady: false, evidence: "HTTP 503")
        default:
            .replicaEnded(
                reference,
                random.pick([
                    .exited(code: 1, stage: .run), .signaled(signal: 9, stage: .setup), .vanished, .rebooted,
                ]), logTail: random.chance(50) ? "Traceback" : nil)
        }
    }

    private mutating func late() -> Command {
        switch random.below(4) {
        case 0 where !pastReplicas.isEmpty: .replicaRemoved(random.pick(pastReplicas))
        case 1 where !pastReplicas.isEmpty: observation(of: random.pick(pastReplicas))
        case 2 where !pastLoadBalancers.isEmpty: .loadBalancerRemoved(random.pick(pastLoadBalancers))
        default: random.chance(50) ? .stopFinished : .terminationFinished
        }
    }
}

import EventLog
import Lifecycle

/// A log as it might be after weeks of use: controllers whose services come and go, replicas that start slowly,
/// flap and fail, machines that crash. Made by the real rules, so every event could have happened; one seed is
/// one history.
public struct MadeUpHistory {
    private var random: SeededGenerator
    private var lives: [Life] = []
    private var processes = 0

    /// One controller, and the moment it goes on.
    private struct Life {
        var name: ControllerName
        var state: ControllerState
        var nextMicroseconds: Int64
        /// Whether nothing was under way for a while.
        var isRested = false

        /// Lets time pass; a deadline is not slept through, and met within milliseconds.
        mutating func pass(_ seconds: Double, lateness: Int64) {
            let deadline = state.pendingDeadlines.map(\.deadline.wallMicroseconds).min()
            nextMicroseconds = max(
                nextMicroseconds + 1_000,
                min(nextMicroseconds + Int64(seconds * 1_000_000), deadline.map { $0 + lateness } ?? .max))
        }
    }

    /// - Parameter beginMicroseconds: wall time of the first event, since 1970.
    public init(seed: UInt64, controllers: [ControllerName], beginMicroseconds: Int64) {
        random = SeededGenerator(seed: seed)
        lives = controllers.map { name in
            Life(
                name: name, state: ControllerState(name: name),
                nextMicroseconds: beginMicroseconds + Int64(random.below(3_600)) * 1_000_000)
        }
    }

    /// Appends to `log` until it has `count` events.
    public mutating func write(_ count: Int, to log: EventLog) throws {
        var written = try log.lastPosition()
        while written < count {
            try log.dictate { submit in
                for _ in 0..<2_000 where written < count { written += try step(submit) }
            }
        }
    }

    /// Takes one step of whichever controller's turn it is.
    ///
    /// - Returns: how many events it led to.
    private mutating func step(
        _ submit: (Command, ControllerName, Author, Instant) throws -> ControllerState
    ) throws -> Int {
        // One of a hundred or so: looking at all is cheap.
        guard let turn = lives.indices.min(by: { lives[$0].nextMicroseconds < lives[$1].nextMicroseconds }) else {
            return 0
        }
        var life = lives[turn]
        let before = life.state.version
        guard let (command, isPerson, seconds) = next(for: life.state, at: life.nextMicroseconds, life.isRested) else {
            life.isRested = true
            life.pass(self.seconds(900), lateness: Int64(random.below(4_000)))
            lives[turn] = life
            return 0
        }
        let author =
            isPerson
            ? Author(actor: random.pick(["ann@desk", "bob@lap", "ci@build"]), component: "cli")
            : Author(actor: "ann@desk", component: "controller")
        do {
            life.state = try submit(command, life.name, author, Self.instant(life.nextMicroseconds))
        } catch is Rejection {
            // A person who asks for what makes no sense is told so, and asks for something else.
        }
        life.isRested = false
        life.pass(seconds, lateness: Int64(random.below(4_000)))
        lives[turn] = life
        return life.state.version - before
    }

    /// What comes next, whether a person does it, and how long nothing comes after it; nil when nothing is under
    /// way, and people take their time.
    private mutating func next(
        for state: ControllerState, at now: Int64, _ isRested: Bool
    ) -> (Command, isPerson: Bool, seconds: Double)? {
        if state.needsProcess, state.process == nil || random.chance(1) {
            processes += 1
            return (.takeOver(process: "process-\(processes)", from: state.process), false, 0.01)
        }
        let due = state.pendingDeadlines.first { $0.deadline.wallMicroseconds <= now }
        if let due { return (.deadlineReached(due.key, generation: due.generation), false, 0.005) }
        if let work = state.outstanding.first(where: { !$0.isWatching }) {
            return (report(on: work), false, seconds(0.05))
        }
        for work in state.outstanding {
            guard case .watchReplica(let replica, _, _, _) = work else { continue }
            switch state.services[replica.service]?.replicas[replica.id]?.phase {
            case .provisioning: return (.replicaStarted(replica), false, seconds(2))
            case .starting: return (.replicaProbed(replica, isReady: true, evidence: "HTTP 200 in 1.2 ms"), false, 0.01)
            case .notReady where random.chance(80):
                return (.replicaProbed(replica, isReady: true, evidence: "HTTP 200 in 3.1 ms"), false, seconds(10))
            default: break
            }
        }
        for work in state.outstanding {
            if case .drainReplica(let replica, _, _) = work { return (.replicaDrained(replica), false, seconds(0.5)) }
        }
        return isRested ? ambition(state) : nil
    }

    /// Nothing is under way: time passes, and then something happens.
    private mutating func ambition(_ state: ControllerState) -> (Command, isPerson: Bool, seconds: Double) {
        let service = random.pick(["llm", "embed", "demo"].compactMap(ServiceName.init(rawValue:)))
        let running = state.outstanding.compactMap { work -> ReplicaReference? in
            if case .watchReplica(let replica, _, _, _) = work { replica } else { nil }
        }
        switch random.below(20) {
        case 0..<4 where !running.isEmpty:
            return (
                .replicaProbed(random.pick(running), isReady: false, evidence: "HTTP 503 in 0.9 ms"), false, 1
            )
        case 4..<6 where !running.isEmpty:
            return (.replicaEnded(random.pick(running), ending(), logTail: "out of memory"), false, 1)
        case 6..<14 where !state.services.isEmpty:
            return (.down([random.pick(state.services.keys.sorted())]), true, 1)
        case 15 where state.services[service] != nil:
            return (.update(service, to: spec(), mode: random.pick(UpdateMode.allCases)), true, 1)
        case 16: return (.setAutostop(.byHand(seconds: random.pick([300, 600, 1_800, nil]))), true, 1)
        case 17 where random.chance(20): return (.stop, true, 1)
        case 18 where random.chance(5): return (.terminate(force: true), true, 1)
        default:
            return (
                .up(
                    Command.Up(
                        service: service, spec: spec(), policy: .standard, host: "127.0.0.1",
                        candidatePorts: [UInt16(30_001 + processes % 2_000)] + Array(30_001...32_767))), true,
                1
            )
        }
    }

    private mutating func report(on work: Work) -> Command {
        switch work {
        case .launchReplica(let replica):
            random.chance(97)
                ? .replicaLaunched(replica, .sample, .sample) : .replicaLaunchFailed(replica, reason: "no space left")
        case .launchLoadBalancer(let reference, _): .loadBalancerLaunched(reference, .sample)
        case .removeLoadBalancer(let reference): .loadBalancerRemoved(reference)
        case .removeReplica(let replica):
            random.chance(99) ? .replicaRemoved(replica) : .replicaRemovalFailed(replica, leftovers: "process 12 (cat)")
        case .watchUse(let names): .useSeen(names.first ?? "", isActive: false, evidence: "it says idle")
        case .runHook(_, let version): .hookEnded(version, .exited(code: 0))
        case .finishStop: .stopFinished
        case .finishTermination: .terminationFinished
        case .watchLoadBalancer(let reference, _), .watchLoad(let reference, _):
            .loadBalancerEnded(reference, reason: "its process ended")
        case .watchReplica(let replica, _, _, _), .drainReplica(let replica, _, _): .replicaDrained(replica)
        }
    }

    private mutating func ending() -> Ending {
        random.pick([
            .exited(code: 1, stage: .run), .exited(code: 137, stage: .run), .signaled(signal: 9, stage: .run),
            .vanished,
        ])
    }

    private mutating func spec() -> ServiceSpec {
        .sample(
            replicas: random.pick([1, 1, 2, 3]), setup: random.chance(30) ? "pip install -r requirements.txt" : nil,
            run: random.pick(["python serve.py", "python serve.py --fast"]))
    }

    /// From nothing to four times as much, most often about that.
    private mutating func seconds(_ typical: Double) -> Double {
        typical * Double(1 + random.below(100)) * Double(1 + random.below(100)) / 2_500
    }

    private static func instant(_ microseconds: Int64) -> Instant {
        Instant(wallMicroseconds: microseconds, bootMicroseconds: microseconds, bootID: "made-up")
    }
}

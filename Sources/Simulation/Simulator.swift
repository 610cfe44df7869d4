import Lifecycle

/// A world in which everything that can go wrong does, at every step, from one seed: the real rules, the
/// real loop and the real reconciler, on a simulated clock, log, machine and network.
///
/// An episode is a list of steps. Each step is a number that alone decides what the step does in the
/// world as it finds it, so a history is shortened by leaving steps out, and what is left replays.
struct Simulator {
    let controllers: [ControllerName]
    var clock = SimulatedClock()
    var log = SimulatedLog()
    var machine = SimulatedMachine()
    var laws = Laws()
    var processes: [ControllerName: SimulatedProcess] = [:]
    /// Processes that have lost their lease, and live beside the one that holds it now.
    var strays: [ControllerName: SimulatedProcess] = [:]
    var keepers: Set<ControllerName> = []
    /// Commands people gave, so that one can be given twice.
    var given: [(id: UInt64, command: Command, controller: ControllerName)] = []
    /// Deadlines that were reported, so that a report can come late, when another is waited for.
    var reported: [(command: Command, controller: ControllerName)] = []
    /// Whether faults are injected; not while an episode settles.
    var hasFaults = true
    private var processCount = 0
    private var isCalm: Bool?
    /// What happened, for people; kept only when asked for.
    let trace: Trace?

    final class Trace {
        var lines: [String] = []
    }

    init(isTraced: Bool = false) {
        controllers = ["prod", "batch"].compactMap(ControllerName.init(rawValue:))
        trace = isTraced ? Trace() : nil
    }

    func note(_ line: @autoclosure () -> String) {
        guard let trace else { return }
        trace.lines.append("[\(clock.now.bootID) +\(Double(clock.bootMicroseconds) / 1e6) s] \(line())")
    }

    /// Takes one step.
    mutating func step(_ seed: UInt64) throws(Violation) {
        var random = SeededGenerator(seed: seed)
        let controller = random.pick(controllers)
        // In half of all histories little goes wrong and people are patient, so that what takes long comes to pass:
        // services that serve, are updated, scaled and drained under requests. Their first step decides.
        let isCalm = isCalm ?? (seed % 2 == 0)
        self.isCalm = isCalm
        var kind = random.below(100)
        if isCalm, kind < 8 || kind >= 82 && kind < 90 || kind > 96, random.chance(80) { kind = 8 + random.below(64) }
        switch kind {
        case 0..<8: try person(controller, &random)
        case 8..<20: try traffic(controller, &random)
        case 20..<38:
            if strays[controller] != nil, random.chance(50) {
                try asStray(controller) { simulator throws(Violation) in try simulator.wake(controller, &random) }
            } else {
                try wake(controller, &random)
            }
        case 38..<72:
            if strays[controller]?.isOutOfSight == false, random.chance(50) {
                try asStray(controller) { simulator throws(Violation) in try simulator.work(controller, &random) }
            } else {
                try work(controller, &random)
            }
        case 72..<82: advance(&random)
        case 82..<88: mishap(controller, &random)
        case 88: crash(controller, &random)
        case 89: if random.chance(50) { crash(controller, &random) } else { loseLease(controller, &random) }
        case 90..<96: try keep(controller, &random)
        case 96: try timer(controller, &random)
        case 97: jump(&random)
        case 98: if random.chance(20) { reboot(&random) }
        default: try recover(controller, &random)
        }
    }

    // MARK: Processes

    /// Starts a controller process if the state needs one and none holds the lease.
    mutating func startProcess(_ controller: ControllerName) {
        guard processes[controller] == nil, log.state(of: controller).needsProcess else { return }
        processCount += 1
        processes[controller] = SimulatedProcess(process: "process-\(processCount)")
        note("process \(processCount) begins for \(controller)")
    }

    /// A keeper restarts a process that died, and ends when nothing is left to run.
    private mutating func keep(_ controller: ControllerName, _ random: inout SeededGenerator) throws(Violation) {
        guard keepers.contains(controller), processes[controller] == nil else { return }
        if log.state(of: controller).needsProcess {
            // Its processes may die as soon as they begin, until the keeper gives up.
            if hasFaults, log.state(of: controller).status == .starting, random.chance(10) {
                _ = try submit(.startFailed(reason: "no room"), to: controller, &random)
            } else {
                startProcess(controller)
            }
        } else {
            keepers.remove(controller)
        }
    }

    /// What every command line does at its end.
    mutating func ensureRunning(_ controller: ControllerName) {
        guard log.state(of: controller).needsProcess, processes[controller] == nil else { return }
        keepers.insert(controller)
    }

    private mutating func recover(_ controller: ControllerName, _ random: inout SeededGenerator) throws(Violation) {
        guard random.chance(5) else { return }
        try log.recover(controller, snapshotAt: Double(random.below(101)) / 100, isStored: true)
    }

    /// The deadline at which a controller that stays stopped is terminated, if there is one.
    func termination(of controller: ControllerName) -> PendingDeadline? {
        log.state(of: controller).pendingDeadlines.first { $0.key == .termination }
    }

    /// Nothing of a stopped controller runs: the home's timer fires its deadline.
    mutating func timer(_ controller: ControllerName, _ random: inout SeededGenerator) throws(Violation) {
        guard processes[controller] == nil, let pending = termination(of: controller),
            pending.deadline.latenessMicroseconds(at: clock.now) != nil
        else { return }
        _ = try submit(.deadlineReached(pending.key, generation: pending.generation), to: controller, &random)
        // A hook takes a process; the timer may be killed before it has seen to one.
        if !hasFaults || !random.chance(10) { ensureRunning(controller) }
    }

    // MARK: Time

    private mutating func advance(_ random: inout SeededGenerator) {
        switch random.below(10) {
        case 0..<6: passTime(Int64(random.below(300_000)))
        case 6..<8: passTime(Int64(random.below(3_000_000)))
        case 8: passTime(Int64(random.below(90_000_000)))
        default:
            // To the moment of a deadline, or a microsecond to either side of it.
            let due = controllers.flatMap { processes[$0]?.armed ?? [] }
                .map { $0.deadline.remainingMicroseconds(at: clock.now) }.filter { $0 > 0 }.min()
            if let due { passTime(max(0, due + Int64(random.below(3)) - 1)) }
        }
    }

    mutating func passTime(_ microseconds: Int64) {
        clock.advance(microseconds)
        for controller in controllers { ring(controller, isPoll: microseconds >= 1_000_000) }
    }

    /// Timers go off; the safety poll comes once a second.
    private mutating func ring(_ controller: ControllerName, isPoll: Bool) {
        processes[controller]?.ring(isPoll: isPoll, clock.now)
        strays[controller]?.ring(isPoll: isPoll, clock.now)
    }

    // MARK: The log

    /// Submits for a controller process or a person. Nil when the log failed: nothing was appended.
    mutating func submit(
        _ command: Command, to controller: ControllerName, id: UInt64? = nil, _ random: inout SeededGenerator
    ) throws(Violation) -> SimulatedLog.Outcome? {
        if hasFaults, random.chance(3) {
            note("the log fails: \(command)")
            return nil
        }
        if case .deadlineReached = command { reported.append((command, controller)) }
        let outcome = try log.submit(command, to: controller, id: id, now: clock.now)
        if case .rejected(let rejection) = outcome {
            try laws.refused(command, with: rejection, by: log.state(of: controller), clock.now)
        }
        if case .accepted(let before, let events) = outcome, !events.isEmpty {
            if trace != nil {
                for stamped in events { note("\(controller) \(stamped.stamp.version) \(stamped.event)") }
            }
            for stamped in events { abandon(stamped.event, before) }
            try laws.check(
                events, of: command, before: before, after: log.state(of: controller), machine: machine,
                now: clock.now)
            // A ring of the bell may be lost; the safety poll covers it.
            if !hasFaults || random.chance(80) { processes[controller]?.isAwake = true }
            if !hasFaults || random.chance(80) { strays[controller]?.isAwake = true }
        }
        return outcome
    }
}

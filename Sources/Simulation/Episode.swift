import Lifecycle

/// One history: steps with faults, then none, until everything has settled as it must.
public struct Episode: Sendable {
    /// What each step does; see ``Simulator``.
    public let steps: [UInt64]

    /// The episode of a seed.
    public init(seed: UInt64, stepCount: Int) {
        var random = SeededGenerator(seed: seed)
        steps = (0..<stepCount).map { _ in random.next() }
    }

    public init(steps: [UInt64]) { self.steps = steps }

    /// How it ended.
    public struct Outcome: Sendable {
        /// Nil when every law held.
        public var violation: Violation?
        /// The step that broke the law; the number of steps when it was broken in settling.
        public var step: Int
        public var events: Int
        /// What happened, when it was asked for.
        public var trace: [String]
    }

    public func run(isTraced: Bool = false) -> Outcome {
        var simulator = Simulator(isTraced: isTraced)
        var taken = 0
        var violation: Violation?
        do {
            for step in steps {
                try simulator.step(step)
                taken += 1
            }
            try simulator.settle()
        } catch {
            violation = error
        }
        let events = simulator.log.streams.values.reduce(0) { $0 + $1.events.count }
        return Outcome(violation: violation, step: taken, events: events, trace: simulator.trace?.lines ?? [])
    }

    /// The shortest history found in that time that breaks the same law: steps are left out, in ever smaller runs,
    /// for as long as it still breaks.
    public func shortened(breaking law: String, within limit: Duration) -> Episode {
        let end = ContinuousClock.now + limit
        var kept = steps
        var chunk = max(1, kept.count / 2)
        while chunk >= 1 {
            var start = 0
            while start < kept.count {
                guard ContinuousClock.now < end else { return Episode(steps: kept) }
                var candidate = kept
                candidate.removeSubrange(start..<min(start + chunk, kept.count))
                if Episode(steps: candidate).run().violation?.law == law {
                    kept = candidate
                } else {
                    start += chunk
                }
            }
            if chunk == 1 { break }
            chunk /= 2
        }
        return Episode(steps: kept)
    }
}

extension Simulator {
    /// No faults from here on: everything that was accepted must come to pass.
    mutating func settle() throws(Violation) {
        hasFaults = false
        for key in machine.replicas.keys {
            machine.replicas[key]?.isHung = false
            machine.replicas[key]?.resistance = 0
        }
        for key in machine.loadBalancers.keys { machine.loadBalancers[key]?.resistance = 0 }
        try runUntilQuiet(beyond: 4 * 3600)
        for controller in controllers {
            try laws.checkSettled(log.state(of: controller))
            try laws.checkNobodyWaits(log.state(of: controller), machine)
        }
        // Whoever is idle and has a deadline stops at it, and nobody else stops.
        let expected = controllers.filter { laws.expectStop($0) }
        try runUntilQuiet(beyond: 400 * 86_400)
        for controller in controllers {
            let status = log.state(of: controller).status
            if expected.contains(controller), status != .stopped, status != .terminated {
                throw Violation(law: "L4", what: "\(controller) is \(status.rawValue) long after its deadline")
            }
            if processes[controller] != nil, !log.state(of: controller).needsProcess {
                throw Violation(law: "liveness", what: "the process of \(controller) does not end")
            }
            if let stray = strays[controller] {
                throw Violation(law: "lease", what: "\(stray.name) of \(controller) has no lease and does not end")
            }
            try log.recover(controller, snapshotAt: 0)
        }
    }

    /// Runs until nothing is left to do but to wait longer than `seconds` for the next deadline.
    private mutating func runUntilQuiet(beyond seconds: Int64) throws(Violation) {
        var random = SeededGenerator(seed: 1)
        // The safety poll finds what a lost ring of the bell left undone.
        passTime(1_000_000)
        for _ in 0..<2_000 {
            try serveAll()
            for controller in controllers {
                ensureRunning(controller)
                if keepers.contains(controller) { startProcess(controller) }
                try wake(controller, &random)
                for subject in processes[controller]?.order ?? [] {
                    try advance(subject, of: controller, &random)
                }
                try asStray(controller) { simulator throws(Violation) in
                    try simulator.wake(controller, &random)
                    guard simulator.processes[controller]?.isOutOfSight == false else { return }
                    for subject in simulator.processes[controller]?.order ?? [] {
                        try simulator.advance(subject, of: controller, &random)
                    }
                }
            }
            guard isQuiet else { continue }
            for controller in controllers { try timer(controller, &random) }
            guard isQuiet else { continue }
            let waits =
                controllers.compactMap { processes[$0] }.flatMap { process in
                    process.armed.map { $0.deadline.remainingMicroseconds(at: clock.now) }
                        + [process.retryAtBootMicroseconds].compactMap { $0 }.map { $0 - clock.bootMicroseconds }
                } + unusedSoon
                + controllers.compactMap { termination(of: $0)?.deadline.remainingMicroseconds(at: clock.now) }
            guard let next = waits.min(), next <= seconds * 1_000_000 else { return }
            passTime(max(1, next))
        }
        throw Violation(law: "liveness", what: "it does not settle")
    }

    /// How long it takes, in microseconds, until services that nobody asks for are of no use.
    private var unusedSoon: [Int64] {
        machine.loadBalancers.keys.compactMap { key in
            guard let service = log.state(of: key.controller).services[key.reference.service],
                let report = machine.trafficReports[key], let since = report.quietSince, report.isServing,
                let limit = service.launchedSpec.idleDownSeconds
            else { return nil }
            let left = Int64(limit * 1e6) - (clock.bootMicroseconds - since.bootMicroseconds)
            return left > 0 ? left : nil
        }
    }

    /// Whether nobody is awake and nothing is in flight but watching that has nothing to say.
    private var isQuiet: Bool {
        controllers.allSatisfy { controller in
            guard strays[controller] == nil else { return false }
            guard let process = processes[controller] else { return !log.state(of: controller).needsProcess }
            return !process.isAwake && process.jobs.values.allSatisfy { $0.work.isWatching && $0.isAtRest }
        }
    }
}

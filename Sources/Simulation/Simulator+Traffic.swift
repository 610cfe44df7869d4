import Lifecycle

// What load balancers do by themselves: follow the log, and carry requests.

extension Simulator {
    mutating func traffic(_ controller: ControllerName, _ random: inout SeededGenerator) throws(Violation) {
        let keys = balancers(of: controller)
        guard !keys.isEmpty else { return }
        let key = random.pick(keys)
        switch random.below(4) {
        case 0: try readRoutes(key)
        case 1, 2: beginRequest(key, &random)
        default: endRequest(key, &random)
        }
        writeReport(key)
    }

    /// As a load balancer does whenever something has happened.
    private mutating func writeReport(_ key: SimulatedMachine.LoadBalancerKey) {
        guard var report = machine.loadBalancers[key]?.report(key.reference) else { return }
        report.carryOn(machine.trafficReports[key], now: clock.now)
        machine.trafficReports[key] = report
    }

    /// No fault is left: every load balancer knows its routes, and requests end.
    mutating func serveAll() throws(Violation) {
        for controller in controllers {
            for key in balancers(of: controller) {
                try readRoutes(key)
                if machine.loadBalancers[key]?.inFlight.isEmpty == false { machine.lastUses[key] = clock.now }
                machine.loadBalancers[key]?.inFlight = [:]
                writeReport(key)
            }
        }
    }

    private func balancers(of controller: ControllerName) -> [SimulatedMachine.LoadBalancerKey] {
        machine.loadBalancers.keys.filter { $0.controller == controller }
            .sorted { $0.reference.generation < $1.reference.generation }
    }

    private mutating func readRoutes(_ key: SimulatedMachine.LoadBalancerKey) throws(Violation) {
        let state = log.state(of: key.controller)
        guard let service = state.services[key.reference.service] else { return }
        try laws.checkRoutes(service, on: key.controller)
        let knewOfNone = machine.loadBalancers[key].map { $0.routes.isEmpty && $0.routesVersion > 0 } ?? false
        if knewOfNone || machine.lastUses[key]?.bootID != clock.now.bootID { machine.lastUses[key] = clock.now }
        machine.loadBalancers[key]?.routes = service.routedReplicas.map(\.id)
        machine.loadBalancers[key]?.routesVersion = state.version
        // Whoever waited is sent on.
        if !service.routedReplicas.isEmpty { machine.loadBalancers[key]?.held = 0 }
    }

    /// Looks at the load with the real autoscaler: at requests that wait as they are, at the rest of the load as
    /// it may be.
    mutating func watchLoad(
        _ job: inout SimulatedProcess.Job, _ key: SimulatedMachine.LoadBalancerKey, _ handle: Handle,
        _ random: inout SeededGenerator
    ) throws(Violation) {
        job.endsWithReport = false
        guard let balancer = machine.loadBalancers[key], balancer.handle == handle,
            let service = log.state(of: key.controller).services[key.reference.service]
        else { return }
        if let unused = machine.trafficReports[key]?.lackOfUse(of: service, by: key.reference, at: clock.now) {
            try laws.checkUnused(service, machine.lastUses[key], clock.now)
            job.report = unused
            return
        }
        let isBusy = balancer.held > 0 || !balancer.inFlight.isEmpty
        let seen = balancer.report(key.reference).load(of: service, atMicroseconds: clock.wallMicroseconds)
        try Laws.Load.check(seen, balancer, service, clock.now)
        // Several decisions at a time, for it takes some in a row to change anything.
        var change: Autoscaler.Change?
        for _ in 0..<(hasFaults ? 1 + random.below(4) : 1) where change == nil {
            var load = seen
            if !hasFaults {
                load = Autoscaler.Load(requests: balancer.held, isBusy: isBusy, isWholeWindow: false)
            } else if random.chance(70) {
                // Most of the load there may be is made up: few requests come in an episode.
                load.requests = random.pick([0, 0, balancer.held, 60, 600])
                load.isWholeWindow = random.chance(80)
            }
            change = job.autoscaler.decide(load, for: service)
            try job.load.check(change, load, service)
        }
        guard let change else { return }
        job.report = .scale(
            Command.Scale(
                loadBalancer: key.reference, version: service.version, from: service.replicasForLoad, to: change.to,
                reason: change.reason))
    }

    private mutating func beginRequest(_ key: SimulatedMachine.LoadBalancerKey, _ random: inout SeededGenerator) {
        guard let balancer = machine.loadBalancers[key], balancer.endingSinceMicroseconds == nil else { return }
        machine.loadBalancers[key]?.total += 1
        machine.loadBalancers[key]?.arrivals.append(clock.wallMicroseconds / 1_000_000)
        machine.lastUses[key] = clock.now
        guard !balancer.routes.isEmpty else {
            machine.loadBalancers[key]?.held += 1
            return note("a request of \(key.reference.service) waits for a replica")
        }
        let id = random.pick(balancer.routes)
        // One that is there no more refuses the connection.
        let isThere = machine.replicas.keys.contains {
            $0.controller == key.controller && $0.replica.service == key.reference.service && $0.replica.id == id
        }
        guard isThere else { return }
        machine.loadBalancers[key]?.inFlight[id, default: 0] += 1
        note("a request of \(key.reference.service) begins at replica \(id)")
    }

    private mutating func endRequest(_ key: SimulatedMachine.LoadBalancerKey, _ random: inout SeededGenerator) {
        guard let balancer = machine.loadBalancers[key], !balancer.inFlight.isEmpty else { return }
        machine.lastUses[key] = clock.now
        let id = random.pick(balancer.inFlight.keys.sorted())
        let left = (balancer.inFlight[id] ?? 0) - 1
        machine.loadBalancers[key]?.inFlight[id] = left > 0 ? left : nil
        note("a request of \(key.reference.service) at replica \(id) ends")
    }
}

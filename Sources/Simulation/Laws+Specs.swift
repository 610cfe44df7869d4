import Lifecycle

extension Laws {
    /// What was accepted is what the services are: their versions and what each asks for, which of them is launched,
    /// and of which each replica is. Law `spec`.
    struct Specs {
        private(set) var services: [ServiceName: Service] = [:]

        /// Services no version of which is launched any more.
        var failed: Set<ServiceName> { Set(services.filter { $0.value.launchedVersion == nil }.keys) }

        struct Service {
            /// What each version asks for, from the first on.
            fileprivate(set) var versions: [Int: ServiceSpec]
            fileprivate(set) var version = 1
            fileprivate var mode = UpdateMode.rolling
            /// Whether a replica of this version was ever ready, and the last version before it of which one was.
            fileprivate var hasShown = false
            fileprivate(set) var lastGood: Int?
            /// Whether this version has failed before it was ever ready: it is not launched any more.
            fileprivate var isGivenUp = false
            /// Whether it must be, by what has happened in this transaction.
            fileprivate var mustBeGivenUp = false
            fileprivate(set) var isEnding = false
            fileprivate(set) var isPurged = false
            fileprivate(set) var replicas: [Int: Replica] = [:]
            /// How many replicas the load asked for last.
            fileprivate var scaledTo: Int?

            /// The version that missing replicas are launched with; nil for none.
            var launchedVersion: Int? { isGivenUp ? lastGood : version }
            var spec: ServiceSpec? { versions[version] }
            func spec(of replica: Int) -> ServiceSpec? { replicas[replica].flatMap { versions[$0.version] } }
        }

        struct Replica {
            fileprivate(set) var version: Int
            fileprivate var wasReady = false
        }

        mutating func see(_ stamped: StampedEvent, in transaction: Transaction) throws(Violation) {
            switch stamped.event {
            case .serviceUpRequested(let event): try see(event, transaction)
            case .serviceUpdated(let event): try see(event, transaction)
            case .serviceDownRequested(let event): try see(event, transaction)
            case .serviceScaled(let event): try see(event, transaction)
            case .serviceLaunchesStopped(let event): try see(event)
            case .serviceGone(let event): services[event.service] = nil
            case .controllerStopped: for name in services.keys { services[name]?.scaledTo = nil }
            case .controllerTerminated: services = [:]
            case .replicaAdded(let event):
                guard let service = services[event.service], event.version == service.launchedVersion,
                    !service.isEnding
                else {
                    throw Violation(law: "spec", what: "\(event.service) is launched with version \(event.version)")
                }
                services[event.service]?.replicas[event.replica] = Replica(version: event.version)
            case .replicaReady(let event):
                services[event.service]?.replicas[event.replica]?.wasReady = true
                guard let service = services[event.service],
                    service.replicas[event.replica]?.version == service.version
                else { return }
                services[event.service]?.hasShown = true
                services[event.service]?.isGivenUp = false
            case .replicaRemoving(let event):
                guard case .failed = event.reason, let service = services[event.service], !service.isEnding,
                    service.replicas[event.replica]?.version == service.version, !service.hasShown
                else { return }
                services[event.service]?.mustBeGivenUp = true
            case .replicaGone(let event): services[event.service]?.replicas[event.replica] = nil
            default: break
            }
        }

        private mutating func see(_ event: ServiceDownRequested, _ transaction: Transaction) throws(Violation) {
            services[event.service]?.isEnding = true
            if event.purge == true { services[event.service]?.isPurged = true }
            guard event.unusedMicroseconds != nil, let service = services[event.service] else { return }
            guard
                service.versions[service.launchedVersion ?? service.version]?.replicaPolicy.isToStartOnRequest == false
            else {
                throw Violation(law: "unused", what: "\(event.service) goes, and could start at the next request")
            }
        }

        private mutating func see(_ event: ServiceScaled, _ transaction: Transaction) throws(Violation) {
            let before = transaction.before.services[event.service]
            var isOfThis = true
            if case .scale(let request) = transaction.command {
                isOfThis = request.version == services[event.service]?.version
            }
            guard isOfThis, event.from == before?.replicasForLoad else {
                throw Violation(law: "scale", what: "\(event.service) is scaled by what was seen of another version")
            }
            services[event.service]?.scaledTo = event.to
        }

        private mutating func see(_ event: ServiceUpRequested, _ transaction: Transaction) throws(Violation) {
            guard case .up(let request) = transaction.command, request.service == event.service,
                request.spec == event.spec, event.version == 1, services[event.service] == nil
            else { throw Violation(law: "spec", what: "\(event.service) is not what was asked for") }
            services[event.service] = Service(versions: [1: event.spec])
        }

        private mutating func see(_ event: ServiceUpdated, _ transaction: Transaction) throws(Violation) {
            guard var service = services[event.service], let current = service.spec else {
                throw Violation(law: "spec", what: "\(event.service) is updated and is not there")
            }
            var wanted: ServiceSpec?
            var mode = UpdateMode.rolling
            var goodVersion: Int?
            switch transaction.command {
            case .up(let request) where request.service == event.service: wanted = request.spec
            case .update(let request) where request.service == event.service:
                mode = request.mode
                if case .spec(let spec) = request.target { wanted = spec } else { goodVersion = service.lastGood }
            default: break
            }
            wanted = wanted ?? goodVersion.flatMap { service.versions[$0] }
            guard event.spec == wanted, event.mode == mode, event.version == service.version + 1, !service.isEnding,
                event.rolledBackTo == goodVersion
            else {
                throw Violation(law: "spec", what: "version \(event.version) of \(event.service) was not asked for")
            }
            try checkReused(event, service, goodVersion, transaction)
            if service.hasShown, event.spec != current || service.lastGood == nil { service.lastGood = service.version }
            service.version = event.version
            service.versions[event.version] = event.spec
            service.mode = mode
            for id in event.reused { service.replicas[id]?.version = event.version }
            service.hasShown = event.reused.contains { service.replicas[$0]?.wasReady == true }
            (service.isGivenUp, service.mustBeGivenUp) = (false, false)
            services[event.service] = service
        }

        /// Those that work and run what is asked for already stay, by an update; and nothing else does.
        private func checkReused(
            _ event: ServiceUpdated, _ service: Service, _ goodVersion: Int?, _ transaction: Transaction
        ) throws(Violation) {
            var expected: Set<Int> = []
            if case .update = transaction.command {
                for (id, replica) in transaction.before.services[event.service]?.replicas ?? [:] {
                    switch replica.status {
                    case .pending, .provisioning, .starting, .ready, .notReady: break
                    default: continue
                    }
                    guard let version = service.replicas[id]?.version, let spec = service.versions[version] else {
                        continue
                    }
                    let isTheSame =
                        spec.setup == event.spec.setup && spec.run == event.spec.run && spec.envs == event.spec.envs
                        && spec.secrets?.key == event.spec.secrets?.key && spec.workdirCopy == event.spec.workdirCopy
                        && spec.readinessProbe.path == event.spec.readinessProbe.path
                    if isTheSame || version == goodVersion { expected.insert(id) }
                }
            }
            guard expected == Set(event.reused) else {
                throw Violation(
                    law: "spec",
                    what: "version \(event.version) of \(event.service) keeps \(event.reused), not \(expected.sorted())"
                )
            }
        }

        private mutating func see(_ event: ServiceLaunchesStopped) throws(Violation) {
            guard let service = services[event.service], service.mustBeGivenUp, event.version == service.version,
                !service.isGivenUp
            else {
                throw Violation(law: "spec", what: "version \(event.version) of \(event.service) is given up")
            }
            services[event.service]?.isGivenUp = true
        }
    }
}

extension Laws.Specs {
    /// What there is, is what was accepted.
    mutating func check(_ transaction: Laws.Transaction) throws(Violation) {
        let state = transaction.after
        guard Set(services.keys) == Set(state.services.keys) else {
            throw Violation(
                law: "spec", what: "\(state.orderedServices) are there, asked for are \(services.keys.sorted())")
        }
        for (name, service) in services {
            guard let actual = state.services[name] else { continue }
            guard service.isGivenUp || !service.mustBeGivenUp else {
                throw Violation(law: "spec", what: "\(name) failed before it was ever ready, and is launched again")
            }
            services[name]?.mustBeGivenUp = false
            guard actual.version == service.version, actual.spec == service.spec, actual.updateMode == service.mode,
                actual.isEnding == service.isEnding, actual.isPurged == service.isPurged
            else { throw Violation(law: "spec", what: "\(name) is not what was accepted") }
            guard actual.launchedVersion == service.launchedVersion, actual.lastGoodVersion == service.lastGood else {
                throw Violation(
                    law: "spec", what: "\(name) is launched with version \(actual.launchedVersion ?? 0)")
            }
            if let good = service.lastGood, actual.spec(ofVersion: good) != service.versions[good] {
                throw Violation(law: "spec", what: "what version \(good) of \(name) asks for is not known any more")
            }
            for (id, replica) in actual.replicas {
                let isThere = if case .failed = replica.phase { false } else { true }
                guard replica.version == service.replicas[id]?.version,
                    !isThere || actual.spec(ofVersion: replica.version) == service.spec(of: id)
                else { throw Violation(law: "spec", what: "replica \(id) of \(name) is not of its version") }
            }
            try checkFiles(name, actual, state)
            guard let wanted = service.wantedReplicas(actual), !service.isEnding else { continue }
            guard actual.targetReplicas == wanted else {
                throw Violation(
                    law: "scale", what: "\(name) is to have \(actual.targetReplicas) replicas, not \(wanted)")
            }
        }
    }

    /// What is kept beside the log stays for as long as anything that may run wants it; and clients are spoken with as
    /// the version says that serves, or will.
    private func checkFiles(
        _ name: ServiceName, _ actual: ServiceState, _ state: ControllerState
    ) throws(Violation) {
        guard let service = services[name], let spec = service.spec else { return }
        let present = actual.replicas.values.filter { !$0.status.isOfOneThatFailed }
        let versions = Set(present.compactMap { service.replicas[$0.id]?.version } + [service.version])
            .union(service.lastGood.map { [$0] } ?? [])
        let specs = versions.compactMap { service.versions[$0] }
        guard state.secretsInUse.isSuperset(of: specs.compactMap(\.secrets?.key)),
            state.workdirCopiesInUse.isSuperset(of: specs.compactMap(\.workdirCopy))
        else { throw Violation(law: "spec", what: "a file that \(name) needs is not in use") }
        var served = spec
        if !service.hasShown, let good = service.lastGood, let earlier = service.versions[good],
            service.isGivenUp || present.contains(where: { service.replicas[$0.id]?.version != service.version })
        {
            served = earlier
        }
        guard actual.servedTLS == served.tls else {
            throw Violation(law: "spec", what: "\(name) is served with the certificate of another version")
        }
    }

    /// What an accepted command asks for is in force, also where it led to no event.
    func checkAccepted(_ command: Command) throws(Violation) {
        let asked: (service: ServiceName, spec: ServiceSpec)
        switch command {
        case .up(let request): asked = (request.service, request.spec)
        case .update(let request):
            guard case .spec(let spec) = request.target else { return }
            asked = (request.service, spec)
        default: return
        }
        guard services[asked.service]?.spec == asked.spec, services[asked.service]?.isEnding == false else {
            throw Violation(law: "spec", what: "\(asked.service) was accepted, and something else is there")
        }
    }
}

extension Laws.Specs.Service {
    /// How many replicas there are to be while it is served: by its load, within its bounds, and some beyond; and one
    /// where none is needed until a request comes, but this version has yet to show that it can serve.
    fileprivate func wantedReplicas(_ actual: ServiceState) -> Int? {
        guard let policy = versions[launchedVersion ?? version]?.replicaPolicy else { return nil }
        var count = policy.minReplicas
        let most = policy.maxReplicas ?? policy.minReplicas
        if policy.targetQPSPerReplica != nil, let scaledTo { count = max(count, min(scaledTo, most)) }
        count += policy.numOverprovision
        let servesEarlier = actual.replicas.values.contains { replica in
            switch replica.status {
            case .pending, .provisioning, .starting, .ready, .notReady: replicas[replica.id]?.version != version
            default: false
            }
        }
        let mustShow = !hasShown && !isGivenUp && lastGood != nil && servesEarlier
        return count == 0 && mustShow && policy.targetQPSPerReplica != nil && most > 0 ? 1 : count
    }
}

extension ReplicaPolicy {
    /// Whether there may be none of it until somebody asks, by what its fields say.
    fileprivate var isToStartOnRequest: Bool { targetQPSPerReplica != nil && minReplicas == 0 }
}

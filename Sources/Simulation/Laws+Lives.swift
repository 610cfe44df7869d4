import Lifecycle

extension Laws {
    /// What there is to tell of replicas and services, and since when, by what has happened to them: law `status`. And
    /// what the end of a replica is taken for: law `ending`.
    struct Lives {
        private var services: [ServiceName: Service] = [:]
        private var controller = Controller()

        /// Of a service: so many that failed are listed, and the one more that tells why it is not launched any more.
        private static let failuresListed = 5 + 1

        struct Controller {
            /// When the start that goes on was asked for, or when what held it back was over, on the wall clock.
            var startAskedAt: Int64 = 0
            var isHeldBack = false
            var recoveries = 0
            /// Who serves it, and which life of its name it is.
            var process: String?
            var incarnation = 0
            var isOver = true
            /// Why it stops; by hand where it was never up.
            var reason = StopReason.byHand
        }

        fileprivate struct Service {
            var hasBalancer = false
            var replicas: [Int: Replica] = [:]
            var isBalancerRunning = false
            var isBalancerStuck = false
            var status = ServiceStatus.controllerInit
            var readySince: Int64?
        }

        fileprivate struct Replica {
            var status = ReplicaStatus.pending
            var since: Int64
            var launchedAt: Int64?
            /// What the last probe saw that failed while it starts.
            var evidence: String?
            var ending: Ending?
            /// Why it is drained.
            var draining: RemovalReason?
            /// Why it is removed.
            var removal: RemovalReason?

            var hasFailed: Bool { if case .failed? = removal { true } else { false } }

            /// How much its failure tells, the most first.
            var rank: Int {
                guard case .failed(let status, _)? = removal else { return .max }
                if status == .failedProvision { return 4 }
                if status != .failed { return 5 }
                switch ending {
                case .exited(126...127, _)?: return 0
                case .exited(0, .run)?: return 3
                case .exited(_, .setup)?: return 1
                case .vanished?: return 6
                default: return 2
                }
            }
        }

        mutating func see(_ stamped: StampedEvent, in transaction: Transaction) throws(Violation) {
            let now = transaction.now.wallMicroseconds
            switch stamped.event {
            case .serviceUpRequested(let event): services[event.service] = Service()
            case .serviceGone(let event): services[event.service] = nil
            case .serviceStatusChanged(let event):
                guard services[event.service]?.status == event.from, event.from != event.to else {
                    throw Violation(law: "status", what: "\(event.service) was not \(event.from.rawValue)")
                }
                services[event.service]?.status = event.to
                services[event.service]?.readySince = event.to == .ready ? now : nil
            case .loadBalancerAdded(let event):
                setBalancer(of: event.service, isRunning: false)
                services[event.service]?.hasBalancer = true
            case .loadBalancerLaunched(let event): setBalancer(of: event.service, isRunning: true)
            case .loadBalancerEnded(let event): setBalancer(of: event.service, isRunning: false)
            case .loadBalancerRemoving(let event): setBalancer(of: event.service, isRunning: false)
            case .loadBalancerGone(let event):
                setBalancer(of: event.service, isRunning: false)
                services[event.service]?.hasBalancer = false
            case .loadBalancerCleanupFailed(let event): services[event.service]?.isBalancerStuck = true
            default:
                try controller.see(stamped.event, now)
                if case .controllerTerminated = stamped.event { services = [:] }
                try seeReplica(stamped.event, transaction)
            }
        }

        private mutating func setBalancer(of service: ServiceName, isRunning: Bool) {
            services[service]?.isBalancerRunning = isRunning
            services[service]?.isBalancerStuck = false
        }

        private mutating func seeReplica(_ event: Event, _ transaction: Transaction) throws(Violation) {
            guard let name = event.service, let id = event.replica else { return }
            var replica = services[name]?.replicas[id] ?? Replica(since: transaction.now.wallMicroseconds)
            let before = replica.status
            replica.since = transaction.now.wallMicroseconds
            switch event {
            case .replicaAdded: break
            case .replicaLaunched where before == .pending:
                (replica.status, replica.launchedAt) = (.provisioning, replica.since)
            case .replicaStarting: (replica.status, replica.evidence) = (.starting, nil)
            case .replicaReady: replica.status = .ready
            case .replicaNotReady: replica.status = .notReady
            case .replicaDraining(let draining):
                try checkByHand(draining.reason, nil, name, id, transaction)
                (replica.status, replica.draining) = (.shuttingDown, draining.reason)
            case .replicaRemoving(let removing):
                try check(removing.reason, of: replica, name, id)
                try checkByHand(removing.reason, replica.draining, name, id, transaction)
                replica.removal = removing.reason
                replica.status = if case .preempted = removing.reason { .preempted } else { .shuttingDown }
            case .replicaFailed(let failed):
                guard replica.removal == .failed(status: failed.status, reason: failed.reason) else {
                    throw Violation(law: "ending", what: "replica \(id) of \(name) failed otherwise than it did")
                }
                replica.status = failed.status
            case .replicaGone(let gone):
                let isForgotten = before != .shuttingDown && before != .failedCleanup
                guard !replica.hasFailed || gone.leftovers != nil || isForgotten else {
                    throw Violation(law: "ending", what: "nobody is told that replica \(id) of \(name) failed")
                }
                services[name]?.replicas[id] = nil
                // The oldest are forgotten first, but for one that may tell more than the others.
                let older = services[name]?.replicas.count { $0.key < id && $0.value.status.isOfOneThatFailed } ?? 0
                let isByHand = transaction.command == .removeReplica(name, replica: id)
                guard older <= 1 || !before.isOfOneThatFailed || isByHand else {
                    throw Violation(law: "status", what: "that replica \(id) of \(name) failed is forgotten early")
                }
                return
            default:
                replica.since = services[name]?.replicas[id]?.since ?? replica.since
                try seeMore(event, &replica, name, id, transaction.now.wallMicroseconds)
            }
            services[name]?.replicas[id] = replica
        }

        /// What does not change since when it is as it is.
        private func seeMore(
            _ event: Event, _ replica: inout Replica, _ name: ServiceName, _ id: Int, _ now: Int64
        ) throws(Violation) {
            switch event {
            case .replicaProbeFailed(let failed):
                guard replica.evidence != failed.evidence else {
                    throw Violation(law: "status", what: "a probe of replica \(id) of \(name) fails as before: no news")
                }
                replica.evidence = failed.evidence
            case .replicaEnded(let ended): replica.ending = ended.ending
            case .replicaCleanupFailed: replica.status = .failedCleanup
            case .replicaLaunched: replica.launchedAt = now
            default: break
            }
        }

        /// What it is removed for is what has happened to it.
        private func check(
            _ reason: RemovalReason, of replica: Replica, _ name: ServiceName, _ id: Int
        ) throws(Violation) {
            let isRight: Bool
            if let draining = replica.draining {
                // One that was to go has not failed by going.
                isRight = reason == draining
            } else if let ending = replica.ending {
                switch (reason, ending) {
                case (.preempted, .rebooted), (.failed(status: .failed, _), .exited),
                    (.failed(status: .failed, _), .signaled), (.failed(status: .failed, _), .vanished):
                    isRight = true
                default: isRight = false
                }
            } else {
                switch (reason, replica.status) {
                case (.failed(status: .failedProvision, _), .pending),
                    (.failed(status: .failedInitialDelay, _), .starting),
                    (.failed(status: .failedProbing, _), .notReady), (.notWanted, _), (.byHand, _):
                    isRight = true
                default: isRight = false
                }
            }
            guard isRight else {
                throw Violation(
                    law: "ending", what: "replica \(id) of \(name), \(replica.status.rawValue), is removed: \(reason)")
            }
        }

        /// Whoever takes a replica away by hand is who takes it away.
        private func checkByHand(
            _ reason: RemovalReason, _ draining: RemovalReason?, _ name: ServiceName, _ id: Int,
            _ transaction: Transaction
        ) throws(Violation) {
            let isAsked = transaction.command == .removeReplica(name, replica: id)
            guard draining == nil, reason == .byHand || reason == .notWanted, (reason == .byHand) != isAsked else {
                return
            }
            throw Violation(law: "ending", what: "replica \(id) of \(name) goes for another reason: \(reason)")
        }

        func isReady(_ id: Int, of service: ServiceName) -> Bool {
            services[service]?.replicas[id]?.status == .ready
        }

        func check(_ state: ControllerState, _ specs: Specs) throws(Violation) {
            try controller.check(state)
            for (name, service) in state.services {
                guard let known = services[name] else { continue }
                try check(service, known)
                try checkReason(service, known, specs)
                let isGivenUp = specs.services[name]?.launchedVersion == nil
                guard let expected = known.expectedStatus(of: service, state, isGivenUp: isGivenUp),
                    service.status != expected
                else { continue }
                throw Violation(
                    law: "status", what: "\(name) is \(service.status.rawValue), and not \(expected.rawValue)")
            }
        }

        private func check(_ service: ServiceState, _ known: Service) throws(Violation) {
            guard service.status == known.status, service.readySinceMicroseconds == known.readySince else {
                throw Violation(law: "status", what: "\(service.name) is ready since another time")
            }
            guard Set(service.replicas.keys) == Set(known.replicas.keys) else {
                throw Violation(law: "status", what: "\(service.name) has other replicas")
            }
            for (id, replica) in known.replicas {
                guard let actual = service.replicas[id], actual.status == replica.status,
                    actual.sinceMicroseconds == replica.since,
                    actual.launchedAtMicroseconds == replica.launchedAt
                else {
                    throw Violation(
                        law: "status",
                        what: "replica \(id) of \(service.name) is not \(replica.status.rawValue) since then")
                }
            }
            for (id, replica) in known.replicas
            where replica.draining != nil && replica.removal == nil && !known.hasBalancer {
                throw Violation(law: "status", what: "replica \(id) of \(service.name) is drained and has no way in")
            }
            let failed = known.replicas.values.filter { $0.status.isOfOneThatFailed }
            guard failed.count <= Self.failuresListed else {
                throw Violation(law: "status", what: "\(service.name) lists \(failed.count) replicas that failed")
            }
        }

        /// A version that is not launched any more says why, by the failure that tells most.
        private func checkReason(_ service: ServiceState, _ known: Service, _ specs: Specs) throws(Violation) {
            guard service.launchesStopped != nil, let version = specs.services[service.name]?.version else { return }
            let failures = known.replicas.filter { id, replica in
                replica.hasFailed && specs.services[service.name]?.replicas[id]?.version == version
            }
            let telling = failures.min { ($0.value.rank, $0.key) < ($1.value.rank, $1.key) }?.key
            guard service.mostTellingFailure?.id == telling else {
                throw Violation(law: "status", what: "\(service.name) says of another failure why it is not launched")
            }
        }
    }
}

extension Laws.Lives.Service {
    /// What it is; nil where neither its controller nor its replicas say.
    fileprivate func expectedStatus(
        of service: ServiceState, _ state: ControllerState, isGivenUp: Bool
    ) -> ServiceStatus? {
        let statuses = Set(replicas.values.map(\.status))
        if isBalancerStuck || statuses.contains(.failedCleanup) { return .failedCleanup }
        if service.isEnding { return .shuttingDown }
        if isGivenUp, replicas.values.allSatisfy(\.status.isOfOneThatFailed) { return .failed }
        switch state.status {
        case .starting: return .controllerInit
        case .failed: return .controllerFailed
        case .stopped: return .noReplica
        case .up, .idle: break
        default: return nil
        }
        if statuses.contains(.ready) { return isBalancerRunning ? .ready : .notReady }
        if statuses.contains(.notReady) { return .notReady }
        return statuses.isDisjoint(with: [.pending, .provisioning, .starting]) ? nil : .replicaInit
    }
}

extension ReplicaStatus {
    /// Whether nothing is left of it but that it failed.
    var isOfOneThatFailed: Bool {
        switch self {
        case .failed, .failedInitialDelay, .failedProbing, .failedProvision: true
        default: false
        }
    }
}

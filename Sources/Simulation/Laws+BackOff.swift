import Lifecycle

extension Laws {
    /// What fails is tried again at once when it was the first time, and then after a pause that is longer the more often
    /// it failed in a row, chance aside. Law `back-off`.
    struct BackOff {
        private var services: [ServiceName: Service] = [:]

        private struct Service {
            /// Of the version that is launched, in a row.
            var failures = 0
            /// When each replica was last ready, on the wall clock.
            var readyAt: [Int: Int64] = [:]
            /// How often in vain each was removed.
            var attempts: [Int: Int] = [:]
            var balancer = Balancer()
        }

        private struct Balancer {
            var failures = 0
            /// Since when it runs, on the wall clock; nil while it does not.
            var runsSince: Int64?
            var attempts = 0
        }

        /// What ran that long does not fail in a row.
        private static let steadyMicroseconds: Int64 = 60_000_000
        /// How much of a pause chance may take away or add.
        private static let chance = 0.2

        mutating func see(_ stamped: StampedEvent, _ specs: Specs, _ now: Instant) throws(Violation) {
            switch stamped.event {
            case .controllerStarting: for name in services.keys { services[name]?.failures = 0 }
            case .controllerTerminated: services = [:]
            case .serviceUpRequested(let event): services[event.service] = Service()
            case .serviceGone(let event): services[event.service] = nil
            case .serviceUpdated(let event): services[event.service]?.failures = 0
            case .serviceLaunchesStopped(let event):
                // What comes next is another version, whose failures those were not.
                if specs.services[event.service]?.lastGood != nil { services[event.service]?.failures = 0 }
            case .replicaAdded(let event):
                let failures = services[event.service]?.failures ?? 0
                try check(event.launchAt, base: 1, cap: 300, failures: failures - 1, "replica of \(event.service)", now)
            case .replicaReady(let event): services[event.service]?.readyAt[event.replica] = now.wallMicroseconds
            case .replicaRemoving(let event):
                guard case .failed = event.reason, let service = specs.services[event.service],
                    service.replicas[event.replica]?.version == service.launchedVersion
                else { return }
                let readyAt = services[event.service]?.readyAt[event.replica]
                let wasSteady = readyAt.map { now.wallMicroseconds - $0 >= Self.steadyMicroseconds } ?? false
                let before = services[event.service]?.failures ?? 0
                services[event.service]?.failures = wasSteady ? 1 : before + 1
            case .replicaCleanupFailed(let event):
                let attempts = (services[event.service]?.attempts[event.replica] ?? 0) + 1
                services[event.service]?.attempts[event.replica] = attempts
                try check(
                    event.retryAt, base: 1, cap: 60, failures: attempts, "removal of a replica of \(event.service)", now
                )
            case .replicaFailed(let event): forget(event.replica, of: event.service)
            case .replicaGone(let event): forget(event.replica, of: event.service)
            default: try seeLoadBalancer(stamped, now)
            }
        }

        private mutating func forget(_ replica: Int, of service: ServiceName) {
            services[service]?.attempts[replica] = nil
            services[service]?.readyAt[replica] = nil
        }

        private mutating func seeLoadBalancer(_ stamped: StampedEvent, _ now: Instant) throws(Violation) {
            switch stamped.event {
            case .loadBalancerAdded(let event): services[event.service]?.balancer = Balancer()
            case .loadBalancerLaunched(let event): services[event.service]?.balancer.runsSince = now.wallMicroseconds
            case .loadBalancerEnded(let event):
                guard var balancer = services[event.service]?.balancer else { return }
                let wasSteady = balancer.runsSince.map { now.wallMicroseconds - $0 >= Self.steadyMicroseconds } ?? false
                balancer.failures = wasSteady ? 1 : balancer.failures + 1
                balancer.runsSince = nil
                services[event.service]?.balancer = balancer
                try check(
                    event.launchAt, base: 0.5, cap: 30, failures: balancer.failures - 1,
                    "load balancer of \(event.service)", now)
            case .loadBalancerCleanupFailed(let event):
                let attempts = (services[event.service]?.balancer.attempts ?? 0) + 1
                services[event.service]?.balancer.attempts = attempts
                try check(
                    event.retryAt, base: 1, cap: 60, failures: attempts,
                    "removal of the load balancer of \(event.service)", now)
            default: break
            }
        }

        private func check(
            _ deadline: Deadline?, base: Double, cap: Double, failures: Int, _ what: String, _ now: Instant
        ) throws(Violation) {
            guard failures > 0 else {
                guard deadline == nil else { throw Violation(law: "back-off", what: "the next \(what) has to wait") }
                return
            }
            var pause = base
            for _ in 1..<failures where pause < cap { pause *= 2 }
            pause = min(pause, cap)
            let seconds = deadline.map { Double($0.bootMicroseconds - now.bootMicroseconds) / 1e6 } ?? 0
            guard seconds + 1e-5 >= pause * (1 - Self.chance), seconds - 1e-5 <= pause * (1 + Self.chance) else {
                throw Violation(
                    law: "back-off", what: "the next \(what) waits \(seconds) s, not about \(pause) s")
            }
        }

        /// Nothing but what is seen here counts, and nothing makes it begin anew.
        func check(_ state: ControllerState) throws(Violation) {
            for (name, service) in state.services {
                guard let known = services[name], service.consecutiveFailures == known.failures,
                    (service.loadBalancer?.consecutiveFailures ?? known.balancer.failures) == known.balancer.failures
                else { throw Violation(law: "back-off", what: "the failures of \(name) are counted wrongly") }
            }
        }
    }
}

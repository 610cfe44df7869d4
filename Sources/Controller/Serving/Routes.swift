import Lifecycle
import LoadBalancer

/// What a load balancer needs to know of a service, in its own words.
enum Routes {
    /// Where requests go: to replicas that are ready. One that is being removed is not among them, and so is
    /// drained.
    static func table(of service: ServiceState, version: Int) -> RoutingTable {
        RoutingTable(
            service: service.name.rawValue,
            ready: service.routedReplicas.compactMap { replica in
                guard let endpoint = replica.endpoint else { return nil }
                return Route(
                    replica: replica.id, host: endpoint.host, port: Int(endpoint.port),
                    weight: weight(of: service.spec(ofVersion: replica.version)))
            },
            isReplicaExpected: expectsReplica(service), explanation: explanation(service),
            failure: service.isEnding ? nil : service.failure, version: version)
    }

    static func rules(of service: ServiceState) -> BalancingRules {
        let spec = service.spec.loadBalancer
        // The names are SkyServe's in both places.
        return BalancingRules(
            policy: BalancingPolicy(rawValue: spec.policy.rawValue) ?? .leastLoad,
            streamTimeoutSeconds: spec.streamTimeoutSeconds)
    }

    /// What is spoken with clients.
    static func spoken(of service: ServiceState) -> FrontProtocol {
        service.servedTLS.map { .https($0.pair) } ?? .http
    }

    /// What a replica can take compared with others: its own target of requests a second.
    private static func weight(of spec: ServiceSpec) -> Double {
        spec.replicaPolicy.targetQPSPerReplica?.perReplica(accelerator: spec.accelerator) ?? 1
    }

    /// Whether it is worth waiting for a replica to become ready.
    static func expectsReplica(_ service: ServiceState) -> Bool {
        if service.isEnding || service.isBackingOff { return false }
        let isOnItsWay = service.orderedReplicas.contains { replica in
            switch replica.status {
            case .pending, .provisioning, .starting, .ready, .notReady: true
            case .shuttingDown, .failed, .failedInitialDelay, .failedProbing, .failedProvision, .failedCleanup,
                .preempted:
                false
            }
        }
        return isOnItsWay || (service.launchedVersion != nil && service.mayHaveReplicas)
    }

    /// What a client is told while no replica is ready.
    static func explanation(_ service: ServiceState) -> String {
        if service.isEnding { return "it is being taken down" }
        let counts = Dictionary(grouping: service.orderedReplicas, by: \.status).mapValues(\.count)
        var words = counts.sorted { $0.key.rawValue < $1.key.rawValue }.map { status, count in
            "\(count) replica\(count == 1 ? " is" : "s are") \(status.rawValue)"
        }
        if let failures = service.failuresInWords { words.append("\(failures); another is launched after a while") }
        if let reason = service.whyLaunchesStopped { words.append("no other is started: \(reason)") }
        return words.isEmpty ? "it has no replicas" : words.joined(separator: ", ")
    }
}

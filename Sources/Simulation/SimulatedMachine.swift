import Lifecycle

/// The machine that replicas and load balancers run on: what is alive, and how it will behave.
struct SimulatedMachine {
    /// Names one process of one controller.
    struct ReplicaKey: Hashable {
        var controller: ControllerName
        var replica: ReplicaReference
    }

    struct LoadBalancerKey: Hashable {
        var controller: ControllerName
        var reference: LoadBalancerReference
    }

    struct HookKey: Hashable {
        var controller: ControllerName
        /// Of the event it is for.
        var version: Int
    }

    struct Replica {
        var handle: Handle
        var bootID: String
        /// Steps its `setup` still takes.
        var setupSteps: Int
        /// Probes it leaves unanswered before it is ready; nil for never ready.
        var probesUntilReady: Int?
        var isHung = false
        /// Attempts to end it that it survives.
        var resistance: Int
    }

    struct LoadBalancer {
        var handle: Handle
        /// Where it sends new requests: replica ids.
        var routes: [Int] = []
        /// Stream version of the state its routes were read from; 0 while it has read none.
        var routesVersion = 0
        /// Requests under way, by replica id.
        var inFlight: [Int: Int] = [:]
        /// Requests that wait for a replica.
        var held = 0
        /// Attempts to end it that it survives.
        var resistance = 0
        /// When it was told to end, on the boot clock: it takes nothing new from there on.
        var endingSinceMicroseconds: Int64?

        /// Requests that have come, and the second of each.
        var total = 0
        var arrivals: [Int64] = []

        /// What it says of its traffic.
        func report(_ reference: LoadBalancerReference) -> TrafficReport {
            TrafficReport(
                generation: reference.generation, writtenAtMicroseconds: 0, totalRequests: total,
                inFlight: inFlight.values.reduce(0, +), held: held, perReplicaInFlight: inFlight,
                routesVersion: routesVersion, isServing: !routes.isEmpty,
                recent: arrivals.suffix(200).map { .init(second: $0, count: 1) })
        }
    }

    var replicas: [ReplicaKey: Replica] = [:]
    /// How those that ended by themselves did, for whoever watches.
    var endings: [ReplicaKey: Ending] = [:]
    var loadBalancers: [LoadBalancerKey: LoadBalancer] = [:]
    /// What load balancers have written down of their traffic.
    var trafficReports: [LoadBalancerKey: TrafficReport] = [:]
    /// When each service was last asked for, or could be from then on, as nobody but the laws knows it.
    var lastUses: [LoadBalancerKey: Instant] = [:]
    /// How often each hook was run.
    var hookRuns: [HookKey: Int] = [:]
    private var processes = 0

    mutating func newHandle(bootID: String) -> Handle {
        processes += 1
        return Handle(rawValue: "sim:\(processes):\(bootID)")
    }

    /// Requests under way at a replica, whichever load balancer they came through.
    func inFlight(_ key: ReplicaKey) -> Int {
        loadBalancers.reduce(0) { sum, balancer in
            balancer.key.controller == key.controller && balancer.key.reference.service == key.replica.service
                ? sum + (balancer.value.inFlight[key.replica.id] ?? 0) : sum
        }
    }

    /// The replica is not there any more, and no connection to it either.
    mutating func end(_ key: ReplicaKey) {
        replicas[key] = nil
        for balancer in loadBalancers.keys
        where balancer.controller == key.controller && balancer.reference.service == key.replica.service {
            loadBalancers[balancer]?.inFlight[key.replica.id] = nil
        }
    }

    /// Everything is gone.
    mutating func reboot() {
        replicas = [:]
        endings = [:]
        loadBalancers = [:]
    }

    /// Something of the service that is alive, in words.
    func leftover(of service: ServiceName, on controller: ControllerName) -> String? {
        if let key = replicas.keys.first(where: { $0.controller == controller && $0.replica.service == service }) {
            return "replica \(key.replica.id) of \(service)"
        }
        if loadBalancers.keys.contains(where: { $0.controller == controller && $0.reference.service == service }) {
            return "the load balancer of \(service)"
        }
        return nil
    }

    /// Something of the controller that is alive, in words.
    ///
    /// - Parameter failed: services whose load balancers are passed over.
    func leftover(on controller: ControllerName, sparingLoadBalancersOf failed: Set<ServiceName> = []) -> String? {
        if let key = replicas.keys.first(where: { $0.controller == controller }) {
            return "replica \(key.replica.id) of \(key.replica.service)"
        }
        if let key = loadBalancers.keys.first(where: {
            $0.controller == controller && !failed.contains($0.reference.service)
        }) {
            return "the load balancer of \(key.reference.service)"
        }
        return nil
    }
}

import Lifecycle

extension Laws {
    /// How many replicas the load asks for, and how often in a row it must, by own arithmetic in whole requests. Of one
    /// watch of it. A part of law `scale`.
    struct Load {
        private var timesMore = 0
        private var timesFewer = 0

        /// What is reported is what has come in the last minute, and that somebody waits.
        static func check(
            _ load: Autoscaler.Load, _ balancer: SimulatedMachine.LoadBalancer, _ service: ServiceState, _ now: Instant
        ) throws(Violation) {
            let second = now.wallMicroseconds / 1_000_000
            let came = balancer.arrivals.suffix(200).count { $0 > second - 60 && $0 <= second }
            guard service.replicasForLoad == 0 ? load.requests <= came : load.requests == came else {
                throw Violation(law: "scale", what: "\(load.requests) requests count for \(service.name), \(came) came")
            }
            guard load.isBusy == (balancer.held > 0 || !balancer.inFlight.isEmpty) else {
                throw Violation(law: "scale", what: "whether somebody waits for \(service.name) is not seen")
            }
        }

        mutating func check(
            _ change: Autoscaler.Change?, _ load: Autoscaler.Load, _ service: ServiceState
        ) throws(Violation) {
            let policy = service.launchedSpec.replicaPolicy
            let current = service.replicasForLoad
            let most = policy.maxReplicas ?? policy.minReplicas
            let wanted = max(policy.minReplicas, min(Self.needed(load, service), most))
            timesMore = wanted > current ? timesMore + 1 : 0
            timesFewer = wanted < current && load.isWholeWindow ? timesFewer + 1 : 0
            // A decision every 20 s, or as often as the shorter delay asks for, once a second at most.
            let pause = max(1, min(20, policy.upscaleDelaySeconds, policy.downscaleDelaySeconds))
            let isLongEnough = Double(timesMore) * pause >= policy.upscaleDelaySeconds
            let isDue =
                timesMore > 0 && (current == 0 || isLongEnough)
                || timesFewer > 0 && Double(timesFewer) * pause >= policy.downscaleDelaySeconds
            guard isDue == (change != nil), change == nil || change?.to == wanted else {
                throw Violation(
                    law: "scale",
                    what: "\(service.name) goes from \(current) to \(change?.to ?? current) replicas, not to \(wanted)")
            }
            if isDue { (timesMore, timesFewer) = (0, 0) }
        }

        /// Requests a minute that each replica takes, those that take most first; what is left is for new ones.
        private static func needed(_ load: Autoscaler.Load, _ service: ServiceState) -> Int {
            guard case .each(let target)? = service.launchedSpec.replicaPolicy.targetQPSPerReplica else {
                return service.launchedSpec.replicaPolicy.minReplicas
            }
            var capacities: [Int] = []
            for replica in service.replicas.values {
                switch replica.status {
                case .pending, .provisioning, .starting, .ready, .notReady: break
                default: continue
                }
                let policy = service.spec(ofVersion: replica.version).replicaPolicy
                if case .each(let own)? = policy.targetQPSPerReplica { capacities.append(Int(own * 60)) }
            }
            var (left, count) = (load.requests, 0)
            for capacity in capacities.sorted(by: >) where left > 0 { (left, count) = (left - capacity, count + 1) }
            let each = Int(target * 60)
            if left > 0 { count += (left + each - 1) / each }
            return max(count, load.isBusy ? 1 : 0)
        }
    }
}

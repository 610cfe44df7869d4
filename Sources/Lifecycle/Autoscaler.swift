/// Decides how many replicas a service should have, by the rate of its requests. The rules are SkyServe's
/// (`sky/serve/autoscalers.py`, 0.14.1): the load of the last minute divided by what one replica is to have,
/// followed only once so many decisions in a row say the same.
///
/// A value for each controller process that decides. What it remembers between decisions is only how often in
/// a row more or fewer were asked for: a controller that is restarted begins to count anew.
public struct Autoscaler: Hashable, Sendable {
    /// How far back requests count.
    public static let windowSeconds: Int64 = 60

    private var timesMore = 0
    private var timesFewer = 0

    /// What is known of the load at a decision.
    public struct Load: Hashable, Sendable {
        /// Requests that came in the last ``windowSeconds`` seconds.
        public var requests: Int
        /// Whether a request is under way or waits for a replica.
        public var isBusy: Bool
        /// Whether the whole window was watched. What was not watched may have been busy, so there are no
        /// fewer replicas because of it.
        public var isWholeWindow: Bool

        public init(requests: Int, isBusy: Bool, isWholeWindow: Bool) {
            self.requests = requests
            self.isBusy = isBusy
            self.isWholeWindow = isWholeWindow
        }
    }

    /// A change to another number of replicas, before overprovisioning.
    public struct Change: Hashable, Sendable {
        public var to: Int
        /// What it follows from, in words.
        public var reason: String
    }

    public init() {}

    /// - Returns: the change to make now; nil to leave the number as it is.
    public mutating func decide(_ load: Load, for service: ServiceState) -> Change? {
        let policy = service.launchedSpec.replicaPolicy
        let current = service.replicasForLoad
        let wanted = policy.clipped(Self.replicasNeeded(load, for: service))
        let change = Change(to: wanted, reason: Self.inWords(load))
        guard wanted != current, wanted > current || load.isWholeWindow else {
            (timesMore, timesFewer) = (0, 0)
            return nil
        }
        if wanted > current {
            (timesMore, timesFewer) = (timesMore + 1, 0)
            // Somebody waits: from zero at once.
            guard current == 0 || timesMore >= policy.decisionsBefore(policy.upscaleDelaySeconds) else { return nil }
        } else {
            (timesMore, timesFewer) = (0, timesFewer + 1)
            guard timesFewer >= policy.decisionsBefore(policy.downscaleDelaySeconds) else { return nil }
        }
        (timesMore, timesFewer) = (0, 0)
        return change
    }

    /// How many replicas the load asks for, whatever the policy's bounds. Replicas that are there count with
    /// their own targets, those that can take most first; what is left over is for new ones.
    static func replicasNeeded(_ load: Load, for service: ServiceState) -> Int {
        guard let target = service.launchedSpec.replicaPolicy.targetQPSPerReplica else {
            return service.launchedSpec.replicaPolicy.minReplicas
        }
        var left = Double(Swift.max(0, load.requests)) / Double(windowSeconds)
        // Sums of fractions are off by a hair, for which nobody starts a replica.
        let nothing = left * 1e-9
        var count = 0
        for capacity in service.capacitiesPerSecond.sorted(by: >) where left > nothing {
            left -= capacity
            count += 1
        }
        if left > nothing {
            let more = (left / target.perReplica(accelerator: service.launchedSpec.accelerator) - 1e-9).rounded(.up)
            count += Int(Swift.max(0, Swift.min(more, Double(ServiceSpec.maximumReplicas))))
        }
        // One that is under way longer than the window is wide still needs the replica it is at.
        return Swift.max(count, load.isBusy ? 1 : 0)
    }

    private static func inWords(_ load: Load) -> String {
        switch load.requests {
        case ...0: load.isBusy ? "a request waits or is under way" : "no request in \(windowSeconds) s"
        case 1: "1 request in \(windowSeconds) s"
        default: "\(load.requests) requests in \(windowSeconds) s"
        }
    }
}

extension ReplicaPolicy {
    /// Seconds from one decision to the next: 20 as in SkyServe, or 5 while there is no replica; sooner where
    /// a delay asks for less, down to 1.
    public func decisionIntervalSeconds(atZero: Bool) -> Double {
        Swift.max(1, Swift.min(atZero ? 5 : 20, upscaleDelaySeconds, downscaleDelaySeconds))
    }

    /// How many decisions in a row must ask for a change that has `delaySeconds` to wait. One that has none
    /// is made at the first.
    func decisionsBefore(_ delaySeconds: Double) -> Int {
        let count = (delaySeconds / decisionIntervalSeconds(atZero: false)).rounded(.down)
        return Int(Swift.max(0, Swift.min(count, 1e9)))
    }

    func clipped(_ count: Int) -> Int {
        Swift.max(minReplicas, Swift.min(count, maxReplicas ?? minReplicas))
    }
}

extension ServiceState {
    /// Requests per second that each replica there is, or that is on its way, is to have.
    fileprivate var capacitiesPerSecond: [Double] {
        replicas.values.filter(\.isWorking).compactMap { replica in
            let spec = spec(ofVersion: replica.version)
            return spec.replicaPolicy.targetQPSPerReplica?.perReplica(accelerator: spec.accelerator)
        }
    }
}

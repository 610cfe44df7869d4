/// A service's load balancer process.
public struct LoadBalancerState: Hashable, Sendable, Codable {
    /// Stream version of its `load_balancer.added`.
    public let generation: Int
    /// How often in a row it ended by itself soon after its launch.
    public internal(set) var consecutiveFailures = 0
    public internal(set) var launchedAtMicroseconds: Int64?
    public internal(set) var phase: Phase
    /// Set when the last attempt to remove it left something alive.
    public internal(set) var stuck: ReplicaState.Stuck?

    public enum Phase: Hashable, Sendable, Codable {
        /// To be launched, after a back-off if it ended by itself. → running, removing
        case pending(BackOff?)
        /// → removing, pending (after it ended by itself)
        case running(Handle)
        /// → gone
        case removing(Handle?)
    }

    /// Waiting to be launched again.
    public struct BackOff: Hashable, Sendable, Codable {
        public var deadline: Deadline
        /// Stream version of the `load_balancer.ended` that set it.
        public var generation: Int
        /// Why it ended.
        public var reason: String
    }

    /// Why it does not run, where that is known.
    var reasonInWords: String? {
        guard case .pending(let backOff?) = phase else { return nil }
        return "its load balancer does not run: \(backOff.reason)"
    }

    public var isRunning: Bool {
        if case .running = phase { true } else { false }
    }
}

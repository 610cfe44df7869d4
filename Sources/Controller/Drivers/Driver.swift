import Lifecycle

/// Where replicas run. A driver launches, finds again, watches and ends a replica by an opaque handle.
///
/// It may be far away and slow, so all of it is asynchronous, and it may be out of reach for a while, which
/// is not the replica's death. What it must promise, and `DriverConformance` in TestKit checks of each:
/// - `launch` twice for one replica gives one replica: the second finds the first, also when another
///   process launched it and died before it could tell anybody;
/// - `end` returns nil only when nothing of the replica is alive, whoever launched it and whether or
///   not that was recorded, and may be called again at any time;
/// - `setupFinished` and `ended` answer what is known, and wait where nothing is: a driver that cannot
///   reach its replicas keeps trying, and never says of one that it ended because it was not heard of.
public protocol Driver: Sendable {
    /// Launches the replica, or finds the one that was launched before.
    func launch(_ replica: ReplicaReference, _ spec: ServiceSpec) async throws(LaunchFailure) -> Launched

    /// Waits for the end of the replica's `setup`; returns at once when it has none. Returns false when
    /// the task was cancelled first, as it is when the replica ends.
    func setupFinished(_ replica: ReplicaReference, _ handle: Handle) async -> Bool

    /// Waits for the end of the replica's process; nil when the task was cancelled first.
    func ended(_ replica: ReplicaReference, _ handle: Handle) async -> (ending: Ending, logTail: String?)?

    /// Ends whatever there is of the replica: SIGTERM, a grace period, SIGKILL.
    ///
    /// - Returns: what could not be ended, in words, which is also the answer when the replica is out of
    ///   reach; nil when nothing is left.
    func end(_ replica: ReplicaReference, _ handle: Handle?) async -> String?

    /// TCP ports that the replica listens at, as far as they can be seen; only to say more of one that refuses connections.
    func listeningPorts(of replica: ReplicaReference, _ handle: Handle) async -> [UInt16]

    /// Ends everything this driver started for the controller that `known` does not name.
    ///
    /// - Returns: what could not be ended, in words; nil when nothing is left.
    func endStrangers(known: Set<ReplicaReference>) async -> String?
}

extension Driver {
    public func listeningPorts(of replica: ReplicaReference, _ handle: Handle) async -> [UInt16] { [] }
}

/// A replica that runs.
public struct Launched: Hashable, Sendable {
    public var handle: Handle
    /// Where it is to be probed and sent requests.
    public var endpoint: Endpoint

    public init(handle: Handle, endpoint: Endpoint) {
        self.handle = handle
        self.endpoint = endpoint
    }
}

/// Why a replica was not launched.
public enum LaunchFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// It cannot be launched, in words; trying the same again would fail again.
    case refused(String)
    /// Where it would run is out of reach just now, in words. It may have been launched or not; the next
    /// attempt finds it or launches it.
    case unreachable(String)

    /// A refusal.
    public init(_ reason: String) { self = .refused(reason) }

    public var description: String {
        switch self {
        case .refused(let reason), .unreachable(let reason): reason
        }
    }
}

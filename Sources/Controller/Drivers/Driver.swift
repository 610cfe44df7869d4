import Lifecycle

/// Where replicas run. A driver launches, finds again, watches and ends a replica by an opaque handle.
///
/// It may be far away and slow, so all of it is asynchronous, and it may be unreachable for a while,
/// which is not the replica's death. What it must promise:
/// - `launch` twice for one replica gives one replica: the second finds the first;
/// - `end` returns nil only when nothing of the replica is alive, whoever launched it and whether or
///   not that was recorded, and may be called again at any time.
public protocol Driver: Sendable {
    func launch(_ replica: ReplicaReference, _ spec: ServiceSpec) async throws(LaunchFailure) -> Launched

    /// Waits for the end of the replica's `setup`; returns at once when it has none. Returns false when
    /// the replica ended first.
    func setupFinished(_ replica: ReplicaReference, _ handle: Handle) async -> Bool

    /// Waits for the end of the replica's process; nil when the task was cancelled first.
    func ended(_ replica: ReplicaReference, _ handle: Handle) async -> (ending: Ending, logTail: String?)?

    /// Ends whatever there is of the replica.
    ///
    /// - Returns: what could not be ended, in words; nil when nothing is left.
    func end(_ replica: ReplicaReference, _ handle: Handle?) async -> String?

    /// Ends everything this driver started for the controller that `known` does not name.
    func endStrangers(known: Set<ReplicaReference>) async
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

/// Why a replica could not be launched, in words.
public struct LaunchFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public var reason: String

    public init(_ reason: String) { self.reason = reason }

    public var description: String { reason }
}

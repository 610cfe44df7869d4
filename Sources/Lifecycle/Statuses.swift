/// A controller's status, in the words `dwell status` prints.
public enum ControllerStatus: String, Hashable, Sendable, Codable, CaseIterable {
    case absent = "ABSENT"
    case starting = "STARTING"
    case up = "UP"
    case idle = "IDLE"
    case stopping = "STOPPING"
    case stopped = "STOPPED"
    case failed = "FAILED"
    case terminating = "TERMINATING"
    case terminated = "TERMINATED"
}

/// A service's status. The words are SkyServe's (`sky/serve/serve_state.py`, 0.14.1), plus NOT_READY
/// for a service whose replicas all fail their probes, which SkyServe shows as NO_REPLICA.
public enum ServiceStatus: String, Hashable, Sendable, Codable, CaseIterable {
    /// The controller is starting.
    case controllerInit = "CONTROLLER_INIT"
    /// No replica has been ready yet, and at least one is on its way.
    case replicaInit = "REPLICA_INIT"
    /// The controller could not be started.
    case controllerFailed = "CONTROLLER_FAILED"
    /// At least one replica is ready and the load balancer runs.
    case ready = "READY"
    /// Replicas run, none answers its probe.
    case notReady = "NOT_READY"
    case shuttingDown = "SHUTTING_DOWN"
    /// At least one replica failed, none is left and no other will be launched.
    case failed = "FAILED"
    /// Something of it could not be removed; removal is tried again by itself.
    case failedCleanup = "FAILED_CLEANUP"
    /// Nothing is meant to run now: zero replicas are wanted, or the controller is stopped.
    case noReplica = "NO_REPLICA"
}

/// A replica's status, in SkyServe's words.
public enum ReplicaStatus: String, Hashable, Sendable, Codable, CaseIterable {
    case pending = "PENDING"
    case provisioning = "PROVISIONING"
    case starting = "STARTING"
    case ready = "READY"
    case notReady = "NOT_READY"
    case shuttingDown = "SHUTTING_DOWN"
    /// The user's `setup` or `run` ended.
    case failed = "FAILED"
    /// It was not ready within `initial_delay_seconds`.
    case failedInitialDelay = "FAILED_INITIAL_DELAY"
    /// It was ready, and failed its probes for `consecutive_failure_threshold_timeout`.
    case failedProbing = "FAILED_PROBING"
    /// It could not be launched.
    case failedProvision = "FAILED_PROVISION"
    /// Something of it could not be removed.
    case failedCleanup = "FAILED_CLEANUP"
    /// It was lost together with the machine it ran on.
    case preempted = "PREEMPTED"
}

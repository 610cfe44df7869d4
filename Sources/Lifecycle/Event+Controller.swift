// Payloads of what happens to the controller itself.

public struct ControllerStarting: Hashable, Sendable, Codable {
    public var incarnation: Int
    public var policy: AutostopPolicy
    /// The service whose `up` asked for it; nil when it was asked for by itself.
    public var service: ServiceName?
    /// When it was asked for, on both clocks; logs of earlier dwells do not say.
    public var at: Instant?
    /// Until when it is held back, and why; nil when it begins at once.
    public var heldUntil: Deadline?
    public var heldBecause: String?
}

/// A controller process took the lease and serves.
public struct ControllerStarted: Hashable, Sendable, Codable {
    public var process: String
    /// From the request to this, microseconds: the cold start that dwelling spares.
    public var tookMicroseconds: Int64
}

public struct ControllerStartFailed: Hashable, Sendable, Codable {
    public var reason: String
    /// When, on both clocks; logs of earlier dwells do not say.
    public var at: Instant?
}

/// Another controller process took the lease after the last one died.
public struct ControllerRecovered: Hashable, Sendable, Codable {
    public var process: String
    public var previous: String?
    /// When, on both clocks: deadlines of an earlier boot are carried over to this one's.
    public var at: Instant
}

/// An idle period began (law L5: it ends in exactly one of `controller.woken`, `controller.stopping`,
/// `controller.terminating`, `controller.policy_set`, `controller.autostop_paused` and `controller.autostop_resumed`,
/// each of which names this event's version).
public struct ControllerIdle: Hashable, Sendable, Codable {
    /// Nil when the policy says never.
    public var deadline: Deadline?
    public var idleTimeoutSeconds: Double?
    /// When it began to be idle, wall time in microseconds, where that was before this event: a policy was changed
    /// or a pause ended meanwhile.
    public var sinceMicroseconds: Int64?
    /// What the window counts from, wall time in microseconds; nil: from now.
    public var clockSinceMicroseconds: Int64?
    /// What the clocks show where it waits for no deadline, which would tell it: by them it is known how far the wall clock
    /// is set while it is idle.
    public var at: Instant?
}

public struct ControllerWoken: Hashable, Sendable, Codable {
    public var service: ServiceName?
    /// Stream version of the `controller.idle` it ends.
    public var idleVersion: Int
    public var idleMicroseconds: Int64
    /// What else than a service woke it.
    public var reason: String?
    /// Where it goes on being idle, with a deadline that is worked out anew: since when it is, wall time in microseconds.
    public var keptSinceMicroseconds: Int64?
    /// And what its window counts from, wall time in microseconds.
    public var keptClockSinceMicroseconds: Int64?
}

public struct ControllerPolicySet: Hashable, Sendable, Codable {
    public var policy: AutostopPolicy
    /// Stream version of the `controller.idle` it ends, if the controller was idle.
    public var idleVersion: Int?
    /// When the idleness began that the new window counts from, wall time in microseconds; nil: from now.
    public var keptSinceMicroseconds: Int64?
    /// When a controller that is stopped will be terminated; nil for never, or when it is not stopped.
    public var terminateAt: Deadline?
}

/// It does not stop by itself until `until`, or until that is taken back.
public struct ControllerAutostopPaused: Hashable, Sendable, Codable {
    /// Nil: until it is taken back.
    public var until: Deadline?
    public var reason: String?
    /// Stream version of the `controller.idle` it ends, if the controller was idle.
    public var idleVersion: Int?
}

/// A pause is over; the idle window counts from here.
public struct ControllerAutostopResumed: Hashable, Sendable, Codable {
    /// Stream version of the `controller.idle` it ends, if the controller was idle.
    public var idleVersion: Int?
    /// How late the end of the pause was, microseconds; nil when it was taken back by hand.
    public var latenessMicroseconds: Int64?
}

public struct ControllerStopping: Hashable, Sendable, Codable {
    public var reason: StopReason
    /// Stream version of the `controller.idle` it ends, if the controller was idle.
    public var idleVersion: Int?
    /// How long after its deadline it was decided, microseconds; nil when stopped by hand.
    public var latenessMicroseconds: Int64?
}

/// An `up` or `start` came while it was stopping: it will start again (law L6).
public struct ControllerStartRequested: Hashable, Sendable, Codable {
    public var service: ServiceName?
}

public struct ControllerStopped: Hashable, Sendable, Codable {
    public var reason: StopReason
    /// When it will be terminated if it stays stopped; nil for never.
    public var terminateAt: Deadline?
    /// What the clocks show: how long it has been stopped is reckoned from them. Logs of earlier dwells do not say.
    public var at: Instant?
}

public struct ControllerTerminating: Hashable, Sendable, Codable {
    public var force: Bool
    /// Stream version of the `controller.idle` it ends, if the controller was idle.
    public var idleVersion: Int?
    /// How long after its deadline it was decided, microseconds; nil when it was terminated by hand.
    public var latenessMicroseconds: Int64?
}

public struct ControllerTerminated: Hashable, Sendable, Codable {}

/// Everything true of one controller now: the fold of its stream. The controller is the consistency
/// boundary, because it is the thing that idles: its services and replicas live in its stream, so that
/// "nothing runs here" (law L3) is one fold and not a join.
public struct ControllerState: Hashable, Sendable, Codable {
    public let name: ControllerName
    /// Stream version of the last event folded in; 0 before the first.
    public internal(set) var version = 0
    /// Which life of the name this is, from 1; a terminated name may begin another.
    public internal(set) var incarnation = 0
    public internal(set) var phase: Phase = .absent
    public internal(set) var policy: AutostopPolicy = .standard
    /// Set while autostop is paused.
    public internal(set) var pause: Pause?
    /// Hooks that transitions have called for and that have not ended, in order.
    public internal(set) var hooks: [PendingHook] = []
    /// The last answers of what is asked whether the controller is used.
    public internal(set) var uses: [String: UseVerdict] = [:]
    /// For the idle period that begins next in place of one that has just ended: when idleness began, and what its
    /// window counts from if not from then on.
    var keptIdleSinceMicroseconds: Int64?
    var keptClockSinceMicroseconds: Int64?
    /// Wall time of the last `controller.started`, microseconds; nil while it is not up.
    public internal(set) var startedAtMicroseconds: Int64?
    /// The controller process that last took the lease.
    public internal(set) var process: String?
    /// How often a controller process has been replaced after a crash since the last start.
    public internal(set) var recoveries = 0
    /// Set while it is starting and its start is held back.
    public internal(set) var heldStart: HeldStart?
    /// Nil where there is nothing to tell, as in states that earlier dwells kept.
    private var startHistory: StartHistory?
    var starts: StartHistory {
        get { startHistory ?? StartHistory() }
        set { startHistory = newValue == StartHistory() ? nil : newValue }
    }
    public internal(set) var services: [ServiceName: ServiceState] = [:]

    public init(name: ControllerName) {
        self.name = name
    }

    /// Where a controller is in its life. Each case's comment lists its exits.
    public enum Phase: Hashable, Sendable, Codable {
        /// Never started. → starting
        case absent
        /// Asked to start; no controller process has taken the lease yet, or the start is held back. → up, failed, stopping, terminating
        case starting(sinceMicroseconds: Int64)
        /// Running, with at least one live service. → idle, stopping, terminating
        case up
        /// Running with no live service. → up (woken, or a new policy), stopping (by deadline or by
        /// hand), terminating
        case idle(Idle)
        /// Everything it holds is being removed. → stopped, terminating
        case stopping(Stopping)
        /// Nothing of it runs; its log and its services' definitions stay. → starting, terminating
        case stopped(Stopped)
        /// It could not be started. → starting, stopped, terminating
        case failed(reason: String)
        /// Its services are being removed for good. → terminated
        case terminating
        /// Gone. → starting, as the name's next life
        case terminated
    }

    public struct Idle: Hashable, Sendable, Codable {
        public var sinceMicroseconds: Int64
        /// Nil when the policy says never.
        public var deadline: Deadline?
        /// Stream version of the `controller.idle` that began it: the deadline's generation (law L5).
        public var generation: Int
        /// What its window counts from, wall time in microseconds; states that earlier dwells kept do not say.
        public var clockSinceMicroseconds: Int64?

        /// What the clocks showed when it began, or when a process of this boot took over, where it has no deadline.
        var at: Instant?

        /// How far the wall clock was set since its deadline was worked out; where it has none, since it began.
        func wallClockMoved(at now: Instant) -> Int64 {
            deadline?.wallClockMoved(at: now) ?? at?.wallClockMoved(at: now) ?? 0
        }
    }

    /// A time in which it does not stop by itself.
    public struct Pause: Hashable, Sendable, Codable {
        public var by: String
        public var reason: String?
        public var sinceMicroseconds: Int64
        /// Nil: until it is taken back.
        public var until: Deadline?
        /// Stream version of the `controller.autostop_paused`.
        public var generation: Int
    }

    public struct Stopping: Hashable, Sendable, Codable {
        public var reason: StopReason
        public var sinceMicroseconds: Int64
        /// An `up` or `start` was accepted meanwhile: start again once stopped (law L6).
        public var startAgain: Bool
    }

    public struct Stopped: Hashable, Sendable, Codable {
        public var reason: StopReason
        public var sinceMicroseconds: Int64
        /// When it is terminated if it stays stopped.
        public var terminateAt: Deadline?
        /// Stream version of the event that set that.
        public var generation = 0
        /// What the clocks showed when it stopped; logs of earlier dwells do not say.
        var at: Instant?

        /// How long it has been stopped, seconds.
        func elapsedSeconds(at now: Instant) -> Double {
            let elapsed =
                at?.elapsedMicroseconds(until: now)
                ?? now.wallMicroseconds &- sinceMicroseconds &- (terminateAt?.wallClockMoved(at: now) ?? 0)
            return Double(Swift.max(0, elapsed)) / 1e6
        }
    }

    public var status: ControllerStatus {
        switch phase {
        case .absent: .absent
        case .starting: .starting
        case .up: .up
        case .idle: .idle
        case .stopping: .stopping
        case .stopped: .stopped
        case .failed: .failed
        case .terminating: .terminating
        case .terminated: .terminated
        }
    }

    /// Whether events between changed nothing that anything depends on.
    public func differsOnlyInVersion(from earlier: ControllerState) -> Bool {
        var earlier = earlier
        earlier.version = version
        return self == earlier
    }

    /// Whether a controller process must be running for this state to move on.
    public var needsProcess: Bool {
        switch phase {
        case .starting, .up, .idle, .stopping, .terminating: true
        case .absent, .stopped, .failed, .terminated: false
        }
    }

    /// Whether services are being served, as opposed to being started or taken away.
    var isServing: Bool {
        switch phase {
        case .up, .idle: true
        case .absent, .starting, .stopping, .stopped, .failed, .terminating, .terminated: false
        }
    }

    /// Services that hold the controller up, by name.
    public var liveServices: [ServiceName] {
        services.values.filter(\.isLive).map(\.name).sorted()
    }

    var hasLiveService: Bool { services.values.contains(where: \.isLive) }

    /// Whether something keeps it from being idle.
    var isInUse: Bool { hasLiveService || !activeUses.isEmpty }

    /// Services in the order everything that walks them uses, so that decisions are deterministic.
    public var orderedServices: [ServiceName] { services.keys.sorted() }
}

/// Why a controller stops.
public enum StopReason: String, Hashable, Sendable, Codable {
    case idleDeadline = "idle_deadline"
    case byHand = "by_hand"
}

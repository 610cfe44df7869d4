import Lifecycle

/// What became of one controller over time, by its events alone: the stretches it was busy, idle, starting and
/// stopped, the idle periods, the starts.
public struct ControllerHistory: Sendable {
    public enum Condition: String, Sendable, CaseIterable {
        /// Up, with a service that lives.
        case busy
        /// Up, without one.
        case idle
        case starting
        /// Not up, and nothing paid for. One that is terminated is not even stopped: it is not there any more.
        case stopped
    }

    /// A time it was in one condition; microseconds since 1970.
    public struct Stretch: Hashable, Sendable {
        public var condition: Condition
        public var began: Int64
        public var ended: Int64

        public init(condition: Condition, began: Int64, ended: Int64) {
            self.condition = condition
            self.began = began
            self.ended = ended
        }
    }

    /// A time without a service, from the last `down` to whatever ended it. A change of policy does not end it:
    /// the controller went on being idle.
    public struct IdlePeriod: Hashable, Sendable {
        public var began: Int64
        /// When the controller was not idle any more; nil while it is.
        public var ended: Int64?
        public var end: End?
        /// When a service was wanted again, or the controller was started by hand; nil if that has not happened.
        public var wantedAgain: Int64?
        /// When somebody terminated the controller, be it idle or stopped by then; nil if nobody did.
        public var terminatedByHand: Int64?
        /// When autostop was paused in it; the last one has no end while it lasts.
        public var pauses: [Pause] = []

        /// A time in which a controller does not stop by itself, whatever its window.
        public struct Pause: Hashable, Sendable {
            public var began: Int64
            public var ended: Int64?
        }

        public enum End: String, Hashable, Sendable {
            case woken, deadline, byHand
        }
    }

    public private(set) var stretches: [Stretch] = []
    public private(set) var idlePeriods: [IdlePeriod] = []
    /// Starts that were asked for: when, and how long each took, microseconds; nil for one that did not end in
    /// being up.
    public private(set) var starts: [(at: Int64, took: Int64?)] = []
    /// How long starts took that are archived, microseconds.
    public let archivedStartsMicroseconds: [Int64]
    /// When its process died and another took over.
    public private(set) var crashes: [Int64] = []

    /// Whether autostop is paused.
    private var isPaused = false
    private var condition: Condition?
    private var since: Int64 = 0

    /// - Parameters:
    ///   - events: those of the controller itself (`controller.…`), in order.
    ///   - beginning: what events that were archived led to, and when; nil when these are all there ever were.
    ///   - archivedStartsMicroseconds: how long those starts took that are archived.
    ///   - now: until when the last condition lasts, microseconds since 1970.
    public init(
        _ events: some Sequence<StampedEvent>, beginning: (state: ControllerState, atMicroseconds: Int64)? = nil,
        archivedStartsMicroseconds: [Int64] = [], now: Int64
    ) {
        self.archivedStartsMicroseconds = archivedStartsMicroseconds
        if let beginning {
            isPaused = beginning.state.pause != nil
            begin(beginning.state.phase, beginning.atMicroseconds)
        }
        for stamped in events { take(stamped.event, stamped.stamp.atMicroseconds) }
        enter(nil, max(now, since))
    }

    private mutating func begin(_ phase: ControllerState.Phase, _ at: Int64) {
        switch phase {
        case .absent: break
        case .starting(let since):
            starts.append((since, nil))
            enter(.starting, at)
        case .up, .stopping, .terminating: enter(.busy, at)
        case .idle(let idle):
            beginIdle(idle.sinceMicroseconds)
            enter(.idle, at)
        case .stopped, .failed: enter(.stopped, at)
        case .terminated: enter(nil, at)
        }
    }

    private mutating func take(_ event: Event, _ at: Int64) {
        switch event {
        case .controllerStarting:
            if let last = idlePeriods.indices.last, idlePeriods[last].wantedAgain == nil,
                idlePeriods[last].ended != nil
            {
                idlePeriods[last].wantedAgain = at
            }
            starts.append((at, nil))
            enter(.starting, at)
        case .controllerStarted(let started):
            if let last = starts.indices.last { starts[last].took = started.tookMicroseconds }
            enter(.busy, at)
        case .controllerIdle:
            // After a change of policy the same period goes on.
            if let last = idlePeriods.indices.last, idlePeriods[last].ended == nil { return }
            beginIdle(at)
            enter(.idle, at)
        // It goes on being idle, with another deadline.
        case .controllerWoken(let woken) where woken.keptSinceMicroseconds != nil: return
        case .controllerWoken:
            endIdle(.woken, at)
            enter(.busy, at)
        case .controllerStopping(let stopping):
            endIdle(stopping.reason == .idleDeadline ? .deadline : .byHand, at)
        case .controllerTerminating(let terminating):
            let isByHand = terminating.latenessMicroseconds == nil
            endIdle(isByHand ? .byHand : .deadline, at)
            if isByHand, let last = idlePeriods.indices.last, idlePeriods[last].wantedAgain == nil {
                idlePeriods[last].terminatedByHand = at
            }
        case .controllerTerminated:
            isPaused = false
            enter(nil, at)
        case .controllerStopped, .controllerStartFailed: enter(.stopped, at)
        case .controllerAutostopPaused:
            // One that takes the place of another goes on with it.
            if !isPaused { changeIdle { $0.pauses.append(IdlePeriod.Pause(began: at)) } }
            isPaused = true
        case .controllerAutostopResumed:
            changeIdle { period in
                if let last = period.pauses.indices.last { period.pauses[last].ended = at }
            }
            isPaused = false
        // Whoever takes over from nobody does so because something is to be done, not because something died.
        case .controllerRecovered(let event): if event.previous != nil { crashes.append(at) }
        default: break
        }
    }

    private mutating func beginIdle(_ at: Int64) {
        idlePeriods.append(IdlePeriod(began: at, pauses: isPaused ? [IdlePeriod.Pause(began: at)] : []))
    }

    /// Changes the idle period that lasts, if one does.
    private mutating func changeIdle(_ change: (inout IdlePeriod) -> Void) {
        guard let last = idlePeriods.indices.last, idlePeriods[last].ended == nil else { return }
        change(&idlePeriods[last])
    }

    private mutating func endIdle(_ end: IdlePeriod.End, _ at: Int64) {
        guard let last = idlePeriods.indices.last, idlePeriods[last].ended == nil else { return }
        idlePeriods[last].ended = at
        idlePeriods[last].end = end
        if end == .woken { idlePeriods[last].wantedAgain = at }
    }

    private mutating func enter(_ next: Condition?, _ at: Int64) {
        // A clock that was set back makes no time negative.
        if let condition, at > since { stretches.append(Stretch(condition: condition, began: since, ended: at)) }
        condition = next
        since = max(at, since)
    }
}

import EventLog
import Lifecycle

/// What became of a controller after a moment, in words: for a command that waited for something else.
struct ControllerTurn {
    /// How its last start ended, if it has.
    struct End {
        var wasUp: Bool
        /// Whether a deadline of its own did it, and no person.
        var isItsOwn: Bool
        var inWords: String
    }

    private let events: [RecordedEvent]
    private let state: ControllerState

    init(of controller: ControllerName, after position: Int, _ session: Session) throws(CommandFailure) {
        events = try session.read { (log) throws(LogFailure) in
            try log.events(after: position).filter { $0.controller == controller }
        }
        state = try session.read { (log) throws(LogFailure) in try log.state(of: controller) }
    }

    /// ` by ann@desk for llm`.
    var startedBy: String {
        let asked = events.last {
            switch $0.event {
            // The controller's own process goes on with what somebody asked for while it was stopping.
            case .controllerStarting: $0.component != "controller"
            case .controllerStartRequested: true
            default: false
            }
        }
        guard let asked else { return "" }
        return " by \(asked.stamp.actor)" + (asked.event.service.map { " for \($0)" } ?? "")
    }

    var terminatedBy: String {
        events.last { $0.event.type == .controllerTerminating }.map { " by \($0.stamp.actor)" } ?? ""
    }

    /// Nil while it is up, or on its way there.
    var end: End? {
        switch state.phase {
        case .absent, .starting, .up, .idle, .failed: return nil
        case .stopping, .stopped, .terminating, .terminated: break
        }
        let isUnderWay = state.needsProcess
        let wasUp = events.contains { $0.event.type == .controllerStarted }
        let last = events.last {
            $0.event.type == .controllerTerminating || $0.event.type == .controllerStopping
                || $0.event.type == .controllerStopped
        }
        let isGone = state.status == .terminating || state.status == .terminated
        let what = isGone ? "terminated" : "stopped"
        let isItsOwn: Bool
        switch last?.event {
        case .controllerTerminating(let event): isItsOwn = event.latenessMicroseconds != nil
        case .controllerStopping(let event): isItsOwn = event.reason == .idleDeadline
        case .controllerStopped(let event): isItsOwn = event.reason == .idleDeadline
        default: isItsOwn = false
        }
        guard isItsOwn else {
            return End(wasUp: wasUp, isItsOwn: false, inWords: what + (last.map { " by \($0.stamp.actor)" } ?? ""))
        }
        let window = events.reversed().lazy.compactMap { recorded -> Double? in
            if case .controllerIdle(let idle) = recorded.event { idle.idleTimeoutSeconds } else { nil }
        }.first
        let why =
            switch window {
            case 0?: "at once: its window is 0 and it has no service"
            case let seconds?: "since by its idle deadline: its window is \(TimeText.window(seconds: seconds))"
            case nil: "since by its own deadline"
            }
        let hooks = state.hooks.map(\.kind.rawValue).joined(separator: ", ")
        let wait = isUnderWay && !hooks.isEmpty ? "; it waits for its hook \(hooks)" : ""
        return End(
            wasUp: wasUp, isItsOwn: true, inWords: (isUnderWay ? "is being \(what)" : "was \(what)") + " \(why)\(wait)")
    }
}

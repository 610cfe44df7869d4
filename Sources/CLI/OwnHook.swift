import EventLog
import Lifecycle

/// The hook that a command is run by, of the controller that it is about. Stopping and terminating wait until every hook
/// has ended, so a command that waits for them within one would wait for itself.
struct OwnHook {
    let kind: HookKind

    /// - Returns: nil when the command is run by no hook of the controller, or by what one has left in the background.
    init?(_ state: ControllerState, environment: [String: String]) {
        guard environment["DWELL_CONTROLLER"] == state.name.rawValue,
            let kind = environment["DWELL_HOOK"].flatMap(HookKind.init(rawValue:)),
            let version = environment["DWELL_EVENT_VERSION"].flatMap(Int.init),
            state.hooks.contains(where: { $0.version == version && $0.kind == kind && $0.hasStarted })
        else { return nil }
        self.kind = kind
    }

    /// Whether the controller can begin to serve only once it has ended.
    var isBeforeStart: Bool {
        switch kind {
        case .stop, .terminate: true
        case .start, .idle, .wake: false
        }
    }

    /// For a sentence that says what comes.
    var whenItHasEnded: String { "once this hook (\(kind.rawValue)) has ended" }
}

extension Session {
    func ownHook(_ state: ControllerState) -> OwnHook? { OwnHook(state, environment: environment) }

    /// Refuses what would wait for a termination within a hook that the termination waits for.
    func refuseToWaitForOwnEnd(of controller: ControllerName) throws(CommandFailure) {
        let state = try read { (log) throws(LogFailure) in try log.state(of: controller) }
        guard let hook = ownHook(state), state.status == .terminating else { return }
        throw CommandFailure(
            "controller \(controller) is being terminated; it can be started \(hook.whenItHasEnded), and not by it")
    }
}

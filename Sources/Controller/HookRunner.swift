import Foundation
import Lifecycle
import Logging

/// Runs a hook, what it writes appended to the controller's `hooks.log`.
struct HookRunner: Sendable {
    let paths: ControllerPaths
    let logID: String
    let environment: [String: String]
    /// The event of that version, which a hook is for.
    let transition: @Sendable (Int) -> Event?
    /// The command and its limit in seconds, as `config.yaml` says now; nil when it says nothing any more.
    let command: @Sendable (HookKind) -> HookCommand?
    let logger: Logger

    func run(_ hook: PendingHook) async -> HookOutcome {
        guard let command = command(hook.kind) else {
            return .failed(reason: "config.yaml says nothing of a hook \(hook.kind.rawValue) any more")
        }
        var running = userCommand(hook)
        running.run = command.run
        running.timeoutSeconds = command.timeoutSeconds
        running.environment["DWELL_HOOK"] = hook.kind.rawValue
        running.environment["DWELL_CONTROLLER"] = paths.controller.rawValue
        running.environment["DWELL_HOME"] = paths.home.path
        running.environment["DWELL_EVENT_VERSION"] = String(hook.version)
        running.environment["DWELL_REASON"] = transition(hook.version).flatMap(Self.reason)
        switch await running.perform() {
        case .exited(let code): return .exited(code: code)
        case .timedOut: return .timedOut(seconds: command.timeoutSeconds)
        case .killed: return .interrupted
        case .failed(let reason): return .failed(reason: reason)
        }
    }

    /// Why it is stopped or terminated, in the words of a hook's environment; nil for other transitions.
    static func reason(_ event: Event) -> String? {
        switch event {
        case .controllerStopping(let event): event.reason.rawValue
        case .controllerTerminating(let event) where event.latenessMicroseconds == nil: StopReason.byHand.rawValue
        case .controllerTerminating(let event):
            event.idleVersion == nil ? "terminate_after" : StopReason.idleDeadline.rawValue
        default: nil
        }
    }

    /// Ends what is left of a run, whichever process began it.
    func end(_ hook: PendingHook) async {
        if let leftovers = await userCommand(hook).end() { logger.error("hook \(hook.kind.rawValue): \(leftovers)") }
    }

    private func userCommand(_ hook: PendingHook) -> UserCommand {
        UserCommand(
            run: "", timeoutSeconds: 0, countsGrace: true, environment: environment,
            mark: ProcessMark(logID: logID, controller: paths.controller, generation: hook.version),
            workingDirectory: paths.home.path, log: paths.hookLog,
            resultPath: paths.home.run + "/\(paths.controller)-hook-\(hook.version)")
    }
}

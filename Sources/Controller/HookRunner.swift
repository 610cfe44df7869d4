import Foundation
import Lifecycle
import Logging

/// Runs a hook, what it writes appended to the controller's `hooks.log`.
struct HookRunner: Sendable {
    let paths: ControllerPaths
    let logID: String
    let environment: [String: String]
    /// The command and its limit in seconds, as `config.yaml` says now; nil when it says nothing any more.
    let command: @Sendable (HookKind) -> HookCommand?
    let logger: Logger

    func run(_ hook: PendingHook, of state: ControllerState) async -> HookOutcome {
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
        switch state.phase {
        case .stopping(let stopping): running.environment["DWELL_REASON"] = stopping.reason.rawValue
        case .terminating where hook.kind == .stop:
            // It runs before the end only where an idle deadline leads to one.
            running.environment["DWELL_REASON"] = StopReason.idleDeadline.rawValue
        case .absent, .starting, .up, .idle, .stopped, .failed, .terminating, .terminated: break
        }
        switch await running.perform() {
        case .exited(let code): return .exited(code: code)
        case .timedOut: return .timedOut(seconds: command.timeoutSeconds)
        case .killed: return .interrupted
        case .failed(let reason): return .failed(reason: reason)
        }
    }

    /// Ends what is left of a run, whichever process began it.
    func end(_ hook: PendingHook) async {
        if let leftovers = await userCommand(hook).end() { logger.error("hook \(hook.kind.rawValue): \(leftovers)") }
    }

    private func userCommand(_ hook: PendingHook) -> UserCommand {
        UserCommand(
            run: "", timeoutSeconds: 0, environment: environment,
            mark: ProcessMark(logID: logID, controller: paths.controller, generation: hook.version),
            workingDirectory: paths.home.path, log: paths.hookLog,
            resultPath: paths.home.run + "/\(paths.controller)-hook-\(hook.version)")
    }
}

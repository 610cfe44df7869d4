import Foundation
import Lifecycle
import Logging

/// Runs a hook: bash, in a session of its own, what it writes appended to the controller's `hooks.log`.
struct HookRunner: Sendable {
    let paths: ControllerPaths
    let logID: String
    let environment: [String: String]
    /// The command and its limit in seconds, as `config.yaml` says now; nil when it says nothing any more.
    let command: @Sendable (HookKind) -> HookCommand?
    let logger: Logger

    /// How long a hook that is told to end may take before it is killed.
    private static let graceSeconds: Double = 2

    private static let wrapper = """
        run=$DWELL_HOOK_RUN
        unset DWELL_HOOK_RUN
        (eval "$run")
        echo $? > "$1"
        """

    func run(_ hook: PendingHook, of state: ControllerState) async -> HookOutcome {
        guard let command = command(hook.kind) else {
            return .failed(reason: "config.yaml says nothing of a hook \(hook.kind.rawValue) any more")
        }
        // How it ended is read from a file, for nobody waits for children.
        let result = resultPath(of: hook)
        defer { unlink(result) }
        var environment = environment
        environment["DWELL_HOOK"] = hook.kind.rawValue
        environment["DWELL_CONTROLLER"] = paths.controller.rawValue
        environment["DWELL_HOME"] = paths.home.path
        environment["DWELL_EVENT_VERSION"] = String(hook.version)
        if case .stopping(let stopping) = state.phase { environment["DWELL_REASON"] = stopping.reason.rawValue }
        // Not in its arguments, which every user of the machine can read.
        environment["DWELL_HOOK_RUN"] = command.run
        do {
            let pid = try Spawn(
                executable: "bash",
                arguments: ["bash", "-c", Self.wrapper, "dwell-hook", result],
                environment: environment, mark: mark(of: hook), workingDirectory: paths.home.path, log: paths.hookLog
            ).start()
            let process = ProcessIdentity(
                pid: pid, startTicks: ProcessTable.entry(of: pid)?.startTicks ?? 0, boot: Boot.current)
            return await wait(for: process, hook, command, result)
        } catch {
            return .failed(reason: "\(error)")
        }
    }

    /// Ends what is left of a run, whichever process began it.
    func end(_ hook: PendingHook) async {
        defer { unlink(resultPath(of: hook)) }
        if let leftovers = await tree(of: hook).end(gracePeriodSeconds: Self.graceSeconds) {
            logger.error("hook \(hook.kind.rawValue): \(leftovers)")
        }
    }

    /// Known by a mark as what belongs to a replica is, so that a controller process that takes over ends what of an
    /// earlier one's hooks is left, and what a hook starts with `dwell` is not taken for the hook's own.
    private func tree(of hook: PendingHook) -> ProcessTree { ProcessTree(mark: mark(of: hook)) }

    private func resultPath(of hook: PendingHook) -> String {
        paths.home.run + "/\(paths.controller)-hook-\(hook.version)"
    }

    private func mark(of hook: PendingHook) -> ProcessMark {
        ProcessMark(logID: logID, controller: paths.controller, generation: hook.version)
    }

    private func wait(
        for process: ProcessIdentity, _ hook: PendingHook, _ command: HookCommand, _ result: String
    ) async -> HookOutcome {
        let isOver = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await process.waitUntilEnded()
                return !Task.isCancelled
            }
            group.addTask {
                try? await Task.sleep(for: .seconds(command.timeoutSeconds))
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
        if !isOver {
            await end(hook)
            return .timedOut(seconds: command.timeoutSeconds)
        }
        guard let text = try? String(contentsOfFile: result, encoding: .utf8),
            let code = Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
        else { return .failed(reason: "it was killed") }
        return .exited(code: code)
    }
}

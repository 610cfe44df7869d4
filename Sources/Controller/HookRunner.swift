import Foundation
import Lifecycle

/// Runs a hook: bash, in a session of its own, what it writes appended to the controller's `hooks.log`.
struct HookRunner: Sendable {
    let paths: ControllerPaths
    let environment: [String: String]
    /// The command and its limit in seconds, as `config.yaml` says now; nil when it says nothing any more.
    let command: @Sendable (HookKind) -> HookCommand?

    /// How long a hook that is told to end may take before it is killed.
    private static let graceSeconds: Double = 2

    func run(_ hook: PendingHook, of state: ControllerState) async -> HookOutcome {
        guard let command = command(hook.kind) else {
            return .failed(reason: "config.yaml says nothing of a hook \(hook.kind.rawValue) any more")
        }
        // How it ended is read from a file, for nobody waits for children.
        let result = paths.home.run + "/\(paths.controller)-hook-\(hook.version)"
        defer { unlink(result) }
        var environment = environment
        environment["DWELL_HOOK"] = hook.kind.rawValue
        environment["DWELL_CONTROLLER"] = paths.controller.rawValue
        environment["DWELL_HOME"] = paths.home.path
        environment["DWELL_EVENT_VERSION"] = String(hook.version)
        environment[Self.variable] = identity(of: hook)
        if case .stopping(let stopping) = state.phase { environment["DWELL_REASON"] = stopping.reason.rawValue }
        do {
            let pid = try Spawn(
                executable: "bash",
                arguments: ["bash", "-c", "(eval \"$1\"); echo $? > \"$2\"", "dwell-hook", command.run, result],
                environment: environment, workingDirectory: paths.home.path, log: paths.hookLog
            ).start()
            let process = ProcessIdentity(
                pid: pid, startTicks: ProcessTable.entry(of: pid)?.startTicks ?? 0, boot: Boot.current)
            return await wait(for: process, hook, command, result)
        } catch {
            return .failed(reason: "\(error)")
        }
    }

    /// Ends what is left of a run, whichever process began it: whoever has inherited its name.
    func end(_ hook: PendingHook) async {
        let limit = ContinuousClock.now + .seconds(Self.graceSeconds)
        var left = processes(of: hook)
        for pid in left { kill(pid, SIGTERM) }
        while !left.isEmpty, ContinuousClock.now < limit {
            try? await Task.sleep(for: .milliseconds(20))
            left = processes(of: hook)
        }
        for pid in left { kill(pid, SIGKILL) }
    }

    /// In the environment of a hook and of all that it starts.
    private static let variable = "DWELL_HOOK_RUN"

    private func identity(of hook: PendingHook) -> String { "\(paths.home.path)/\(paths.controller)/\(hook.version)" }

    private func processes(of hook: PendingHook) -> [pid_t] {
        let identity = identity(of: hook)
        return ProcessTable.pids().filter {
            ProcessTable.environment(of: $0, Self.variable) == identity && ProcessTable.entry(of: $0)?.isAlive == true
        }
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

/// A hook as `config.yaml` says it.
public struct HookCommand: Hashable, Sendable {
    /// For bash.
    public var run: String
    public var timeoutSeconds: Double

    public init(run: String, timeoutSeconds: Double) {
        self.run = run
        self.timeoutSeconds = timeoutSeconds
    }
}

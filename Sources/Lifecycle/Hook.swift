/// A command of the user's that runs when something happens to a controller. The command itself is in `config.yaml`
/// and never in the log; the log knows which there are, and what became of each run.
public enum HookKind: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
    /// It has begun to serve.
    case start
    /// Its last service is gone.
    case idle
    /// A service has come while it was idle.
    case wake
    /// Everything it held is freed; it is stopped once the hook has ended.
    case stop
    /// The same, for good (SkyPilot's event `down`).
    case terminate

    public static func < (a: HookKind, b: HookKind) -> Bool { a.rawValue < b.rawValue }
}

/// What a hook runs, as `config.yaml` says it.
public struct HookCommand: Hashable, Sendable {
    /// For bash.
    public var run: String
    public var timeoutSeconds: Double

    public init(run: String, timeoutSeconds: Double) {
        self.run = run
        self.timeoutSeconds = timeoutSeconds
    }
}

/// A hook that a transition calls for, from the transition until the hook has ended.
public struct PendingHook: Hashable, Sendable, Codable {
    public var kind: HookKind
    /// Stream version of the event it is for: the transition, which has one run at most.
    public var version: Int
    /// Whether it has begun to run. One that has is never begun again, whatever became of it.
    public var hasStarted = false
}

/// What became of a hook.
public enum HookOutcome: Hashable, Sendable, Codable {
    case exited(code: Int)
    case timedOut(seconds: Double)
    /// It could not be started.
    case failed(reason: String)
    /// It was killed, or the controller process or the machine ended, while it ran. It is not run again.
    case interrupted

    public var inWords: String {
        switch self {
        case .exited(let code): "exited with code \(code)"
        case .timedOut(let seconds): "had not ended after \(seconds) s and was killed"
        case .failed(let reason): "could not be run: \(reason)"
        case .interrupted: "was interrupted, and is not run again"
        }
    }
}

/// A hook begins to run. Recorded before it does, so that it runs once at most.
public struct ControllerHookStarted: Hashable, Sendable, Codable {
    public var hook: HookKind
    /// Stream version of the event it is for.
    public var of: Int
}

public struct ControllerHookEnded: Hashable, Sendable, Codable {
    public var hook: HookKind
    /// Stream version of the event it is for.
    public var of: Int
    public var outcome: HookOutcome
}

extension Decision {
    mutating func hookStarted(_ version: Int) {
        guard let hook = state.hooks.first(where: { $0.version == version }), !hook.hasStarted else { return }
        record(.controllerHookStarted(ControllerHookStarted(hook: hook.kind, of: version)))
    }

    mutating func hookEnded(_ version: Int, _ outcome: HookOutcome) {
        guard let hook = state.hooks.first(where: { $0.version == version }) else { return }
        record(.controllerHookEnded(ControllerHookEnded(hook: hook.kind, of: version, outcome: outcome)))
    }
}

extension ControllerState {
    /// Hooks that can run now: those for an end only once nothing is left that they would take away, other hooks
    /// that still run among it.
    var hooksToRun: [PendingHook] {
        hooks.filter { hook in
            switch hook.kind {
            case .start, .idle, .wake: return true
            case .stop, .terminate:
                // One that had begun as the controller was told to terminate is seen to its end all the same.
                if hook.hasStarted { return true }
                guard hook == hooks.first else { return false }
                if case .terminating = phase { return services.isEmpty }
                if case .stopping = phase { return hook.kind == .stop && isEmptyHanded }
                return false
            }
        }
    }

    /// A transition calls for a hook, if there is one of the kind.
    mutating func call(_ kind: HookKind, for version: Int) {
        guard policy.hooks?.contains(kind) == true else { return }
        hooks.append(PendingHook(kind: kind, version: version))
    }

    mutating func apply(_ event: ControllerHookStarted) {
        guard let index = hooks.firstIndex(where: { $0.version == event.of }) else { return }
        hooks[index].hasStarted = true
    }

    mutating func apply(_ event: ControllerHookEnded) { hooks.removeAll { $0.version == event.of } }
}

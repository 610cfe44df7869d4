import EventLog
import Lifecycle
import ServiceFile

/// Who has said each value of a controller's autostop, in the words of `config.yaml`.
struct PolicySources {
    private let row: ControllerRow
    /// What the tables do not hold of it; nil where that is not known.
    private let policy: AutostopPolicy?
    private let configuration: Configuration?

    init(_ row: ControllerRow, _ policy: AutostopPolicy?, _ configuration: Configuration?) {
        self.row = row
        self.policy = policy
        self.configuration = configuration
    }

    /// Each value, and its source.
    var all: [String] {
        var said = [
            "idle window: \(profiled(.window, row.policySource))", "down: \(profiled(.down, row.downSource))",
            "terminate_after: \(profiled(.terminateAfter, row.terminateAfterSource))",
        ]
        guard let policy else { return said }
        let schedule = schedule(policy)
        said.append("keep_warm: \(text(schedule.keepWarm))")
        said.append("stop_at: \(text(schedule.stopAt))")
        let interval = policy.minStartIntervalSeconds
        let window = interval.map { " " + TimeText.window(seconds: $0.value) } ?? ""
        said.append("min_start_interval\(window): \(text(interval?.source))")
        said.append("wait_for: \(text(policy.waitFor?.source))")
        return said + hooks(policy)
    }

    private func text(_ source: PolicySource?) -> String { (source ?? .standard).rawValue }

    /// A source, and the profile that says the value there.
    private func profiled(_ value: ProfileValue, _ source: String?) -> String {
        let source = source ?? PolicySource.standard.rawValue
        guard let name = ControllerName(rawValue: row.name), let configuration, let policy,
            let profile = configuration.profile(of: value, for: name),
            isInForce(value, configuration.policy(for: name), policy)
        else { return source }
        return "\(source) (profile \(profile))"
    }

    /// Whether the file says of a value what the log does: it may have been changed since.
    private func isInForce(_ value: ProfileValue, _ file: AutostopPolicy, _ policy: AutostopPolicy) -> Bool {
        switch value {
        case .window: file.idleTimeoutSeconds == policy.idleTimeoutSeconds && file.source == policy.source
        case .down: file.down == policy.down
        case .terminateAfter: file.terminateAfterSeconds == policy.terminateAfterSeconds
        }
    }

    /// An empty list was said where the other one is empty too, or was said by somebody else.
    private func schedule(_ policy: AutostopPolicy) -> (keepWarm: PolicySource?, stopAt: PolicySource?) {
        guard let schedule = policy.schedule else { return (nil, nil) }
        let (warm, stops) = (schedule.value.keepWarm, schedule.value.stopAt)
        let areTwo = policy.stopAtSource != nil
        return (
            !warm.isEmpty || stops.isEmpty || areTwo ? schedule.source : nil,
            !stops.isEmpty || warm.isEmpty || areTwo ? policy.stopAtSource ?? schedule.source : nil
        )
    }

    private func hooks(_ policy: AutostopPolicy) -> [String] {
        guard let kinds = policy.hooks, !kinds.isEmpty else { return ["hooks: \(PolicySource.standard.rawValue)"] }
        let name = ControllerName(rawValue: row.name)
        return kinds.map { kind in
            guard let name, let configuration else { return "hook \(kind.rawValue): config.yaml" }
            guard let source = configuration.source(of: kind, for: name),
                let command = configuration.hooks(for: name)[kind]
            else { return "hook \(kind.rawValue): config.yaml says nothing of it any more" }
            return "hook \(kind.rawValue) (timeout \(TimeText.window(seconds: command.timeoutSeconds))): \(source)"
        }
    }
}

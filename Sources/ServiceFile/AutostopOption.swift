import Lifecycle

/// What a command line says of when a controller stops, in the words of `autostop` in `config.yaml`.
public enum AutostopOption {
    /// `false`, `10`, `90s`, `{idle_minutes: 10, down: true, wait_for: none}`.
    public static func rule(_ text: String) throws(OptionFailure) -> Configuration.IdleRule {
        switch text {
        case "false", "never": return .never
        case "true": return AutostopValue.standard
        case _ where text.hasPrefix("{"): return try section(text)
        default: return .after(seconds: try IdleWindow.parse(text))
        }
    }

    /// A time, or `false` or `never`.
    public static func window(_ text: String) throws(OptionFailure) -> Configuration.IdleRule.Window {
        text == "false" || text == "never" ? .never : .after(seconds: try IdleWindow.parse(text))
    }

    /// `dev`, `prod` or `batch`.
    public static func profile(_ name: String) throws(OptionFailure) -> Configuration.IdleRule {
        guard let rule = AutostopValue.profiles[name] else {
            throw OptionFailure("a profile must be dev, prod or batch, not \"\(name.shortened)\"")
        }
        return rule
    }

    /// SkyPilot's `jobs`, `jobs_and_ssh` and `none`: names of what is asked.
    public static func waitFor(_ text: String) throws(OptionFailure) -> [String] {
        switch text {
        // A controller waits for its services, which are all the jobs it has.
        case "jobs", "none": return []
        case "jobs_and_ssh", "ssh": return [UseProbe.sshName]
        default:
            throw OptionFailure(
                "what to wait for must be jobs, jobs_and_ssh or none, not \"\(text.shortened)\"; commands and URLs to ask "
                    + "are for autostop.wait_for in config.yaml")
        }
    }

    private static func section(_ text: String) throws(OptionFailure) -> Configuration.IdleRule {
        let findings = Findings()
        let rule: Configuration.IdleRule?
        do throws(ReadFailure) {
            guard let root = try YAMLReader.read("autostop: " + text), case .map(let entries) = root.content,
                entries.count == 1
            else { throw ReadFailure("must be one section, such as {idle_minutes: 10, down: true}") }
            rule = AutostopValue.read(Section(root, path: "", findings: findings))
        } catch {
            throw OptionFailure("\"\(text.shortened)\": \(error.message)")
        }
        if let problem = findings.problems.first {
            throw OptionFailure([problem.key, problem.message].compactMap { $0 }.joined(separator: ": "))
        }
        guard let rule else { throw OptionFailure("\"\(text.shortened)\" says nothing") }
        // The log holds no commands, and the whole week is more than a line.
        if rule.hook != nil { throw inFile("hook") }
        if rule.keepWarm != nil { throw inFile("keep_warm") }
        if rule.stopAt != nil { throw inFile("stop_at") }
        if rule.useProbes.values.contains(where: { $0.question != .sshSessions }) { throw inFile("wait_for") }
        return rule
    }

    /// What is said in `config.yaml` only.
    public static func inFile(_ key: String) -> OptionFailure {
        let what =
            switch key {
            case "hook", "hook_timeout": "a hook's command is kept out of the log, and so is for config.yaml"
            case "wait_for": "how something is asked is kept out of the log, and so is for config.yaml"
            default: "times of the week are for config.yaml"
            }
        return OptionFailure("\(key): \(what): write it there, as controllers.NAME.autostop.\(key)")
    }
}

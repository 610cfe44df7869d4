import Lifecycle

/// `autostop` in all the forms SkyPilot knows: `false`, `true`, `10` (minutes), `"90s"`,
/// `{idle_minutes: 10, …}`.
enum AutostopValue {
    static func read(_ section: Section) -> Configuration.IdleRule? {
        guard let entry = section.entry("autostop") else { return nil }
        do throws(OptionFailure) {
            switch entry.value.content {
            case .bool(false), .string("never"): return .never
            case .bool(true): return standard
            case .number(let minutes, _): return .after(seconds: try IdleWindow.parse(minutes: minutes))
            case .string(let text): return .after(seconds: try IdleWindow.parse(text))
            case .map: return try section.section("autostop").flatMap(read(parts:))
            case .null, .list:
                section.problem(
                    "must be false, minutes, or a time such as \"90s\", not \(entry.value.inWords)", key: "autostop")
                return nil
            }
        } catch {
            section.problem(error.description, key: "autostop")
            return nil
        }
    }

    private static let keys = [
        "profile", "idle_minutes", "idle", "down", "terminate_after", "keep_warm", "stop_at", "wait_for", "hook",
        "hook_timeout",
    ]

    /// Keys of the section, and where they belong when they stand beside it or outside of everything.
    static func misplaced(in section: String) -> [String: String] {
        Dictionary(uniqueKeysWithValues: keys.map { ($0, section) })
    }

    /// What suits three ways of working; whatever else is said in the section goes before it.
    static let profiles: [String: Configuration.IdleRule] = [
        // Stopped by hand as a rule, and after ten minutes when that is forgotten; forgotten for a week, it goes.
        "dev": Configuration.IdleRule(
            window: .after(seconds: 600), down: false, terminateAfter: .after(seconds: 604_800)),
        // Warm for the next deployment.
        "prod": Configuration.IdleRule(window: .after(seconds: 600), down: false, terminateAfter: .never),
        // Paid for as long as there is work.
        "batch": Configuration.IdleRule(window: .after(seconds: 0), down: true),
    ]

    static var standard: Configuration.IdleRule {
        .after(seconds: AutostopPolicy.standard.idleTimeoutSeconds ?? 600)
    }

    private static func read(parts: Section) throws(OptionFailure) -> Configuration.IdleRule? {
        parts.refuseUnknownKeys(
            known: keys, elsewhere: ["min_start_interval": String(parts.path.dropLast(".autostop".count))])
        // SkyPilot takes a section without idle_minutes for 0; what people mean is the default.
        var rule = Configuration.IdleRule()
        if parts.has("profile") {
            let name = parts.string("profile", wanted: "dev, prod or batch") ?? ""
            if let profile = profiles[name] {
                rule = profile
                rule.profile = name
                rule.profileValues = Set(ProfileValue.allCases.filter(profile.says))
                if parts.has("idle") || parts.has("idle_minutes") { rule.profileValues.remove(.window) }
                if parts.has("down") { rule.profileValues.remove(.down) }
                if parts.has("terminate_after") { rule.profileValues.remove(.terminateAfter) }
            } else if !name.isEmpty {
                parts.problem("must be dev, prod or batch, not \"\(name.shortened)\"", key: "profile")
            }
        }
        if let down = parts.bool("down") { rule.down = down }
        if parts.has("hook") {
            let timeout = Hooks.timeout(parts, "hook_timeout")
            rule.hook = parts.command("hook").map { HookCommand(run: $0, timeoutSeconds: timeout) }
        } else if parts.has("hook_timeout") {
            parts.problem("belongs to a `hook`", key: "hook_timeout")
        }
        if parts.has("wait_for") {
            let probes = WaitForValue.read(parts)
            rule.waitFor = probes.map(\.name)
            rule.useProbes = Dictionary(probes.map { ($0.name, $0.probe) }) { first, _ in first }
        }
        if parts.has("keep_warm") { rule.keepWarm = keepWarm(parts) }
        if parts.has("stop_at") { rule.stopAt = stopAt(parts) }
        if parts.has("terminate_after") { rule.terminateAfter = try window(parts, "terminate_after") }
        if parts.has("idle"), parts.has("idle_minutes") {
            parts.problem("says the same as idle_minutes; keep one of them", key: "idle")
        }
        if parts.has("idle") { rule.window = try window(parts, "idle") }
        if rule.window == .never, rule.stopAt?.isEmpty == false {
            parts.problem(
                "stops nothing whose idle is false; say how long it may be idle, such as idle: 7d", key: "stop_at")
        }
        guard let entry = parts.entry("idle_minutes") else { return rule }
        guard case .number(let minutes, _) = entry.value.content else {
            parts.problem("must be a number of minutes, not \(entry.value.inWords)", key: "idle_minutes")
            return nil
        }
        do throws(OptionFailure) {
            rule.window = .after(seconds: try IdleWindow.parse(minutes: minutes))
        } catch {
            parts.problem(error.description, key: "idle_minutes")
        }
        return rule
    }

    private static func keepWarm(_ parts: Section) -> [WeeklyWindow] {
        var windows: [WeeklyWindow] = []
        for text in parts.texts("keep_warm", wanted: "a list such as [\"Mon-Fri 08:00-22:00\"]") {
            do throws(OptionFailure) {
                windows.append(try ScheduleText.window(text))
            } catch {
                parts.problem(error.description, key: "keep_warm")
            }
        }
        return windows
    }

    private static func stopAt(_ parts: Section) -> [WeeklyMoment] {
        var moments: [WeeklyMoment] = []
        for text in parts.texts("stop_at", wanted: "a list such as [\"22:00\"]") {
            do throws(OptionFailure) {
                moments.append(try ScheduleText.moment(text))
            } catch {
                parts.problem(error.description, key: "stop_at")
            }
        }
        return moments
    }

    /// `false` or `never`, minutes, or a time such as `7d`.
    private static func window(
        _ parts: Section, _ key: String
    ) throws(OptionFailure) -> Configuration.IdleRule.Window? {
        guard let entry = parts.entry(key) else { return nil }
        do throws(OptionFailure) {
            switch entry.value.content {
            case .bool(false), .string("never"): return .never
            case .number(let minutes, _): return .after(seconds: try IdleWindow.parse(minutes: minutes))
            case .string(let text): return .after(seconds: try IdleWindow.parse(text))
            case .bool(true), .map, .null, .list:
                parts.problem("must be false, minutes, or a time such as \"7d\", not \(entry.value.inWords)", key: key)
            }
        } catch {
            parts.problem(error.description, key: key)
        }
        return nil
    }
}

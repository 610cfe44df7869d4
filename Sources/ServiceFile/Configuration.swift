import Foundation
import Lifecycle

/// `config.yaml`: what the user has decided beforehand.
///
///     serve:
///       controller:
///         autostop: 10m        # SkyPilot's place and forms
///     controllers:
///       prod:
///         autostop: false      # this controller's own
///     load_balancer:
///       host: 127.0.0.1        # 0.0.0.0 lets other machines in
///       ports: 30001-32767     # a range of its own, for a firewall's sake
public struct Configuration: Hashable, Sendable {
    /// `serve.controller.autostop`; nil when the file does not say.
    public private(set) var standard: IdleRule?
    /// `controllers.NAME.autostop`.
    public private(set) var controllers: [ControllerName: IdleRule] = [:]

    /// `serve.controller.min_start_interval` and `controllers.NAME.min_start_interval`, seconds.
    private var minStartInterval: Double?
    private var minStartIntervals: [ControllerName: Double] = [:]

    /// `hooks` for all controllers, and `controllers.NAME.hooks`.
    private var hooks = Hooks()
    private var controllerHooks: [ControllerName: Hooks] = [:]

    /// `notify`: who is told what happens.
    public private(set) var receivers: [NoticeReceiver] = []

    public private(set) var loadBalancer = LoadBalancerAddress()

    /// Where load balancers listen.
    public struct LoadBalancerAddress: Hashable, Sendable {
        /// An IPv4 address of this machine; loopback unless told otherwise.
        public var host = "127.0.0.1"
        /// From 30001, as in SkyServe, to below the kernel's ephemeral range.
        public var ports: ClosedRange<UInt16> = 30_001...32_767
    }

    /// Sentences about what is accepted and does nothing here.
    public private(set) var notes: [String] = []

    /// What an `autostop` says. What is nil it does not say.
    public struct IdleRule: Hashable, Sendable {
        public enum Window: Hashable, Sendable {
            case never
            case after(seconds: Double)
        }

        public var window: Window?
        /// Terminate instead of stop.
        public var down: Bool?
        /// How long a controller may stay stopped before it is terminated.
        public var terminateAfter: Window?
        /// SkyPilot's `hook`: it runs when the controller stops.
        public var hook: HookCommand?
        public var keepWarm: [WeeklyWindow]?
        public var stopAt: [WeeklyMoment]?
        /// `wait_for`, in order.
        public var waitFor: [String]?
        var useProbes: [String: UseProbe] = [:]
        /// `profile`, and which of the values it is that says them.
        var profile: String?
        var profileValues: Set<ProfileValue> = []

        public init() {}

        init(window: Window? = nil, down: Bool? = nil, terminateAfter: Window? = nil) {
            (self.window, self.down, self.terminateAfter) = (window, down, terminateAfter)
        }

        static func after(seconds: Double) -> IdleRule { IdleRule(window: .after(seconds: seconds)) }
        public static let never = IdleRule(window: .never)
    }

    public init() {}

    /// Reads the file; one that does not exist says nothing.
    ///
    /// - Throws: ``FileProblems``, with everything that is wrong.
    public static func load(path: String) throws(FileProblems) -> Configuration { try loadWithText(path: path).0 }

    /// The same, and the text that says so; nil where there is no file.
    ///
    /// - Throws: ``FileProblems``, with everything that is wrong.
    public static func loadWithText(path: String) throws(FileProblems) -> (Configuration, String?) {
        guard access(path, F_OK) == 0 || errno != ENOENT else { return (Configuration(), nil) }
        let findings = Findings()
        var configuration = Configuration()
        var text: String?
        do throws(ReadFailure) {
            let read = try FileText.read(path)
            text = read
            if let root = try YAMLReader.read(read), root.content != .null {
                guard case .map = root.content else {
                    throw ReadFailure("must be a section of `key: value` lines, not \(root.inWords)", line: root.line)
                }
                configuration.read(Section(root, path: "", findings: findings))
                configuration.notes = findings.notes
            }
        } catch {
            findings.problem(error.message, at: error.line)
        }
        guard findings.problems.isEmpty else { throw FileProblems(file: path, problems: findings.problems) }
        return (configuration, text)
    }

    /// `notify` alone, for whoever looks often: a file that does not speak of it is not taken apart.
    ///
    /// - Throws: ``FileProblems``.
    public static func receivers(path: String) throws(FileProblems) -> [NoticeReceiver] {
        guard let bytes = FileManager.default.contents(atPath: path),
            bytes.range(of: Data("notify".utf8)) != nil
        else { return [] }
        return try load(path: path).receivers
    }

    /// The policy for a controller, and where it comes from.
    public func policy(for controller: ControllerName) -> AutostopPolicy {
        var policy = AutostopPolicy.standard
        standard?.change(&policy, .serveController)
        controllers[controller]?.change(&policy, .controllers)
        policy.minStartIntervalSeconds =
            minStartIntervals[controller].map { .init($0, .controllers) }
            ?? minStartInterval.map { .init($0, .serveController) }
        let kinds = hooks(for: controller).keys.sorted()
        policy.hooks = kinds.isEmpty ? nil : kinds
        return policy
    }

    /// The hooks of a controller: its own before those for all.
    public func hooks(for controller: ControllerName) -> [HookKind: HookCommand] {
        var all = hooks.byKind
        if let hook = standard?.hook { all[.stop] = hook }
        if let hook = controllers[controller]?.hook { all[.stop] = hook }
        all.merge(controllerHooks[controller]?.byKind ?? [:]) { _, own in own }
        return all
    }

    /// Which profile says a value of a controller's policy; nil when it is said by itself, or not at all.
    public func profile(of value: ProfileValue, for controller: ControllerName) -> String? {
        let rule = [controllers[controller], standard].lazy.compactMap(\.self).first { $0.says(value) }
        return rule?.profileValues.contains(value) == true ? rule?.profile : nil
    }

    /// Where the hook of a controller is said.
    public func source(of hook: HookKind, for controller: ControllerName) -> String? {
        if controllerHooks[controller]?.byKind[hook] != nil { return "controllers" }
        if hook == .stop {
            if controllers[controller]?.hook != nil { return "controllers, autostop.hook" }
            if standard?.hook != nil { return "serve.controller, autostop.hook" }
        }
        return hooks.byKind[hook] == nil ? nil : "hooks"
    }

    /// How a controller is asked whether it is used: as it says itself, or as is said for all.
    public func useProbes(for controller: ControllerName) -> [String: UseProbe] {
        let own = controllers[controller].flatMap { $0.waitFor == nil ? nil : $0.useProbes }
        return own ?? standard?.useProbes ?? [:]
    }

    private mutating func read(_ file: Section) {
        file.refuseUnknownKeys(
            known: ["serve", "controllers", "load_balancer", "hooks", "notify"],
            elsewhere: AutostopValue.misplaced(in: "serve.controller.autostop").merging(
                ["autostop": "serve.controller", "controller": "serve"]) { $1 })
        if let serve = file.section("serve") {
            serve.refuseUnknownKeys(known: ["controller"], elsewhere: ["autostop": "serve.controller"])
            if let controller = serve.section("controller") {
                controller.refuseUnknownKeys(
                    known: ["autostop", "resources", "min_start_interval", "high_availability"],
                    elsewhere: AutostopValue.misplaced(in: "autostop"))
                if controller.has("high_availability") {
                    file.findings.note(
                        "serve.controller.high_availability does nothing: a controller process that dies is always replaced"
                    )
                }
                if controller.has("resources") {
                    file.findings.note("serve.controller.resources does nothing: the controller runs on this machine")
                }
                standard = AutostopValue.read(controller)
                minStartInterval = Self.interval(controller)
            }
        }
        if let section = file.section("load_balancer") { loadBalancer = LoadBalancerAddress(section) }
        if let section = file.section("hooks") { hooks = Hooks(section) }
        if hooks.byKind[.stop] != nil, standard?.hook != nil {
            file.section("serve")?.section("controller")?.section("autostop")?
                .problem("says the same as hooks.stop; keep one of them", key: "hook")
        }
        if file.has("notify") { receivers = NotifyValue.read(file) }
        guard let section = file.section("controllers") else { return }
        for entry in section.entries {
            guard let name = ControllerName(rawValue: entry.key) else {
                section.problem(
                    "cannot be the name of a controller: names are \(NameRule.inWords)", key: entry.key.shortened,
                    at: entry.keyLine)
                continue
            }
            guard let controller = section.section(entry.key) else { continue }
            controller.refuseUnknownKeys(
                known: ["autostop", "hooks", "min_start_interval"], elsewhere: AutostopValue.misplaced(in: "autostop"))
            controllers[name] = AutostopValue.read(controller)
            minStartIntervals[name] = Self.interval(controller)
            if let section = controller.section("hooks") { controllerHooks[name] = Hooks(section) }
            if controllerHooks[name]?.byKind[.stop] != nil, controllers[name]?.hook != nil {
                controller.section("autostop")?
                    .problem("says the same as \(controller.fullKey("hooks")).stop; keep one of them", key: "hook")
            }
        }
    }

    /// A day is more than anybody can mean by it.
    private static let longestMinStartIntervalSeconds: Double = 86_400

    private static func interval(_ section: Section) -> Double? {
        let key = "min_start_interval"
        let wanted = "a time of a day at most, such as 60s, or 0 for none"
        guard let seconds = section.duration(key, unitSeconds: 1, wanted: wanted) else { return nil }
        if seconds > longestMinStartIntervalSeconds { section.problem("must be \(wanted)", key: key) }
        return seconds
    }
}

/// What a profile may say.
public enum ProfileValue: Hashable, Sendable, CaseIterable {
    case window, down, terminateAfter
}

extension Configuration.IdleRule {
    func says(_ value: ProfileValue) -> Bool {
        switch value {
        case .window: window != nil
        case .down: down != nil
        case .terminateAfter: terminateAfter != nil
        }
    }

    /// Puts what it says in the place of what was said elsewhere.
    public func change(_ policy: inout AutostopPolicy, _ source: PolicySource) {
        switch window {
        case .never: (policy.idleTimeoutSeconds, policy.source) = (nil, source)
        case .after(let seconds): (policy.idleTimeoutSeconds, policy.source) = (seconds, source)
        case nil: break
        }
        if let down { policy.down = AutostopPolicy.Said(down, source) }
        if let waitFor { policy.waitFor = AutostopPolicy.Said(waitFor, source) }
        policy.say(keepWarm: keepWarm, stopAt: stopAt, source)
        switch terminateAfter {
        case .never: policy.terminateAfterSeconds = AutostopPolicy.Said(nil, source)
        case .after(let seconds): policy.terminateAfterSeconds = AutostopPolicy.Said(seconds, source)
        case nil: break
        }
    }
}

extension Configuration.LoadBalancerAddress {
    fileprivate init(_ section: Section) {
        section.refuseUnknownKeys(known: ["host", "ports"])
        if let host = section.string("host", wanted: "an address such as 127.0.0.1") {
            var address = in_addr()
            if inet_pton(AF_INET, host, &address) == 1 {
                self.host = host
            } else {
                section.problem("must be an IPv4 address such as 127.0.0.1, not \"\(host.shortened)\"", key: "host")
            }
        }
        if section.has("ports") {
            if let range = section.portRange("ports") {
                ports = range
            } else {
                section.problem("must be a range of ports such as 30001-30020", key: "ports")
            }
        }
    }
}

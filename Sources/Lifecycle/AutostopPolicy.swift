/// When an idle controller stops by itself. The policy is state in the log, not an argument of
/// whoever started the controller, so no restart can lose it (SkyPilot #1447, #1453).
public struct AutostopPolicy: Hashable, Sendable, Codable {
    /// Idle seconds before the controller stops; nil for never; 0 for at once.
    public var idleTimeoutSeconds: Double?
    /// Where that value came from.
    public var source: PolicySource
    /// Whether it is terminated then and not only stopped; nil where nobody has said.
    public var down: Said<Bool>?
    /// Seconds after which a controller that stays stopped is terminated; a value of nil for never, nil where
    /// nobody has said.
    public var terminateAfterSeconds: Said<Double?>?
    /// Which hooks the configuration has, sorted; nil for none.
    public var hooks: [HookKind]?
    /// Times at which idleness does not count, and at which it is enough, and who has said the former; nil where
    /// nobody has said either.
    public var schedule: Said<Schedule>?
    /// Who has said at which times it is enough, where that is somebody else.
    public var stopAtSource: PolicySource?
    /// Names of what is asked whether the controller is used, besides by services; nil where nobody has said.
    public var waitFor: Said<[String]>?

    /// Seconds from one start to the next at least; nil where nobody has said.
    public var minStartIntervalSeconds: Said<Double>?

    /// A value, and who said so.
    public struct Said<Value: Hashable & Sendable & Codable>: Hashable, Sendable, Codable {
        public var value: Value
        public var source: PolicySource

        public init(_ value: Value, _ source: PolicySource) {
            self.value = value
            self.source = source
        }
    }

    public init(
        idleTimeoutSeconds: Double?, source: PolicySource, down: Said<Bool>? = nil,
        terminateAfterSeconds: Said<Double?>? = nil, hooks: [HookKind]? = nil, schedule: Said<Schedule>? = nil,
        stopAtSource: PolicySource? = nil, waitFor: Said<[String]>? = nil, minStartIntervalSeconds: Said<Double>? = nil
    ) {
        self.minStartIntervalSeconds = minStartIntervalSeconds
        self.waitFor = waitFor
        self.hooks = hooks
        self.schedule = schedule
        self.stopAtSource = stopAtSource
        self.idleTimeoutSeconds = idleTimeoutSeconds
        self.source = source
        self.down = down
        self.terminateAfterSeconds = terminateAfterSeconds
    }

    /// This policy, but what was said on the command line of `earlier` goes before what was not, value by value.
    func keepingCommandLine(of earlier: AutostopPolicy) -> AutostopPolicy {
        var policy = self
        if earlier.source == .commandLine, source != .commandLine {
            (policy.idleTimeoutSeconds, policy.source) = (earlier.idleTimeoutSeconds, earlier.source)
        }
        if earlier.down?.source == .commandLine, down?.source != .commandLine { policy.down = earlier.down }
        if earlier.terminateAfterSeconds?.source == .commandLine, terminateAfterSeconds?.source != .commandLine {
            policy.terminateAfterSeconds = earlier.terminateAfterSeconds
        }
        if earlier.waitFor?.source == .commandLine, waitFor?.source != .commandLine { policy.waitFor = earlier.waitFor }
        return policy
    }

    /// This policy, with what `change` says on the command line.
    public func changed(by change: AutostopPolicy) -> AutostopPolicy {
        var policy = self
        if change.source == .commandLine {
            (policy.idleTimeoutSeconds, policy.source) = (change.idleTimeoutSeconds, change.source)
        }
        if let down = change.down { policy.down = down }
        if let after = change.terminateAfterSeconds { policy.terminateAfterSeconds = after }
        if let waitFor = change.waitFor { policy.waitFor = waitFor }
        return policy
    }

    /// Says times of the week; of two kinds, either is left as it was where nothing is said of it.
    public mutating func say(keepWarm: [WeeklyWindow]?, stopAt: [WeeklyMoment]?, _ source: PolicySource) {
        guard keepWarm != nil || stopAt != nil else { return }
        let (warmSource, stopSource) = (schedule?.source, stopAtSource ?? schedule?.source)
        let said = keepWarm == nil ? warmSource ?? source : source
        schedule = Said(
            Schedule(
                keepWarm: keepWarm ?? schedule?.value.keepWarm ?? [], stopAt: stopAt ?? schedule?.value.stopAt ?? []),
            said)
        let stopSaid = stopAt == nil ? stopSource ?? source : source
        stopAtSource = stopSaid == said ? nil : stopSaid
    }

    /// Who has said `keep_warm`, and who `stop_at`; nil where there is none.
    public var scheduleSources: (keepWarm: PolicySource?, stopAt: PolicySource?) {
        guard let schedule else { return (nil, nil) }
        return (
            schedule.value.keepWarm.isEmpty ? nil : schedule.source,
            schedule.value.stopAt.isEmpty ? nil : stopAtSource ?? schedule.source
        )
    }

    /// Ten minutes, as SkyPilot's `serve.controller.autostop`.
    public static let standard = AutostopPolicy(idleTimeoutSeconds: 600, source: .standard)
}

/// Where a policy's value came from, in ascending order of precedence.
public enum PolicySource: String, Hashable, Sendable, Codable, Comparable {
    case standard = "default"
    /// `serve.controller.autostop` in `config.yaml`.
    case serveController = "serve.controller"
    /// `controllers.NAME.autostop` in `config.yaml`.
    case controllers = "controllers"
    /// `dwell autostop`.
    case commandLine = "command line"

    private var rank: Int {
        switch self {
        case .standard: 0
        case .serveController: 1
        case .controllers: 2
        case .commandLine: 3
        }
    }

    public static func < (a: PolicySource, b: PolicySource) -> Bool { a.rank < b.rank }
}

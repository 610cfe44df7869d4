import Lifecycle

// Names and values that tests use when any would do.

extension ControllerName {
    public static let dev = sample("dev")
    public static let prod = sample("prod")

    /// A name a test spells out; it must obey ``NameRule``.
    public static func sample(_ text: String) -> ControllerName {
        guard let name = ControllerName(rawValue: text) else { preconditionFailure("not a name: \(text)") }
        return name
    }
}

extension ServiceName {
    public static let api = sample("api")
    public static let chat = sample("chat")

    public static func sample(_ text: String) -> ServiceName {
        guard let name = ServiceName(rawValue: text) else { preconditionFailure("not a name: \(text)") }
        return name
    }
}

extension ServiceSpec {
    /// A service with `replicas` replicas and the default probe; with a `setup` when asked for one.
    public static func sample(
        replicas: Int = 1, setup: String? = nil, run: String = "exec serve",
        readinessProbe: ReadinessProbe = ReadinessProbe()
    ) -> ServiceSpec {
        ServiceSpec(setup: setup, run: run, readinessProbe: readinessProbe, replicas: replicas)
    }
}

extension ServiceSpec {
    /// A service that keeps between so many replicas, by its load.
    public static func scaling(
        _ count: ClosedRange<Int>, target: TargetQPS = .each(1), numOverprovision: Int = 0,
        upscaleDelaySeconds: Double = 300, downscaleDelaySeconds: Double = 1200
    ) -> ServiceSpec {
        ServiceSpec(
            run: "exec serve",
            replicaPolicy: ReplicaPolicy(
                minReplicas: count.lowerBound, maxReplicas: count.upperBound, targetQPSPerReplica: target,
                numOverprovision: numOverprovision, upscaleDelaySeconds: upscaleDelaySeconds,
                downscaleDelaySeconds: downscaleDelaySeconds))
    }
}

extension AutostopPolicy {
    public static let never = AutostopPolicy(idleTimeoutSeconds: nil, source: .commandLine)

    /// What `dwell autostop` sets.
    public static func byHand(seconds: Double?) -> AutostopPolicy {
        AutostopPolicy(idleTimeoutSeconds: seconds, source: .commandLine)
    }

    /// What `config.yaml` says.
    public static func configured(seconds: Double?) -> AutostopPolicy {
        AutostopPolicy(idleTimeoutSeconds: seconds, source: .serveController)
    }
}

extension Command {
    /// An `up` with nothing special about it.
    public static func up(
        _ service: ServiceName, replicas: Int = 1, setup: String? = nil, policy: AutostopPolicy = .standard,
        ports: [UInt16] = Array(30_001...30_020)
    ) -> Command {
        .up(
            Up(
                service: service, spec: .sample(replicas: replicas, setup: setup), policy: policy, host: "127.0.0.1",
                candidatePorts: ports))
    }

    /// An `up` of `api` with this spec.
    public static func up(_ spec: ServiceSpec) -> Command {
        .up(
            Up(
                service: .api, spec: spec, policy: .standard, host: "127.0.0.1",
                candidatePorts: Array(30_001...30_020)))
    }

    public static let start = Command.start(policy: .standard)

    public static func update(_ service: ServiceName, to spec: ServiceSpec, mode: UpdateMode = .rolling) -> Command {
        .update(Update(service: service, target: .spec(spec), mode: mode))
    }

    public static func rollBack(_ service: ServiceName, mode: UpdateMode = .rolling) -> Command {
        .update(Update(service: service, target: .lastGoodVersion, mode: mode))
    }
}

extension Handle {
    public static let sample = Handle(rawValue: "pid:4711")
}

extension Endpoint {
    public static let sample = Endpoint(host: "127.0.0.1", port: 40_001)
}

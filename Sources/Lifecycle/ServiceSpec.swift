/// What a service file asks for, checked and complete: defaults filled in, paths absolute.
///
/// It is stored whole in the log with the version it belongs to, so that a replay, a restart or a
/// reboot needs no file. Vocabulary and defaults are SkyServe's (SkyPilot 0.14.1). Two things are not in it but named
/// by it: secrets (``SecretsReference``) and the copy of `workdir` (``workdirCopy``).
public struct ServiceSpec: Hashable, Sendable {
    /// Where `setup` and `run` start; nil for a private folder of the replica's own.
    public var workdir: Workdir?
    /// Names the copy of the folder that `workdir` is, taken when the version was made: what its replicas run, whatever
    /// becomes of the folder. No other service has the same; a version that changes neither the folder nor what is run in it
    /// goes on with that of the one before. Nil for no folder, and in logs of earlier builds, whose
    /// replicas start in the folder itself.
    public var workdirCopy: String?
    /// Files to be found where `setup` and `run` look for them, in the order of the file.
    public var fileMounts: [FileMount]
    /// Shell commands (bash) run once in each replica before `run`.
    public var setup: String?
    /// Shell commands (bash) that serve; a replica lives as long as they do.
    public var run: String
    /// Environment variables for `setup` and `run`.
    public var envs: [String: String]
    /// Variables for `setup` and `run` whose values are kept outside the log; nil for none.
    public var secrets: SecretsReference?
    /// The port `resources.ports` names, given to a replica as `PORT` whenever it is free.
    public var port: UInt16?
    /// What `resources.accelerators` asks for first, such as `A100:1`: the key into
    /// ``TargetQPS/byAccelerator(_:)``. Nothing else on this machine depends on it.
    public var accelerator: String?
    public var readinessProbe: ReadinessProbe
    /// How many replicas to keep, and when to change that.
    public var replicaPolicy: ReplicaPolicy
    public var loadBalancer: LoadBalancerSpec
    /// What the load balancer serves HTTPS with; nil for plain HTTP.
    public var tls: TLSFiles?
    /// How long a replica that is to be removed may take to finish the requests it has, streams included.
    public var replicaDrainDelaySeconds: Double
    /// How long the service may be without a request before it is taken down; nil for ever.
    public var idleDownSeconds: Double?

    /// - Parameter replicas: a fixed number of replicas, as `replicas: N` in a file; `replicaPolicy` goes
    ///   before it.
    public init(
        workdir: Workdir? = nil, workdirCopy: String? = nil, fileMounts: [FileMount] = [], setup: String? = nil,
        run: String,
        envs: [String: String] = [:], secrets: SecretsReference? = nil, port: UInt16? = nil,
        accelerator: String? = nil, readinessProbe: ReadinessProbe = ReadinessProbe(), replicas: Int = 1,
        replicaPolicy: ReplicaPolicy? = nil, loadBalancer: LoadBalancerSpec = LoadBalancerSpec(),
        tls: TLSFiles? = nil, replicaDrainDelaySeconds: Double = Self.standardDrainDelaySeconds,
        idleDownSeconds: Double? = nil
    ) {
        self.workdir = workdir
        self.workdirCopy = workdirCopy
        self.fileMounts = fileMounts
        self.setup = setup
        self.run = run
        self.envs = envs
        self.secrets = secrets
        self.port = port
        self.accelerator = accelerator
        self.readinessProbe = readinessProbe
        self.replicaPolicy = replicaPolicy ?? ReplicaPolicy(minReplicas: replicas)
        self.loadBalancer = loadBalancer
        self.tls = tls
        self.replicaDrainDelaySeconds = replicaDrainDelaySeconds
        self.idleDownSeconds = idleDownSeconds
    }

    /// Most replicas of one service: each has a port of its own out of ten thousand.
    public static let maximumReplicas = 1000

    /// SkyServe has a fixed 120 s, spent whether or not a request is in flight; here it is only a limit.
    public static let standardDrainDelaySeconds: Double = 30

    /// How many replicas it begins with, overprovisioned ones included.
    public var replicas: Int { replicaPolicy.firstReplicas }

    /// Whether a replica of `other` would do exactly what one of this does, so that an update from one to
    /// the other keeps the replicas that run: everything but what `service` says is the same. Mounts, and folders of
    /// which no copy was taken, may have changed under the same name, so with them the answer is no, as in SkyServe.
    public func runsTheSame(as other: ServiceSpec) -> Bool {
        guard startsWithTheSame(as: other), fileMounts.isEmpty, other.fileMounts.isEmpty else { return false }
        return setup == other.setup && run == other.run && envs == other.envs && secrets == other.secrets
            && port == other.port && accelerator == other.accelerator
    }

    /// Whether both surely start in the same code.
    private func startsWithTheSame(as other: ServiceSpec) -> Bool {
        switch (workdir, other.workdir) {
        case (nil, nil): true
        case (.folder, .folder): workdirCopy != nil && workdirCopy == other.workdirCopy
        case (.git(let one), .git(let two)): one.commit != nil && one.commit == two.commit && one.url == two.url
        case (nil, _), (.folder, _), (.git, _): false
        }
    }
}

extension ServiceSpec: Codable {
    private enum CodingKeys: String, CodingKey {
        case workdir, workdirCopy, fileMounts, setup, run, envs, secrets, port, accelerator, readinessProbe, replicas
        case replicaPolicy, loadBalancer, tls, replicaDrainDelaySeconds, idleDownSeconds
    }

    /// Reads also what was stored before a field was added: it then has the value that it had in effect.
    public init(from decoder: any Decoder) throws {
        let stored = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            workdir: try stored.decodeIfPresent(Workdir.self, forKey: .workdir),
            workdirCopy: try stored.decodeIfPresent(String.self, forKey: .workdirCopy),
            fileMounts: try stored.decodeIfPresent([FileMount].self, forKey: .fileMounts) ?? [],
            setup: try stored.decodeIfPresent(String.self, forKey: .setup),
            run: try stored.decode(String.self, forKey: .run),
            envs: try stored.decode([String: String].self, forKey: .envs),
            secrets: try stored.decodeIfPresent(SecretsReference.self, forKey: .secrets),
            port: try stored.decodeIfPresent(UInt16.self, forKey: .port),
            accelerator: try stored.decodeIfPresent(String.self, forKey: .accelerator),
            readinessProbe: try stored.decode(ReadinessProbe.self, forKey: .readinessProbe),
            replicas: try stored.decode(Int.self, forKey: .replicas),
            replicaPolicy: try stored.decodeIfPresent(ReplicaPolicy.self, forKey: .replicaPolicy),
            loadBalancer: try stored.decode(LoadBalancerSpec.self, forKey: .loadBalancer),
            tls: try stored.decodeIfPresent(TLSFiles.self, forKey: .tls),
            replicaDrainDelaySeconds: try stored.decodeIfPresent(Double.self, forKey: .replicaDrainDelaySeconds)
                ?? Self.standardDrainDelaySeconds,
            idleDownSeconds: try stored.decodeIfPresent(Double.self, forKey: .idleDownSeconds))
    }

    /// A field is left out where its absence says the same, so that a log written before it was added
    /// and one written after look alike. `replicas` is there for those who read the log with SQL.
    public func encode(to encoder: any Encoder) throws {
        var stored = encoder.container(keyedBy: CodingKeys.self)
        try stored.encodeIfPresent(workdir, forKey: .workdir)
        try stored.encodeIfPresent(workdirCopy, forKey: .workdirCopy)
        if !fileMounts.isEmpty { try stored.encode(fileMounts, forKey: .fileMounts) }
        try stored.encodeIfPresent(setup, forKey: .setup)
        try stored.encode(run, forKey: .run)
        try stored.encode(envs, forKey: .envs)
        try stored.encodeIfPresent(secrets, forKey: .secrets)
        try stored.encodeIfPresent(port, forKey: .port)
        try stored.encodeIfPresent(accelerator, forKey: .accelerator)
        try stored.encode(readinessProbe, forKey: .readinessProbe)
        try stored.encode(replicas, forKey: .replicas)
        if replicaPolicy != ReplicaPolicy(minReplicas: replicas) {
            try stored.encode(replicaPolicy, forKey: .replicaPolicy)
        }
        try stored.encode(loadBalancer, forKey: .loadBalancer)
        try stored.encodeIfPresent(tls, forKey: .tls)
        if replicaDrainDelaySeconds != Self.standardDrainDelaySeconds {
            try stored.encode(replicaDrainDelaySeconds, forKey: .replicaDrainDelaySeconds)
        }
        try stored.encodeIfPresent(idleDownSeconds, forKey: .idleDownSeconds)
    }
}

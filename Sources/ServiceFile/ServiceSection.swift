import Lifecycle

/// `service`: SkyServe's part of the file.
struct ServiceSection {
    let readinessProbe: ReadinessProbe
    let replicaPolicy: ReplicaPolicy
    /// The replica's port when `resources.ports` has several.
    let port: UInt16?
    private(set) var loadBalancer = LoadBalancerSpec()
    let tls: TLSFiles?
    let replicaDrainDelaySeconds: Double
    let idleDownSeconds: Double?

    /// Keys of SkyPilot 0.14.1.
    static let keys = [
        "readiness_probe", "replicas", "replica_policy", "load_balancing_policy", "load_balancer", "ports", "tls",
        "pool", "workers",
    ]
    /// Keys that only dwell has.
    static let ownKeys = ["replica_drain_delay", "idle_down"]

    /// Keys of SkyPilots before 0.14.1, and what does their work now.
    private static let former = [
        "port": "the port of a replica is `resources.ports`", "app_port": "the port of a replica is `resources.ports`",
        "replica_port": "the port of a replica is `resources.ports`",
        "https": "HTTPS is `tls: {keyfile: …, certfile: …}`",
        "auto_restart": "a replica that was ready once is always replaced when it dies",
        "controller": "what a controller is to do is in `config.yaml` or given to `dwell autostop`",
    ]

    init(_ whole: Section, _ folders: Folders, usesSpotOnly: Bool, _ examineTLS: (TLSFiles) -> TLSExamination) {
        whole.refuseUnknownKeys(
            known: Self.keys + Self.ownKeys,
            elsewhere: [
                "run": "the top of the file", "setup": "the top of the file", "envs": "the top of the file",
                "min_replicas": "service.replica_policy", "max_replicas": "service.replica_policy",
                "target_qps_per_replica": "service.replica_policy", "path": "service.readiness_probe",
                "initial_delay_seconds": "service.readiness_probe", "timeout_seconds": "service.readiness_probe",
                "post_data": "service.readiness_probe", "headers": "service.readiness_probe",
                "stream_timeout_seconds": "service.load_balancer", "keyfile": "service.tls", "certfile": "service.tls",
            ], former: Self.former)
        if whole.entry("readiness_probe")?.value.content == .null {
            whole.problem("has no value; give a path such as /health, or leave the key out", key: "readiness_probe")
        }
        let section = whole.withoutNulls()
        if section.has("pool") {
            section.problem("is for pools of batch workers, which are not services; use `replicas`", key: "pool")
        }
        // SkyPilot counts a key that has no value here.
        if whole.has("replicas"), whole.has("replica_policy"),
            !section.has("replicas") || !section.has("replica_policy")
        {
            whole.problem("and `replica_policy` exclude each other; keep one of them", key: "replicas")
        }
        readinessProbe = ReadinessProbeSection.read(section)
        replicaPolicy = ReplicaPolicySection.read(section, usesSpotOnly: usesSpotOnly)
        port = section.port("ports")
        tls = Self.tls(section, folders, examineTLS)
        replicaDrainDelaySeconds =
            section.duration(
                "replica_drain_delay", unitSeconds: 1, wanted: "a number of seconds, or a time such as 30s")
            ?? ServiceSpec.standardDrainDelaySeconds
        idleDownSeconds = section.duration(
            "idle_down", unitSeconds: 60, wanted: "a number of minutes, or a time such as 30m")
        if idleDownSeconds == 0 {
            section.problem(
                "must be more than 0, such as 30m: it would go before anybody could ask for it", key: "idle_down")
        }
        readLoadBalancer(section)
    }

    private mutating func readLoadBalancer(_ section: Section) {
        if let policy = section.choice("load_balancing_policy", LoadBalancingPolicy.self) {
            loadBalancer.policy = policy
        }
        switch (loadBalancer.policy, replicaPolicy.targetQPSPerReplica) {
        case (.instanceAwareLeastLoad, nil), (.instanceAwareLeastLoad, .each):
            // One that is there and wrong was told of already.
            guard !ReplicaPolicySection.hasTargets(section) else { break }
            section.problem(
                "instance_aware_least_load needs a target for each accelerator, as in "
                    + "`replica_policy: {target_qps_per_replica: {\"A100:1\": 10}, …}`; without one, use least_load",
                key: "load_balancing_policy")
        case (.roundRobin, .byAccelerator), (.leastLoad, .byAccelerator):
            section.problem(
                "has a target_qps_per_replica for each accelerator, which needs "
                    + "`load_balancing_policy: instance_aware_least_load`", key: "replica_policy")
        case (.instanceAwareLeastLoad, .byAccelerator), (.roundRobin, _), (.leastLoad, _): break
        }
        if let balancer = section.section("load_balancer") {
            balancer.refuseUnknownKeys(known: ["stream_timeout_seconds"], elsewhere: ["policy": "service"])
            if let seconds = balancer.seconds("stream_timeout_seconds", exclusive: true) {
                loadBalancer.streamTimeoutSeconds = seconds
            }
        }
    }

    private static func tls(
        _ service: Section, _ folders: Folders, _ examine: (TLSFiles) -> TLSExamination
    ) -> TLSFiles? {
        guard let section = service.section("tls") else { return nil }
        section.refuseUnknownKeys(known: ["keyfile", "certfile"])
        func path(_ key: String) -> String? {
            if !section.has(key) { section.problem("has no `\(key)`; TLS needs `keyfile` and `certfile`") }
            guard let text = section.string(key, wanted: "the path of a PEM file") else { return nil }
            guard !folders.hasSecret(text) else {
                section.problem(
                    "is named by a secret, and where a file is, is kept in the log; name it by one of `envs`", key: key)
                return nil
            }
            return PathValue(folders: folders).find(text, .file, key: key, in: section)
        }
        let key = path("keyfile")
        let certificate = path("certfile")
        guard let key, let certificate else { return nil }
        let files = TLSFiles(keyFile: key, certificateFile: certificate)
        guard !folders.hasUnknown(key), !folders.hasUnknown(certificate) else { return files }
        let examination = examine(files)
        if let problem = examination.problem {
            section.problem(problem.message, key: problem.file == .key ? "keyfile" : "certfile")
        }
        for note in examination.notes { section.findings.note(note) }
        return files
    }
}

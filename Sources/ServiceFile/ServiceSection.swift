import Lifecycle

/// `service`: SkyServe's part of the file.
struct ServiceSection {
    private(set) var readinessProbe = ReadinessProbe()
    private(set) var replicas = 1
    /// The replica's port when `resources.ports` has several.
    private(set) var port: UInt16?
    private(set) var loadBalancer = LoadBalancerSpec()

    static let keys = [
        "readiness_probe", "replicas", "replica_policy", "load_balancing_policy", "load_balancer", "ports", "tls",
        "pool", "workers",
    ]

    init(_ section: Section) {
        section.refuseUnknownKeys(
            known: Self.keys,
            elsewhere: [
                "run": "the top of the file", "setup": "the top of the file", "envs": "the top of the file",
                "min_replicas": "service.replica_policy", "max_replicas": "service.replica_policy",
                "target_qps_per_replica": "service.replica_policy", "path": "service.readiness_probe",
                "initial_delay_seconds": "service.readiness_probe", "timeout_seconds": "service.readiness_probe",
            ])
        for key in ["pool", "workers"] where section.has(key) {
            section.problem("is for pools of batch workers, which are not services; use `replicas`", key: key)
        }
        if section.has("tls") {
            section.problem("is not done yet: put a TLS proxy in front of the endpoint", key: "tls")
        }
        readinessProbe = ReadinessProbeSection.read(section)
        replicas = ReplicaPolicySection.replicas(section)
        port = section.integer("ports", in: 1...65_535).map { UInt16($0) }
        if let policy = Self.policy(section) { loadBalancer.policy = policy }
        if let balancer = section.section("load_balancer") {
            balancer.refuseUnknownKeys(known: ["stream_timeout_seconds"])
            if let seconds = balancer.seconds("stream_timeout_seconds", exclusive: true) {
                loadBalancer.streamTimeoutSeconds = seconds
            }
        }
    }

    private static func policy(_ section: Section) -> LoadBalancingPolicy? {
        if case .string("instance_aware_least_load") = section.entry("load_balancing_policy")?.value.content {
            section.problem(
                "instance_aware_least_load weighs replicas by their accelerators, and this machine's are all alike; "
                    + "use least_load", key: "load_balancing_policy")
            return nil
        }
        return section.choice("load_balancing_policy", LoadBalancingPolicy.self)
    }
}

/// `service.replicas` and `service.replica_policy`.
enum ReplicaPolicySection {
    static func replicas(_ service: Section) -> Int {
        let fixed = service.integer("replicas", in: 0...ServiceSpec.maximumReplicas)
        guard service.has("replica_policy") else { return fixed ?? 1 }
        if service.has("replicas") {
            service.problem("and `replica_policy` exclude each other; keep one of them", key: "replicas")
        }
        return service.section("replica_policy").map(replicas(policy:)) ?? 1
    }

    private static func replicas(policy: Section) -> Int {
        policy.refuseUnknownKeys(
            known: [
                "min_replicas", "max_replicas", "num_overprovision", "target_qps_per_replica",
                "dynamic_ondemand_fallback", "base_ondemand_fallback_replicas", "spot_placer", "upscale_delay_seconds",
                "downscale_delay_seconds",
            ], elsewhere: ["replicas": "service"])
        let range = 0...ServiceSpec.maximumReplicas
        let minimum = policy.integer("min_replicas", in: range)
        let maximum = policy.integer("max_replicas", in: range)
        let extra = policy.integer("num_overprovision", in: range)
        _ = policy.seconds("upscale_delay_seconds")
        _ = policy.seconds("downscale_delay_seconds")
        _ = policy.bool("dynamic_ondemand_fallback")
        _ = policy.integer("base_ondemand_fallback_replicas", in: range)
        if !policy.has("min_replicas") { policy.problem("has no `min_replicas`") }
        guard let minimum else { return 1 }
        if let maximum, maximum < minimum {
            policy.problem("must be at least min_replicas (\(minimum)), not \(maximum)", key: "max_replicas")
        } else if policy.has("target_qps_per_replica"), maximum == nil {
            policy.problem("needs `max_replicas` beside it", key: "target_qps_per_replica")
        } else if let maximum, maximum != minimum {
            policy.problem(
                policy.has("target_qps_per_replica")
                    ? "autoscaling is not done yet; make it equal to min_replicas, or use `replicas: \(minimum)`"
                    : "differs from min_replicas without `target_qps_per_replica`, which says when to scale",
                key: "max_replicas")
        }
        return min(minimum + (extra ?? 0), ServiceSpec.maximumReplicas)
    }
}

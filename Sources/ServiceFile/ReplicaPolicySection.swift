import Lifecycle

/// `service.replicas` and `service.replica_policy`.
enum ReplicaPolicySection {
    static func read(_ service: Section, usesSpotOnly: Bool) -> ReplicaPolicy {
        let range = 0...ServiceSpec.maximumReplicas
        let fixed = service.integer("replicas", in: range) ?? service.integer("workers", in: range)
        if service.has("replicas"), service.has("workers") {
            service.problem("and `replicas` say the same; keep `replicas`", key: "workers")
        } else if service.has("workers") {
            service.findings.note("service.workers is read as `replicas`")
        }
        guard service.has("replica_policy") else { return ReplicaPolicy(minReplicas: fixed ?? 1) }
        for key in ["replicas", "workers"] where service.has(key) {
            service.problem("and `replica_policy` exclude each other; keep one of them", key: key)
        }
        return service.section("replica_policy").map { read($0, usesSpotOnly) } ?? ReplicaPolicy(minReplicas: 1)
    }

    private static func read(_ section: Section, _ usesSpotOnly: Bool) -> ReplicaPolicy {
        section.refuseUnknownKeys(
            known: [
                "min_replicas", "max_replicas", "num_overprovision", "target_qps_per_replica",
                "dynamic_ondemand_fallback", "base_ondemand_fallback_replicas", "spot_placer", "upscale_delay_seconds",
                "downscale_delay_seconds",
            ], elsewhere: ["replicas": "service"],
            former: [
                "qps_upper_threshold": "one number, `target_qps_per_replica`, says when to scale",
                "qps_lower_threshold": "one number, `target_qps_per_replica`, says when to scale",
                "auto_restart": "a replica that was ready once is always replaced when it dies",
                "spot_mixer": "spot instances are of clouds", "spot_zones": "spot instances are of clouds",
                "on_demand_zones": "zones are of clouds", "on_demand_type": "instances are of clouds",
            ])
        let range = 0...ServiceSpec.maximumReplicas
        var policy = ReplicaPolicy(minReplicas: 1)
        let minimum = section.integer("min_replicas", in: range)
        policy.maxReplicas = section.integer("max_replicas", in: range)
        policy.numOverprovision = section.integer("num_overprovision", in: range) ?? 0
        policy.targetQPSPerReplica = target(section)
        if let seconds = section.seconds("upscale_delay_seconds") { policy.upscaleDelaySeconds = seconds }
        if let seconds = section.seconds("downscale_delay_seconds") { policy.downscaleDelaySeconds = seconds }
        if !section.has("min_replicas") { section.problem("has no `min_replicas`") }
        if let minimum {
            policy.minReplicas = minimum
            checkRange(policy, section)
        }
        readSpot(section, usesSpotOnly)
        return policy
    }

    private static func checkRange(_ policy: ReplicaPolicy, _ section: Section) {
        let minimum = policy.minReplicas
        if let maximum = policy.maxReplicas, maximum < minimum {
            section.problem("must be at least min_replicas (\(minimum)), not \(maximum)", key: "max_replicas")
        } else if section.has("target_qps_per_replica") {
            if !section.has("max_replicas") {
                section.problem("needs `max_replicas` beside it", key: "target_qps_per_replica")
            }
        } else if let maximum = policy.maxReplicas, maximum != minimum {
            section.problem(
                "differs from min_replicas without `target_qps_per_replica`, which says when to scale",
                key: "max_replicas")
        }
    }

    private static func target(_ section: Section) -> TargetQPS? {
        guard let entry = section.entry("target_qps_per_replica") else { return nil }
        if case .map = entry.value.content {
            return section.section("target_qps_per_replica").flatMap(byAccelerator)
        }
        return section.rate("target_qps_per_replica").map(TargetQPS.each)
    }

    /// Whether there is a map of targets, right or wrong.
    static func hasTargets(_ service: Section) -> Bool {
        guard case .map(let policy)? = service.entry("replica_policy")?.value.content,
            case .map? = policy.last(where: { $0.key == "target_qps_per_replica" })?.value.content
        else { return false }
        return true
    }

    private static func byAccelerator(_ section: Section) -> TargetQPS? {
        var targets: [String: Double] = [:]
        for entry in section.entries {
            guard entry.key.wholeMatch(of: /[A-Z0-9]+(?::[0-9]+)?/) != nil else {
                section.problem(
                    "is not an accelerator: capital letters and digits, with a count if you like, such as A100:1",
                    key: entry.key.shortened, at: entry.keyLine)
                continue
            }
            if let target = section.rate(entry.key) { targets[entry.key] = target }
        }
        if section.entries.isEmpty { section.problem("is empty; give at least one accelerator, such as `A100:1: 10`") }
        return targets.isEmpty ? nil : .byAccelerator(targets)
    }

    /// What chooses between spot and on-demand machines.
    private static func readSpot(_ section: Section, _ usesSpotOnly: Bool) {
        let isDynamic = section.bool("dynamic_ondemand_fallback") ?? false
        let base = section.integer("base_ondemand_fallback_replicas", in: 0...Int(Int32.max)) ?? 0
        let placer = section.string("spot_placer", wanted: "dynamic_fallback")
        if let placer, placer != "dynamic_fallback" {
            section.problem("must be dynamic_fallback, not \"\(placer.shortened)\"", key: "spot_placer")
        }
        let needing: [(key: String, asks: Bool)] = [
            ("dynamic_ondemand_fallback", isDynamic), ("base_ondemand_fallback_replicas", base > 0),
            ("spot_placer", placer != nil),
        ]
        for one in needing where one.asks && !usesSpotOnly {
            section.problem("is for spot machines: it needs `resources: {use_spot: true}`; or remove it", key: one.key)
        }
        let given = ["base_ondemand_fallback_replicas", "dynamic_ondemand_fallback", "spot_placer"].filter(section.has)
        guard !given.isEmpty else { return }
        section.findings.note(
            "\(section.path): \(given.joined(separator: ", ")) \(given.count == 1 ? "does" : "do") nothing: "
                + "this machine is neither spot nor on demand")
    }
}

extension Section {
    /// Requests per second, more than none.
    fileprivate func rate(_ key: String) -> Double? {
        value(key, wanted: "a number of requests per second, above 0") {
            guard case .number(let value, _) = $0.content, value.isFinite, value > 0 else { return nil }
            return value
        }
    }
}

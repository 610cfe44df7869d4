/// `resources`: here it says which port a replica serves on. The rest chooses a machine in a cloud; it
/// is checked, and does nothing on this machine.
struct ResourcesSection {
    /// Ports that replicas open, in the order of the file.
    private(set) var ports: [UInt16] = []

    /// Keys of one set of resources (SkyPilot 0.14.1).
    static let keys = [
        "cloud", "region", "zone", "infra", "cpus", "memory", "accelerators", "instance_type", "use_spot",
        "job_recovery", "volumes", "disk_size", "ephemeral_storage", "disk_tier", "network_tier", "local_disk",
        "max_hourly_cost", "ports", "labels", "accelerator_args", "image_id", "autostop", "priority",
        "priority_class",
    ]

    init(_ file: Section) {
        guard let section = file.section("resources") else { return }
        section.refuseUnknownKeys(
            known: Self.keys + ["any_of", "ordered"],
            elsewhere: ["replicas": "service", "readiness_probe": "service"])
        var sets = [section]
        for key in ["any_of", "ordered"] { sets += Self.alternatives(key, of: section) }
        var idle: Set<String> = []
        for set in sets {
            let opened = set.ports
            if !ports.isEmpty, !opened.isEmpty, opened != ports {
                set.problem(
                    "differs from the ports of the other resources; replicas must all serve on one", key: "ports")
            }
            if !opened.isEmpty { ports = opened }
            set.checkTypes()
            idle.formUnion(set.entries.map(\.key).filter { $0 != "ports" && Self.keys.contains($0) })
        }
        if !idle.isEmpty {
            file.findings.note(
                "resources: \(idle.sorted().joined(separator: ", ")) \(idle.count == 1 ? "does" : "do") nothing: "
                    + "replicas run on this machine")
        }
    }

    private static func alternatives(_ key: String, of section: Section) -> [Section] {
        guard let entry = section.entry(key) else { return [] }
        guard case .list(let items) = entry.value.content else {
            section.problem("must be a list, not \(entry.value.inWords)", key: key)
            return []
        }
        return items.map { item in
            let set = Section(item, path: section.fullKey(key), findings: section.findings)
            if case .map = item.content {
                set.refuseUnknownKeys(known: keys)
            } else {
                set.problem("must be a list of sections, not of \(item.inWords)")
            }
            return set
        }
    }
}

extension Section {
    /// What `ports` opens: a number, a range `"8080-8090"`, or a list of those.
    fileprivate var ports: [UInt16] {
        guard let entry = entry("ports"), entry.value.content != .null else { return [] }
        let items: [YAMLNode]
        if case .list(let list) = entry.value.content { items = list } else { items = [entry.value] }
        var ports: [UInt16] = []
        for item in items {
            guard let range = Self.ports(item) else {
                problem(
                    "must be a port from 1 to 65535, or a range such as 8080-8090, not \(item.inWords)", key: "ports")
                return []
            }
            // A range of thousands is as good as two for saying that there are several.
            ports += range.prefix(64).filter { !ports.contains($0) }
        }
        return ports
    }

    /// One port or range of ports.
    func portRange(_ key: String) -> ClosedRange<UInt16>? { entry(key).flatMap { Self.ports($0.value) } }

    private static func ports(_ node: YAMLNode) -> ClosedRange<UInt16>? {
        switch node.content {
        case .number: node.integer.flatMap { UInt16(exactly: $0) }.flatMap { $0 > 0 ? $0...$0 : nil }
        case .string(let text): portRange(text)
        case .null, .bool, .list, .map: nil
        }
    }

    private static func portRange(_ text: String) -> ClosedRange<UInt16>? {
        let bounds = text.split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
        guard let first = bounds.first ?? nil, let last = bounds.last ?? nil, bounds.count <= 2, first > 0,
            first <= last
        else { return nil }
        return first...last
    }

    /// Types of the keys that do nothing here, so that a mistake is found before the file meets a cloud.
    fileprivate func checkTypes() {
        for key in ["cloud", "region", "zone", "infra", "instance_type", "disk_tier", "network_tier", "local_disk"] {
            _ = string(key)
        }
        _ = bool("use_spot")
        _ = section("labels")
        _ = section("accelerator_args")
        if has("job_recovery") {
            problem(
                "cannot be used for a service: a replica that is lost is replaced anyway; remove it",
                key: "job_recovery")
        }
    }
}

/// `resources`: here it says which port a replica serves on. The rest chooses a machine in a cloud; it
/// is checked, and does nothing on this machine.
struct ResourcesSection {
    /// Ports that replicas open, in the order of the file.
    private(set) var ports: [UInt16] = []
    /// The first accelerator that is asked for, such as `A100:1`.
    private(set) var accelerator: String?

    /// Keys of one set of resources (SkyPilot 0.14.1).
    static let keys = [
        "cloud", "region", "zone", "infra", "cpus", "memory", "accelerators", "instance_type", "use_spot",
        "job_recovery", "volumes", "disk_size", "ephemeral_storage", "disk_tier", "network_tier", "local_disk",
        "max_hourly_cost", "ports", "labels", "accelerator_args", "image_id", "autostop", "priority",
        "priority_class",
    ]

    /// Keys that SkyPilot writes by itself, and reads back.
    static let internalKeys = [
        "_no_missing_accel_warnings", "_docker_login_config", "_is_image_managed", "_requires_fuse",
        "_cluster_config_overrides",
    ]

    init(_ file: Section) {
        guard let section = file.section("resources") else { return }
        section.refuseUnknownKeys(
            known: Self.keys + Self.internalKeys + ["any_of", "ordered"],
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
            accelerator = accelerator ?? set.accelerator
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
                set.refuseUnknownKeys(known: keys + internalKeys)
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

    /// One port; SkyPilot takes no `8080.0` for it.
    func port(_ key: String) -> UInt16? {
        value(key, wanted: "a whole number from 1 to 65535") {
            guard case .number(_, let written) = $0.content, !written.contains("."), let number = $0.integer else {
                return nil
            }
            return UInt16(exactly: number).flatMap { $0 > 0 ? $0 : nil }
        }
    }

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

    /// `A100:1`, `{A100: 1}`, or the first of several.
    fileprivate var accelerator: String? {
        switch entry("accelerators")?.value.content {
        case .string(let text):
            // Also `{A100:1, H100:1}`, which YAML would read as a section, in quotes.
            let first = text.split(whereSeparator: { ",{}".contains($0) }).first ?? ""
            return Self.accelerator(first.trimmingPrefix(while: \.isWhitespace), count: nil)
        case .list(let items):
            guard case .string(let text)? = items.first?.content else { return nil }
            return Self.accelerator(text[...], count: nil)
        case .map(let entries):
            guard let first = entries.first else { return nil }
            var count: Int?
            if case .number = first.value.content { count = first.value.integer }
            return Self.accelerator(first.key[...], count: count)
        case .number, .bool, .null, nil: return nil
        }
    }

    private static func accelerator(_ name: Substring, count: Int?) -> String? {
        guard !name.isEmpty else { return nil }
        return name.contains(":") ? String(name) : "\(name):\(count ?? 1)"
    }

    /// Types of the keys that do nothing here, so that a mistake is found before the file meets a cloud.
    fileprivate func checkTypes() {
        let section = withoutNulls()
        for key in [
            "cloud", "region", "zone", "infra", "instance_type", "disk_tier", "network_tier", "local_disk",
            "priority_class",
        ] {
            _ = section.string(key)
        }
        for key in ["cpus", "memory"] {
            _ = section.value(key, wanted: "a number, or a text such as 4+") { $0.isTextOrNumber ? true : nil }
        }
        for key in ["disk_size", "ephemeral_storage"] {
            _ = section.value(key, wanted: "a whole number of GB, or a text such as 100GB") {
                $0.isTextOrNumber ? true : nil
            }
        }
        _ = section.value("accelerators", wanted: "a text such as A100:1, a section or a list") {
            switch $0.content {
            case .string, .map, .list: true
            case .null, .bool, .number: nil
            }
        }
        _ = section.value("image_id", wanted: "a text or a section") {
            switch $0.content {
            case .string, .map: true
            case .null, .bool, .number, .list: nil
            }
        }
        _ = section.bool("use_spot")
        _ = section.section("labels")
        _ = section.section("accelerator_args")
        _ = section.value("volumes", wanted: "a list of sections") {
            if case .list = $0.content { true } else { nil }
        }
        _ = section.value("max_hourly_cost", wanted: "a number above 0") {
            if case .number(let value, _) = $0.content, value > 0 { true } else { nil }
        }
        _ = section.integer("priority", in: -1000...1000)
        if section.has("job_recovery") {
            problem(
                "cannot be used for a service: a replica that is lost is replaced anyway; remove it",
                key: "job_recovery")
        }
    }
}

extension YAMLNode {
    fileprivate var isTextOrNumber: Bool {
        switch content {
        case .string, .number: true
        case .null, .bool, .list, .map: false
        }
    }
}

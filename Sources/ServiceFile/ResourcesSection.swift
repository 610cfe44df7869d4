import Lifecycle

/// `resources`: here it says which port a replica serves on. The rest chooses a machine in a cloud; it
/// is checked, and does nothing on this machine.
struct ResourcesSection {
    /// Ports that replicas open, in the order of the file.
    private(set) var ports: [UInt16] = []
    /// The first accelerator that is asked for, such as `A100:1`.
    private(set) var accelerator: String?
    /// Keys that choose a machine, and so nothing here.
    private var idle: Set<String> = []
    /// Whether every set of resources asks for spot machines.
    private(set) var usesSpotOnly = false

    /// Keys of one set of resources (SkyPilot 0.14.1).
    static let keys = [
        "cloud", "region", "zone", "infra", "cpus", "memory", "accelerators", "instance_type", "use_spot",
        "job_recovery", "volumes", "disk_size", "ephemeral_storage", "disk_tier", "network_tier", "local_disk",
        "max_hourly_cost", "ports", "labels", "accelerator_args", "image_id", "autostop", "priority",
        "priority_class", "gpus",
    ]

    /// Keys that SkyPilot writes by itself, and reads back.
    static let internalKeys = [
        "_no_missing_accel_warnings", "_docker_login_config", "_is_image_managed", "_requires_fuse",
        "_cluster_config_overrides",
    ]

    init(_ file: Section) {
        guard let whole = file.section("resources") else { return }
        let section = whole.with("gpus", calledAs: "accelerators")
        section.refuseUnknownKeys(
            known: Self.keys + Self.internalKeys + ["any_of", "ordered"],
            elsewhere: ["replicas": "service", "readiness_probe": "service", "hooks": "config"],
            former: ["spot_recovery": "did you mean `job_recovery`? A service needs neither"])
        let alternatives = ["any_of", "ordered"].flatMap { Self.alternatives($0, of: section) }
        Self.checkTogether(section, alternatives)
        usesSpotOnly = Self.usesSpotOnly(section, alternatives)
        let sets = [section] + alternatives
        for set in sets {
            let opened = set.ports
            if !ports.isEmpty, !opened.isEmpty, opened != ports, !Self.isPortChosen(file) {
                set.problem(
                    "differs from the ports of the other resources; replicas must all serve on one", key: "ports")
            }
            if !opened.isEmpty { ports = opened }
            set.checkResources(isAlternative: set.path != section.path)
            accelerator = accelerator ?? set.accelerator
            idle.formUnion(set.entries.map(\.key).filter { $0 != "ports" && Self.keys.contains($0) })
        }
    }

    /// Says which keys do nothing here.
    ///
    /// - Parameter targets: what replicas are to be sent; by their accelerators, those choose.
    func noteIdleKeys(_ file: Section, targets: TargetQPS?) {
        var idle = idle
        if case .byAccelerator = targets { idle.remove("accelerators") }
        guard !idle.isEmpty else { return }
        file.findings.note(
            "resources: \(idle.sorted().joined(separator: ", ")) \(idle.count == 1 ? "does" : "do") nothing: "
                + "replicas run on this machine")
    }

    /// Whether `service.ports` says which port answers, whatever the resources open.
    private static func isPortChosen(_ file: Section) -> Bool {
        guard case .map(let service)? = file.entry("service")?.value.content else { return false }
        return service.contains { $0.key == "ports" && $0.value.content != .null }
    }

    /// What several sets of resources may not say side by side.
    private static func checkTogether(_ section: Section, _ alternatives: [Section]) {
        let given = section.withoutNulls()
        if given.has("any_of"), given.has("ordered") {
            section.problem("and `any_of` exclude each other; keep one of them", key: "ordered")
        }
        var isList = false
        let several =
            switch section.entry("accelerators")?.value.content {
            case .list(let items): items.count > 1
            case .map(let entries): entries.count > 1
            case .null, .bool, .number, .string, nil: false
            }
        if case .list? = section.entry("accelerators")?.value.content { isList = true }
        let key = given.has("ordered") ? "ordered" : "any_of"
        if several, !alternatives.isEmpty, isList || key == "ordered" {
            section.problem(
                "cannot be several together with `\(key)`; name one in each of its items", key: "accelerators")
        }
        let places = ["cloud", "region", "zone"]
        for set in alternatives.map({ $0.withoutNulls() }) {
            for (one, other) in [(set, given), (given, set)] where one.has("infra") && !one.has("cloud") {
                if places.contains(where: other.has), !places.contains(where: one.has) {
                    set.problem("and `infra` say where in two ways, here and beside `\(key)`; keep one of them")
                }
            }
        }
        let spots = alternatives.map { usesSpot($0) ?? usesSpot(section) ?? false }
        if spots.contains(true), spots.contains(false) {
            section.problem("must all have `use_spot: true`, or none of them", key: key)
        }
    }

    private static func usesSpot(_ set: Section) -> Bool? {
        if case .bool(let value)? = set.entry("use_spot")?.value.content { value } else { nil }
    }

    private static func usesSpotOnly(_ section: Section, _ alternatives: [Section]) -> Bool {
        let own = usesSpot(section) ?? false
        return alternatives.isEmpty ? own : alternatives.allSatisfy { usesSpot($0) ?? own }
    }

    private static func alternatives(_ key: String, of section: Section) -> [Section] {
        guard let entry = section.entry(key), entry.value.content != .null else { return [] }
        guard case .list(let items) = entry.value.content else {
            section.problem("must be a list, not \(entry.value.inWords)", key: key)
            return []
        }
        return items.map { item in
            let set = Section(item, path: section.fullKey(key), findings: section.findings)
                .with("gpus", calledAs: "accelerators")
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
        // Also `8000,9000`.
        let split = items.flatMap { item -> [YAMLNode] in
            guard case .string(let text) = item.content, text.isEmpty || text.contains(where: { ", ".contains($0) })
            else {
                return [item]
            }
            let parts = text.split(separator: ",").map { $0.trimmingPrefix(while: \.isWhitespace) }
            return parts.compactMap { part in
                let end = part.lastIndex { !$0.isWhitespace }
                return end.map { YAMLNode(content: .string(String(part[...$0])), line: item.line) }
            }
        }
        var ports: [UInt16] = []
        for item in split {
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
        case .number(_, let written):
            written.contains(".")
                ? nil : node.integer.flatMap { UInt16(exactly: $0) }.flatMap { $0 > 0 ? $0...$0 : nil }
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
}

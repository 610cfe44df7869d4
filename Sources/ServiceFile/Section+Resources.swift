extension Section {
    /// Looks at the values that do nothing here, so that a mistake is found before the file meets a cloud.
    ///
    /// - Parameter isAlternative: whether this is one of `any_of` or `ordered`, which has one accelerator at most.
    func checkResources(isAlternative: Bool) {
        let section = withoutNulls()
        section.checkPlaces()
        section.checkSizes()
        section.checkAccelerators(isAlternative: isAlternative)
        section.checkAcceleratorArguments()
        section.checkLabelsAndImages()
        section.checkVolumes()
        section.checkAutostop()
        _ = section.bool("use_spot")
        _ = section.string("priority_class")
        _ = section.integer("priority", in: -1000...1000)
        if section.has("job_recovery"), !section.asksForNoRecovery {
            section.problem(
                "cannot be used for a service: a replica that is lost is replaced anyway; remove it",
                key: "job_recovery")
        }
    }

    private var asksForNoRecovery: Bool {
        switch entry("job_recovery")?.value.content {
        case .string(let strategy): strategy == "none"
        case .map(let entries): entries.contains { $0.key == "strategy" && $0.value.content == .string("none") }
        case .null, .bool, .number, .list, nil: false
        }
    }

    private func checkPlaces() {
        for key in ["region", "zone", "instance_type"] { _ = string(key) }
        if let cloud = string("cloud", wanted: "the name of a cloud"),
            !ResourceValues.clouds.contains(cloud.lowercased())
        {
            let known = cloud.lowercased() == "k8s" ? "kubernetes" : NearestKey.to(cloud, among: ResourceValues.clouds)
            problem(
                "\"\(cloud.shortened)\" is no cloud that SkyPilot knows; "
                    + (known.map { "did you mean \($0)?" }
                        ?? "known: \(ResourceValues.clouds.sorted().joined(separator: ", "))"),
                key: "cloud")
        }
        guard let infra = string("infra", wanted: "CLOUD, CLOUD/REGION or CLOUD/REGION/ZONE") else { return }
        if !ResourceValues.isInfra(infra) {
            let cloud = infra.split(separator: "/").first.map(String.init) ?? ""
            let hint = NearestKey.to(cloud, among: ResourceValues.clouds).map {
                $0 == cloud.lowercased() ? "" : "; did you mean \($0)?"
            }
            problem(
                "must be CLOUD, CLOUD/REGION or CLOUD/REGION/ZONE, with * for any, not \"\(infra.shortened)\""
                    + (hint ?? ""), key: "infra")
        }
        let others = ["cloud", "region", "zone"].filter(has)
        if !others.isEmpty {
            problem("says the same as \(others.joined(separator: " and ")); keep one of them", key: "infra")
        }
    }

    private func checkSizes() {
        _ = value("cpus", wanted: "a number above 0, or at least as many, such as \"4+\"") {
            ResourceValues.isCount($0) ? true : nil
        }
        _ = value("memory", wanted: "GB above 0, such as 16, \"16+\" or \"16GB\"") {
            ResourceValues.isMemory($0, mayBeNone: isOnSlurm) ? true : nil
        }
        for key in ["disk_size", "ephemeral_storage"] {
            _ = value(key, wanted: "a whole number of GB above 0, such as 100 or \"100GB\"") {
                ResourceValues.isSize($0) ? true : nil
            }
        }
        checkTier("disk_tier", ["low", "medium", "high", "ultra", "best"])
        checkTier("network_tier", ["standard", "best"])
        _ = value("local_disk", wanted: "nvme or ssd, with a size if you like, such as \"nvme:1000+\"") {
            if case .string(let text) = $0.content, ResourceValues.isLocalDisk(text) { true } else { nil }
        }
        _ = value("max_hourly_cost", wanted: "a number above 0") {
            if case .number(let value, _) = $0.content, value > 0 { true } else { nil }
        }
    }

    private var isOnSlurm: Bool {
        ["cloud", "infra"].contains {
            if case .string(let text)? = entry($0)?.value.content {
                text.lowercased().hasPrefix("slurm")
            } else {
                false
            }
        }
    }

    private func checkTier(_ key: String, _ tiers: [String]) {
        _ = value(key, wanted: "one of " + tiers.joined(separator: ", ")) {
            if case .string(let text) = $0.content, tiers.contains(text.lowercased()) { true } else { nil }
        }
    }

    private func checkAccelerators(isAlternative: Bool) {
        guard let entry = entry("accelerators") else { return }
        var names: [String] = []
        switch entry.value.content {
        case .string(let text): names = [text]
        case .list(let items) where !isAlternative:
            for item in items {
                guard case .string(let text) = item.content else {
                    problem(
                        "must be a list of texts such as A100:1, not of \(item.inWords)", key: entry.key, at: item.line)
                    continue
                }
                names.append(text)
            }
        case .map(let entries):
            if isAlternative, entries.count > 1 {
                problem("has several; one of several resources has one accelerator", key: entry.key)
            }
            for accelerator in entries {
                switch accelerator.value.content {
                case .null where !isAlternative: names.append(accelerator.key)
                case .number(let count, let written):
                    names.append("\(accelerator.key):\(Int(exactly: count).map(String.init) ?? written)")
                case .null, .bool, .string, .list, .map:
                    problem(
                        "must be how many, a number above 0, not \(accelerator.value.inWords)",
                        key: "\(entry.key).\(accelerator.key.shortened)", at: accelerator.keyLine)
                }
            }
        case .null, .bool, .number, .list:
            problem(
                "must be a text such as A100:1\(isAlternative ? " or a section" : ", a section or a list"), "
                    + "not \(entry.value.inWords)", key: entry.key)
        }
        let isEmpty =
            switch entry.value.content {
            case .list(let items): items.isEmpty
            case .map(let entries): entries.isEmpty
            case .null, .bool, .number, .string: false
            }
        if isEmpty { problem("names none; leave the key out, or name one such as A100:1", key: entry.key) }
        for name in names {
            if let wrong = ResourceValues.problem(accelerator: name) {
                problem("\(wrong), not \"\(name.shortened)\"", key: entry.key)
            }
        }
        checkWhereTPUsAre(names.first ?? "", entry.key)
    }

    private func checkAcceleratorArguments() {
        guard let arguments = self.section("accelerator_args") else { return }
        arguments.refuseUnknownKeys(known: ["runtime_version", "tpu_name", "tpu_vm", "gcp_queued_resource"])
        for key in ["runtime_version", "tpu_name"] { _ = arguments.string(key) }
        for key in ["tpu_vm", "gcp_queued_resource"] { _ = arguments.bool(key) }
    }

    private func checkWhereTPUsAre(_ name: String, _ key: String) {
        guard name.lowercased().contains("tpu") else { return }
        for place in ["cloud", "infra"] {
            guard case .string(let text)? = entry(place)?.value.content,
                let cloud = text.split(separator: "/").first?.lowercased(),
                !["gcp", "kubernetes", "k8s", "ssh", "*"].contains(cloud)
            else { continue }
            problem("is a TPU, which is to be had at gcp and kubernetes only, not at \(cloud.shortened)", key: key)
        }
    }

    private func checkLabelsAndImages() {
        if let labels = self.section("labels") {
            for label in labels.entries where !label.value.isText {
                labels.problem(
                    "must be a text (in quotes), not \(label.value.inWords)", key: label.key.shortened,
                    at: label.keyLine)
            }
        }
        guard let image = entry("image_id") else { return }
        switch image.value.content {
        case .string: break
        case .map(let entries):
            for image in entries where !image.value.isText {
                problem(
                    "must be the text of an image, not \(image.value.inWords)",
                    key: "image_id.\(image.key.shortened)", at: image.keyLine)
            }
            let images = entries.filter { $0.key != "docker" }.contains {
                if case .string(let text) = $0.value.content { text.hasPrefix("docker:") } else { false }
            }
            if images, entries.contains(where: { $0.key == "docker" }) {
                problem("says in two ways which Docker image is meant; keep one of them", key: "image_id")
            }
        case .null, .bool, .number, .list:
            problem("must be a text or a section, not \(image.value.inWords)", key: "image_id")
        }
    }

    private func checkVolumes() {
        guard let entry = entry("volumes") else { return }
        guard case .list(let items) = entry.value.content else {
            return problem("must be a list of sections, not \(entry.value.inWords)", key: "volumes")
        }
        for item in items {
            let volume = Section(item, path: fullKey("volumes"), findings: findings)
            guard case .map = item.content else {
                volume.problem("must be a list of sections, not of \(item.inWords)")
                continue
            }
            for key in ["path", "name", "disk_tier", "storage_type", "attach_mode"] { _ = volume.string(key) }
            _ = volume.bool("auto_delete")
            let isInstances =
                if case .string(let text)? = volume.entry("storage_type")?.value.content {
                    text.lowercased() == "instance"
                } else { false }
            _ = volume.value("disk_size", wanted: "a whole number of GB") {
                switch $0.content {
                case .number: $0.integer.map { _ in true }
                case .string(let text): isInstances && text.wholeMatch(of: /[0-9]+([A-Za-z]{2})?/) != nil ? true : nil
                case .null, .bool, .list, .map: nil
                }
            }
            if !volume.has("path") { volume.problem("has no `path`; say where it is to be mounted") }
            if !isInstances, !volume.has("name") {
                volume.problem("has no `name`, which a network volume needs (or `storage_type: instance`)")
            }
        }
    }

    private func checkAutostop() {
        guard let entry = entry("autostop") else { return }
        let wanted = "false, minutes, a time such as 30m or 2h, or a section"
        switch entry.value.content {
        case .bool: return
        case .number where entry.value.integer != nil: return
        case .string(let text) where text.wholeMatch(of: /[0-9]+[mhdwMHDW]?/) != nil: return
        case .map: break
        case .null, .number, .string, .list:
            return problem("must be \(wanted), not \(entry.value.inWords)", key: "autostop")
        }
        guard let autostop = self.section("autostop") else { return }
        autostop.refuseUnknownKeys(known: ["idle_minutes", "down", "wait_for", "hook", "hook_timeout"])
        _ = autostop.integer("idle_minutes", in: 0...Int(Int32.max))
        _ = autostop.bool("down")
        _ = autostop.string("hook", wanted: "a command")
        _ = autostop.integer("hook_timeout", in: 1...Int(Int32.max))
        autostop.checkTier("wait_for", ["jobs_and_ssh", "jobs", "none"])
    }
}

extension YAMLNode {
    fileprivate var isText: Bool { if case .string = content { true } else { false } }
}

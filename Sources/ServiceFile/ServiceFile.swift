import Foundation
import Lifecycle

/// A service file: the task file of SkyPilot with a `service` section, read and checked.
///
/// The vocabulary and what is refused are SkyPilot 0.14.1's (`sky/utils/schemas.py`); what cannot be
/// done on one machine is refused with the reason, or accepted with a note where doing nothing is
/// harmless. All that is wrong in a file is told at once, each with its line.
public struct ServiceFile: Sendable {
    /// From `name`; nil when the file has none.
    public var name: ServiceName?
    /// A name made of the file's own name; nil when that cannot be one.
    public var nameFromPath: ServiceName?
    public var spec: ServiceSpec
    /// Sentences about what is accepted and does nothing here.
    public var notes: [String]

    /// Reads the file at `path`.
    ///
    /// - Parameters:
    ///   - path: as the user typed it; relative to `workingDirectory`.
    ///   - workingDirectory: where the command was given, absolute.
    ///   - envs: from the command line; over the file's.
    /// - Throws: ``FileProblems``, with everything that is wrong.
    public static func read(
        _ path: String, workingDirectory: String, envs: [String: String] = [:]
    ) throws(FileProblems) -> ServiceFile {
        let findings = Findings()
        do throws(ReadFailure) {
            let url = URL(fileURLWithPath: path, relativeTo: URL(fileURLWithPath: workingDirectory, isDirectory: true))
            guard let root = try YAMLReader.read(try FileText.read(url.path)) else {
                throw ReadFailure("is empty; a service file has at least `run` and `service`")
            }
            guard case .map = root.content else {
                throw ReadFailure("must be a section of `key: value` lines, not \(root.inWords)", line: root.line)
            }
            let file = Section(root, path: "", findings: findings)
            let folders = Folders(
                file: url.deletingLastPathComponent().standardizedFileURL.path, here: workingDirectory)
            let service = read(file, folders, envs: envs, nameFromPath: name(from: url))
            if findings.problems.isEmpty, let service { return service }
        } catch {
            findings.problem(error.message, at: error.line)
        }
        throw FileProblems(file: path, problems: findings.problems)
    }

    /// Keys of a task (SkyPilot 0.14.1).
    static let keys = [
        "name", "workdir", "event_callback", "num_nodes", "resources", "file_mounts", "service", "pool", "setup", "run",
        "envs", "secrets", "managed_secrets", "inputs", "outputs", "config", "volumes", "volume_mounts",
        "api_server_access", "file_mounts_mapping", "_metadata",
    ]

    private static func read(
        _ file: Section, _ folders: Folders, envs overrides: [String: String], nameFromPath: ServiceName?
    ) -> ServiceFile? {
        var elsewhere: [String: String] = [:]
        for key in ServiceSection.keys where !keys.contains(key) { elsewhere[key] = "service" }
        for key in ResourcesSection.keys where !keys.contains(key) && key != "autostop" { elsewhere[key] = "resources" }
        elsewhere["ports"] = "resources"
        file.refuseUnknownKeys(known: keys, elsewhere: elsewhere)
        refuseWhatCannotBeDone(file)

        let envs = EnvironmentVariables(file, overrides: overrides)
        if envs.values["PORT"] != nil {
            file.findings.note("envs.PORT is not used: each replica is given a port of its own as $PORT")
        }
        let substitution = Substitution(envs: envs.values)
        let name = name(file)
        let workdir = WorkdirValue.read(file, folders, substitution)
        let setup = file.string("setup", wanted: "shell commands")
        let run = file.string("run", wanted: "shell commands")
        if !file.has("run") { file.problem("has no `run`: the shell commands that serve") }
        if let run, run.allSatisfy(\.isWhitespace) {
            file.problem("is empty: it must be the commands that serve", key: "run")
        }
        let resources = ResourcesSection(file)
        guard file.has("service") else {
            file.problem("has no `service` section; `service: {readiness_probe: /}` is the shortest")
            return nil
        }
        guard file.section("service") != nil, let entry = file.entry("service") else { return nil }
        let service = ServiceSection(
            Section(substitution(entry.value), path: "service", findings: file.findings))
        if service.port == nil, resources.ports.count > 1 {
            file.problem(
                "opens several ports; say in `service.ports` which one answers requests", key: "resources")
        }
        let spec = ServiceSpec(
            workdir: workdir.map(Workdir.folder), setup: setup.flatMap { $0.allSatisfy(\.isWhitespace) ? nil : $0 },
            run: run ?? "",
            envs: envs.values, port: service.port ?? resources.ports.first, readinessProbe: service.readinessProbe,
            replicas: service.replicas, loadBalancer: service.loadBalancer)
        return ServiceFile(name: name, nameFromPath: nameFromPath, spec: spec, notes: file.findings.notes)
    }

    private static func refuseWhatCannotBeDone(_ file: Section) {
        if file.has("pool") {
            file.problem(
                "is for pools of batch workers, which are not services; write a `service` section", key: "pool")
        }
        if let nodes = file.integer("num_nodes", in: 1...Int(Int32.max)), nodes > 1 {
            file.problem("a replica runs on this one machine; it must be 1, not \(nodes)", key: "num_nodes")
        }
        for key in ["secrets", "managed_secrets"] where isGiven(key, file) {
            file.problem("is not done yet: let `run` read them from a file that only you may read", key: key)
        }
        for key in ["file_mounts", "volumes", "volume_mounts"] where isGiven(key, file) {
            file.problem(
                "is not done yet: replicas run on this machine and see its files; use paths in `run`", key: key)
        }
        for key in ["event_callback", "inputs", "outputs", "config", "api_server_access"] where file.has(key) {
            file.findings.note("\(key) does nothing here")
        }
    }

    /// Whether the key has a value that asks for something.
    private static func isGiven(_ key: String, _ file: Section) -> Bool {
        switch file.entry(key)?.value.content {
        case nil, .null: false
        case .list(let items): !items.isEmpty
        case .map(let entries): !entries.isEmpty
        case .bool, .number, .string: true
        }
    }

    private static func name(_ file: Section) -> ServiceName? {
        guard let text = file.string("name", wanted: "a text") else { return nil }
        guard let name = ServiceName(rawValue: text) else {
            file.problem("\"\(text.shortened)\" cannot be a name: names are \(NameRule.inWords)", key: "name")
            return nil
        }
        return name
    }

    /// `My_Service.sky.yaml` → `my-service`.
    private static func name(from url: URL) -> ServiceName? {
        let stem = url.lastPathComponent.split(separator: ".").first.map(String.init) ?? ""
        return ServiceName(rawValue: stem.lowercased().replacing("_", with: "-"))
    }
}

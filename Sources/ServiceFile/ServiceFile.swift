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
    /// Everything but secrets: their names get into it with ``SecretsReference``, by whoever keeps them.
    public var spec: ServiceSpec
    /// Values of the secrets, which must not get into the log.
    public var secrets: [String: String]
    /// Sentences about what is accepted and does nothing here.
    public var notes: [String]

    /// Reads the file at `path`.
    ///
    /// - Parameters:
    ///   - path: as the user typed it; relative to `workingDirectory`.
    ///   - workingDirectory: where the command was given, absolute.
    ///   - given: what the command line gives beside it.
    ///   - examineTLS: looks at the certificate and key it names, which this module cannot read.
    /// - Throws: ``FileProblems``, with everything that is wrong.
    public static func read(
        _ path: String, workingDirectory: String, given: GivenValues = GivenValues(),
        examineTLS: (TLSFiles) -> TLSExamination = { _ in TLSExamination() }
    ) throws(FileProblems) -> ServiceFile {
        let findings = Findings()
        do throws(ReadFailure) {
            let url = URL(fileURLWithPath: path, relativeTo: URL(fileURLWithPath: workingDirectory, isDirectory: true))
            guard let root = try YAMLReader.read(try FileText.read(path.isEmpty ? "" : url.path)) else {
                throw ReadFailure("is empty; a service file has at least `run` and `service`")
            }
            guard case .map = root.content else {
                throw ReadFailure("must be a section of `key: value` lines, not \(root.inWords)", line: root.line)
            }
            let file = Section(root, path: "", findings: findings)
            let folders = Folders(
                file: url.deletingLastPathComponent().standardizedFileURL.path, here: workingDirectory)
            let service = read(
                file, folders, given, nameFromPath: derivedName(url.lastPathComponent, isFile: true), examineTLS)
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
        _ whole: Section, _ folders: Folders, _ given: GivenValues, nameFromPath: ServiceName?,
        _ examineTLS: (TLSFiles) -> TLSExamination
    ) -> ServiceFile? {
        var elsewhere: [String: String] = [:]
        for key in ServiceSection.keys + ServiceSection.ownKeys where !keys.contains(key) { elsewhere[key] = "service" }
        for key in ResourcesSection.keys where !keys.contains(key) && key != "autostop" { elsewhere[key] = "resources" }
        elsewhere["ports"] = "resources"
        whole.refuseUnknownKeys(known: keys, elsewhere: elsewhere)

        let variables = EnvironmentVariables(whole, given)
        var folders = folders
        folders.unknown = variables.unknown
        folders.secret = variables.allSecretNames
        if let home = variables.envs["HOME"], home.hasPrefix("/") { folders.home = home }
        if variables.envs["PORT"] != nil {
            whole.findings.note("envs.PORT is not used: each replica is given a port of its own as $PORT")
        }
        // As in SkyPilot, variables are filled in here and nowhere else. Those that are secret stay as they
        // are, for what is read here is stored.
        let file = whole.withoutNulls().filling(
            ["service", "workdir", "file_mounts"],
            with: Substitution(envs: variables.envs.filter { variables.secrets[$0.key] == nil }))
        refuseWhatCannotBeDone(file)
        let name = name(file, orElse: nameFromPath)
        let workdir = workdir(file, folders, given)
        refuseSecretsInPaths(file, Set(variables.secrets.keys))
        let mounts = FileMounts.read(file, folders)
        let setup = file.string("setup", wanted: "shell commands")
        let run = file.string("run", wanted: "shell commands")
        if !file.has("run"), !whole.hasMisspelt("run", among: keys) {
            file.problem("has no `run`: the shell commands that serve")
        }
        if let run, run.allSatisfy(\.isWhitespace) {
            file.problem("is empty: it must be the commands that serve", key: "run")
        }
        let resources = ResourcesSection(file)
        guard file.has("service") else {
            resources.noteIdleKeys(file, targets: nil)
            if !whole.hasMisspelt("service", among: keys) {
                file.problem("has no `service` section; `service: {readiness_probe: /}` is the shortest")
            }
            return nil
        }
        guard let section = file.section("service") else { return nil }
        let service = ServiceSection(section, folders, usesSpotOnly: resources.usesSpotOnly, examineTLS)
        resources.noteIdleKeys(file, targets: service.replicaPolicy.targetQPSPerReplica)
        if service.port == nil, resources.ports.count > 1 {
            file.problem(
                "opens several ports; say in `service.ports` which one answers requests", key: "resources")
        }
        let spec = ServiceSpec(
            workdir: workdir, fileMounts: mounts, setup: setup.flatMap { $0.allSatisfy(\.isWhitespace) ? nil : $0 },
            run: run ?? "", envs: variables.envs, port: service.port ?? resources.ports.first,
            accelerator: resources.accelerator, readinessProbe: service.readinessProbe,
            replicaPolicy: service.replicaPolicy, loadBalancer: service.loadBalancer, tls: service.tls,
            replicaDrainDelaySeconds: service.replicaDrainDelaySeconds, idleDownSeconds: service.idleDownSeconds)
        return ServiceFile(
            name: name, nameFromPath: nameFromPath, spec: spec, secrets: variables.secrets, notes: file.findings.notes)
    }

    private static func workdir(_ file: Section, _ folders: Folders, _ given: GivenValues) -> Workdir? {
        guard let path = given.workdir else { return WorkdirValue.read(file, folders) }
        let here = Folders(file: folders.here, here: folders.here)
        return PathValue(folders: here).find(path, .folder, key: "--workdir", in: file).map(Workdir.folder)
    }

    /// A secret in a path or URL would be seen in the log and in process listings.
    private static func refuseSecretsInPaths(_ file: Section, _ secrets: Set<String>) {
        let texts = Substitution(envs: Dictionary(uniqueKeysWithValues: secrets.map { ($0, "") }))
        for key in ["workdir", "file_mounts"] {
            guard let value = file.entry(key)?.value, texts(value) != value else { continue }
            file.problem(
                "has a secret in it, which would be seen in the log; for git, use its credential helper", key: key)
        }
    }

    private static func refuseWhatCannotBeDone(_ file: Section) {
        if file.has("pool") {
            file.problem(
                "is for pools of batch workers, which are not services; write a `service` section", key: "pool")
        }
        if case .number(_, let written)? = file.entry("num_nodes")?.value.content, written.contains(".") {
            file.problem("must be a whole number, written without a point: 1", key: "num_nodes")
        } else if let nodes = file.integer("num_nodes", in: 1...Int(Int32.max)), nodes > 1 {
            file.problem("a replica runs on this one machine; it must be 1, not \(nodes)", key: "num_nodes")
        }
        for key in ["volumes", "volume_mounts"] where isGiven(key, file) {
            file.problem("is of clouds and clusters; mount files of this machine with `file_mounts`", key: key)
        }
        _ = file.string("event_callback", wanted: "shell commands")
        _ = file.bool("api_server_access")
        for key in ["inputs", "outputs", "config", "file_mounts_mapping", "_metadata"] { _ = file.section(key) }
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

    /// The service's name by the file. A task of SkyPilot may be called what no service may be.
    private static func name(_ file: Section, orElse nameFromPath: ServiceName?) -> ServiceName? {
        guard let text = file.string("name", wanted: "a text") else { return nil }
        if let name = ServiceName(rawValue: text) { return name }
        // `sky serve` takes a service's name from the command line only, and this much of the task's.
        guard text.utf8.count <= NameRule.maximumLength,
            text.wholeMatch(of: /[a-zA-Z0-9]+(?:[._-]{1,2}[a-zA-Z0-9]+)*/) != nil,
            let name = derivedName(text, isFile: false) ?? nameFromPath
        else {
            file.problem("\"\(text.shortened)\" cannot be a name: names are \(NameRule.inWords)", key: "name")
            return nil
        }
        file.findings.note("the service is called \(name): names are \(NameRule.inWords)")
        return name
    }

    /// `My_Service.sky.yaml` → `my-service`.
    private static func derivedName(_ text: String, isFile: Bool) -> ServiceName? {
        let stem = isFile ? text.split(separator: ".").first.map(String.init) ?? "" : text
        return ServiceName(rawValue: stem.lowercased().replacing("_", with: "-").replacing(".", with: "-"))
    }
}

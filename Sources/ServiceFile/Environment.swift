/// The service's environment variables and secrets: the file's, with those of the command line over them.
struct EnvironmentVariables {
    private(set) var envs: [String: String] = [:]
    private(set) var secrets: [String: String] = [:]
    private let given: GivenValues
    /// Names that the file calls secret.
    private var secretNames: Set<String> = []
    private var missing: [String] = []
    /// Names whose values only `up` will be given.
    private(set) var unknown: Set<String> = []

    init(_ file: Section, _ given: GivenValues) {
        self.given = given
        // Secrets first: what the file calls secret is secret wherever its value comes from.
        readSecrets(file)
        readManagedSecrets(file)
        readEnvs(file)
        for (name, value) in given.envs where !secretNames.contains(name) { envs[name] = value }
        secrets.merge(given.secrets) { _, given in given }
        let both = envs.keys.filter { secrets[$0] != nil }.sorted()
        if !both.isEmpty {
            file.findings.note(
                "\(both.joined(separator: ", ")): in `envs` and in `secrets`; the secret is what `run` sees")
        }
        if !missing.isEmpty { file.findings.note("`up` must be given \(missing.joined(separator: ", "))") }
    }

    private mutating func readEnvs(_ file: Section) {
        guard let entry = file.entry("envs"), entry.value.content != .null, let section = file.section("envs") else {
            return
        }
        for entry in section.entries where Self.isName(entry, in: section) {
            if entry.value.content != .null {
                envs[entry.key] = Self.value(entry, in: section)
            } else if given.envs[entry.key] == nil {
                demand(
                    "--env \(entry.key)=VALUE", entry, in: section,
                    otherwise: ", or write \(entry.key): \"\" for an empty one")
            }
        }
    }

    private mutating func readSecrets(_ file: Section) {
        guard let entry = file.entry("secrets"), entry.value.content != .null else { return }
        if case .list(let items) = entry.value.content {
            for item in items { readReference(item, of: "secrets", file, mustBePrefixed: true) }
            return
        }
        guard let section = file.section("secrets") else { return }
        for entry in section.entries {
            if entry.key.hasPrefix("secrets:"), entry.value.content != .null {
                section.problem(
                    "is a reference and has no value here; without `secrets:` before it, it is a secret with a value",
                    key: entry.key.shortened, at: entry.keyLine)
                continue
            }
            var named = entry
            if entry.value.content == .null { named.key = Self.referenced(entry.key) }
            guard Self.isName(named, in: section) else { continue }
            secretNames.insert(named.key)
            if entry.value.content != .null {
                secrets[named.key] = Self.value(named, in: section)
            } else {
                take(named, in: section)
            }
        }
    }

    private mutating func readManagedSecrets(_ file: Section) {
        guard let entry = file.entry("managed_secrets"), entry.value.content != .null else { return }
        guard case .list(let items) = entry.value.content else {
            file.problem("must be a list of names, not \(entry.value.inWords)", key: "managed_secrets")
            return
        }
        for item in items { readReference(item, of: "managed_secrets", file, mustBePrefixed: false) }
    }

    private mutating func readReference(_ item: YAMLNode, of key: String, _ file: Section, mustBePrefixed: Bool) {
        guard case .string(let text) = item.content, !mustBePrefixed || text.hasPrefix("secrets:") else {
            let wanted = mustBePrefixed ? "names such as secrets:HF_TOKEN" : "names"
            let isMount = if case .map = item.content { !mustBePrefixed } else { false }
            file.problem(
                isMount
                    ? "with a mount_path is not done: let `run` write the variable to a file"
                    : "must be a list of \(wanted), not of \(item.inWords)", key: key, at: item.line)
            return
        }
        let section = Section(item, path: key, findings: file.findings)
        let entry = YAMLNode.Entry(key: Self.referenced(text), keyLine: item.line, value: item)
        guard Self.isName(entry, in: section) else { return }
        secretNames.insert(entry.key)
        take(entry, in: section)
    }

    /// Takes the value of a secret that the file only names from the command line.
    private mutating func take(_ entry: YAMLNode.Entry, in section: Section) {
        if let value = given.secrets[entry.key] ?? given.envs[entry.key] {
            secrets[entry.key] = value
        } else {
            demand("--secret \(entry.key)", entry, in: section, otherwise: " (its value is then taken from here)")
        }
    }

    private mutating func demand(
        _ option: String, _ entry: YAMLNode.Entry, in section: Section, otherwise: String
    ) {
        if given.mustBeComplete {
            section.problem("has no value; give it with \(option)\(otherwise)", key: entry.key, at: entry.keyLine)
        } else {
            missing.append(option)
            unknown.insert(entry.key)
        }
    }

    /// `secrets:personal.HF_TOKEN` → `HF_TOKEN`: there is one scope here.
    private static func referenced(_ text: String) -> String {
        var name = text[...]
        if name.hasPrefix("secrets:") { name = name.dropFirst("secrets:".count) }
        for scope in ["personal.", "workspace.", "global."] where name.hasPrefix(scope) {
            return String(name.dropFirst(scope.count))
        }
        return String(name)
    }

    /// Names of everything that is secret, by the file or by the command line.
    var allSecretNames: Set<String> { secretNames.union(secrets.keys) }

    private static func value(_ entry: YAMLNode.Entry, in section: Section) -> String? {
        let value = text(entry, in: section)
        if let value, let problem = VariableLength.problem(entry.key, value) {
            section.problem(problem, key: entry.key, at: entry.keyLine)
        }
        return value
    }

    private static func text(_ entry: YAMLNode.Entry, in section: Section) -> String? {
        switch entry.value.content {
        // As Python prints it, for that is what services written for SkyPilot see.
        case .bool(let value): return value ? "True" : "False"
        // As it is written, so that a version 1.10 does not become 1.1.
        case .number(_, let written): return written
        case .string(let text): return text
        case .null: return nil
        case .list, .map:
            section.problem("must be a text, not \(entry.value.inWords)", key: entry.key, at: entry.keyLine)
            return nil
        }
    }

    private static func isName(_ entry: YAMLNode.Entry, in section: Section) -> Bool {
        if isName(entry.key) { return true }
        section.problem(
            "is not a name for an environment variable: letters, digits and _, not starting with a digit",
            key: entry.key.shortened, at: entry.keyLine)
        return false
    }

    static func isName(_ text: String) -> Bool {
        text.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]*/) != nil
    }
}

/// `--env` or `--secret` as it is typed: `K=V`, or `K` alone for the value K has here.
public enum EnvironmentOption {
    /// - Parameters:
    ///   - options: what was typed, in its order; the last of a name wins.
    ///   - here: the environment of the command.
    ///   - option: its name, for what is said of a wrong one.
    /// - Throws: ``OptionFailure``, naming the option that is wrong.
    public static func parse(
        _ options: [String], here: [String: String], option name: String = "--env"
    ) throws(OptionFailure) -> [String: String] {
        var values: [String: String] = [:]
        for option in options {
            let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let variable = String(parts[0])
            guard EnvironmentVariables.isName(variable) else {
                // A secret is not repeated on the terminal.
                let typed = name == "--env" ? option : variable
                throw OptionFailure(
                    "\(name) \(typed.shortened): must be NAME=VALUE, or NAME alone for its value here")
            }
            guard parts.count == 2 || here[variable] != nil else {
                throw OptionFailure("\(name) \(variable): \(variable) is not set here; give \(name) \(variable)=VALUE")
            }
            values[variable] = parts.count == 2 ? String(parts[1]) : here[variable]
            guard values[variable]?.utf8.contains(0) != true else {
                throw OptionFailure("\(name) \(variable): must not have a zero byte")
            }
            if let problem = values[variable].flatMap({ VariableLength.problem(variable, $0) }) {
                throw OptionFailure("\(name) \(variable): \(problem)")
            }
        }
        return values
    }
}

/// An option of the command line that cannot be read, in words.
public struct OptionFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String

    init(_ description: String) { self.description = description }
}

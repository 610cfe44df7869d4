/// The service's environment variables: the file's `envs`, with those of the command line over them.
struct EnvironmentVariables {
    private(set) var values: [String: String] = [:]

    /// - Parameter overrides: from the command line; they give values to names that the file leaves empty.
    init(_ file: Section, overrides: [String: String]) {
        if let entry = file.entry("envs"), entry.value.content != .null, let section = file.section("envs") {
            for entry in section.entries { read(entry, in: section, overrides) }
        }
        values.merge(overrides) { _, given in given }
    }

    private mutating func read(_ entry: YAMLNode.Entry, in section: Section, _ overrides: [String: String]) {
        guard Self.isName(entry.key) else {
            section.problem(
                "is not a name for an environment variable: letters, digits and _, not starting with a digit",
                key: entry.key.shortened, at: entry.keyLine)
            return
        }
        switch entry.value.content {
        case .null:
            guard overrides[entry.key] == nil else { return }
            section.problem(
                "has no value; give it with --env \(entry.key)=VALUE, or write \(entry.key): \"\" for an empty one",
                key: entry.key, at: entry.keyLine)
        // As Python prints it, for that is what services written for SkyPilot see.
        case .bool(let value): values[entry.key] = value ? "True" : "False"
        // As it is written, so that a version 1.10 does not become 1.1.
        case .number(_, let written): values[entry.key] = written
        case .string(let text): values[entry.key] = text
        case .list, .map:
            section.problem("must be a text, not \(entry.value.inWords)", key: entry.key, at: entry.keyLine)
        }
    }

    static func isName(_ text: String) -> Bool {
        text.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]*/) != nil
    }
}

/// `--env` as it is typed: `K=V`, or `K` alone for the value K has here.
public enum EnvironmentOption {
    /// - Parameters:
    ///   - options: what was typed, in its order; the last of a name wins.
    ///   - here: the environment of the command.
    /// - Throws: ``OptionFailure``, naming the option that is wrong.
    public static func parse(_ options: [String], here: [String: String]) throws(OptionFailure) -> [String: String] {
        var values: [String: String] = [:]
        for option in options {
            let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            guard EnvironmentVariables.isName(name) else {
                throw OptionFailure("--env \(option.shortened): must be NAME=VALUE, or NAME alone for its value here")
            }
            guard parts.count == 2 || here[name] != nil else {
                throw OptionFailure("--env \(name): \(name) is not set here; give --env \(name)=VALUE")
            }
            values[name] = parts.count == 2 ? String(parts[1]) : here[name]
        }
        return values
    }
}

/// An option of the command line that cannot be read, in words.
public struct OptionFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String

    init(_ description: String) { self.description = description }
}

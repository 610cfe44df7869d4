/// Fills `$NAME` and `${NAME}` in the texts of a value, as SkyPilot does in `service`, `workdir` and
/// `file_mounts`; names that `envs` does not have stay as they are.
struct Substitution {
    let envs: [String: String]

    func callAsFunction(_ node: YAMLNode) -> YAMLNode {
        var node = node
        switch node.content {
        case .string(let text): node.content = .string(fill(text))
        case .list(let items): node.content = .list(items.map(callAsFunction))
        case .map(let entries):
            node.content = .map(
                entries.map {
                    YAMLNode.Entry(key: fill($0.key), keyLine: $0.keyLine, value: self($0.value))
                })
        case .null, .bool, .number: break
        }
        return node
    }

    func fill(_ text: String) -> String {
        guard text.contains("$") else { return text }
        return text.replacing(/\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))/) { match in
            let name = String(match.1 ?? match.2 ?? "")
            return envs[name] ?? String(match.0)
        }
    }
}

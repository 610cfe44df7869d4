import Lifecycle

/// A mapping of a file while it is read: gives values of the type that is asked for, and says so in
/// ``Findings`` where the file has another.
struct Section {
    private(set) var entries: [YAMLNode.Entry]
    let line: Int
    /// Keys that lead here, joined by dots; empty for the whole file.
    let path: String
    let findings: Findings

    init(_ node: YAMLNode, path: String, findings: Findings) {
        if case .map(let entries) = node.content { self.entries = entries } else { entries = [] }
        line = node.line
        self.path = path
        self.findings = findings
    }

    func fullKey(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    func entry(_ key: String) -> YAMLNode.Entry? { entries.last { $0.key == key } }

    func has(_ key: String) -> Bool { entry(key) != nil }

    /// Whether a key that nobody knows was meant to be this one, which is told then.
    func hasMisspelt(_ key: String, among known: [String]) -> Bool {
        entries.contains { !known.contains($0.key) && NearestKey.to($0.key, among: known) == key }
    }

    func problem(_ message: String, key: String? = nil, at line: Int? = nil) {
        let place = line ?? key.flatMap { entry($0)?.keyLine } ?? self.line
        findings.problem(message, at: place, key: key.map(fullKey) ?? (path.isEmpty ? nil : path))
    }

    /// Says so of every key that is not `known`. `elsewhere` are keys that belong to another section, `former` those that
    /// earlier SkyPilots had, with what to say of them.
    func refuseUnknownKeys(
        known: [String], elsewhere: [String: String] = [:], former: [String: String] = [:]
    ) {
        for entry in entries where !known.contains(entry.key) {
            let hint: String
            if let place = elsewhere[entry.key] {
                hint = "it belongs under `\(place)`"
            } else if let now = former[entry.key] {
                hint = now
            } else if let nearest = NearestKey.to(entry.key, among: known) {
                hint = "did you mean `\(nearest)`?"
            } else {
                hint = "known here: \(known.sorted().joined(separator: ", "))"
            }
            findings.problem("unknown key; \(hint)", at: entry.keyLine, key: fullKey(entry.key).shortened)
        }
    }

    // MARK: Values

    /// This section without the keys that have no value: they say as much as if they were not there.
    func withoutNulls() -> Section {
        var section = self
        section.entries.removeAll { $0.value.content == .null }
        return section
    }

    /// This section with the key `alias` called by the name it stands for.
    func with(_ alias: String, calledAs key: String) -> Section {
        guard has(alias) else { return self }
        if has(key) { problem("says the same as `\(key)`; keep one of them", key: alias) }
        var section = self
        for index in entries.indices where entries[index].key == alias { section.entries[index].key = key }
        return section
    }

    /// This section with variables filled in where `keys` lead.
    func filling(_ keys: [String], with substitution: Substitution) -> Section {
        var section = self
        for index in entries.indices where keys.contains(entries[index].key) {
            section.entries[index].value = substitution(entries[index].value)
        }
        return section
    }

    /// The value of `key` by `read`; nil when it is not there, or is something else than `wanted`.
    func value<Value>(_ key: String, wanted: String, _ read: (YAMLNode) -> Value?) -> Value? {
        guard let entry = entry(key) else { return nil }
        guard let value = read(entry.value) else {
            let found = entry.value.content == .null ? "has no value; it must be" : "must be"
            let but = entry.value.content == .null ? "" : ", not \(entry.value.inWords)"
            problem("\(found) \(wanted)\(but)", key: key)
            return nil
        }
        return value
    }

    func string(_ key: String, wanted: String = "a text") -> String? {
        value(key, wanted: wanted) { if case .string(let text) = $0.content { text } else { nil } }
    }

    /// A command for bash, of which there is something; what is there and is none is told of.
    func command(_ key: String) -> String? {
        value(key, wanted: "a command for bash") { node -> String? in
            guard case .string(let text) = node.content, !text.allSatisfy(\.isWhitespace) else { return nil }
            return text
        }
    }

    /// A list of texts, or one by itself; 22:00 without quotes is a number in YAML, and a text as it was written.
    func texts(_ key: String, wanted: String) -> [String] {
        value(key, wanted: wanted) { node in
            let nodes = if case .list(let list) = node.content { list } else { [node] }
            var texts: [String] = []
            for node in nodes {
                switch node.content {
                case .string(let text), .number(_, let text): texts.append(text)
                case .null, .bool, .list, .map: return nil
                }
            }
            return texts
        } ?? []
    }

    func bool(_ key: String) -> Bool? {
        value(key, wanted: "true or false") { if case .bool(let value) = $0.content { value } else { nil } }
    }

    func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
        value(key, wanted: "a whole number from \(range.lowerBound) to \(range.upperBound)") {
            $0.integer.flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// A number of seconds, more than `minimum` or equal to it, a hundred years at most.
    func seconds(_ key: String, minimum: Double = 0, exclusive: Bool = false) -> Double? {
        let longest = Deadline.longestSeconds
        let bound = exclusive ? "above \(Self.text(minimum))" : "\(Self.text(minimum)) or more"
        return value(key, wanted: "a number of seconds, \(bound)") {
            guard case .number(let value, _) = $0.content, value <= longest,
                exclusive ? value > minimum : value >= minimum
            else { return nil }
            return value
        }
    }

    func section(_ key: String) -> Section? {
        value(key, wanted: "a section with keys of its own") {
            if case .map = $0.content { Section($0, path: fullKey(key), findings: findings) } else { nil }
        }
    }

    func choice<Choice: RawRepresentable & CaseIterable>(_ key: String, _: Choice.Type) -> Choice?
    where Choice.RawValue == String {
        let names = Choice.allCases.map(\.rawValue)
        return value(key, wanted: "one of " + names.joined(separator: ", ")) {
            guard case .string(let text) = $0.content else { return nil }
            return Choice(rawValue: text)
        }
    }

    /// A time with its unit, such as `90s` or `1h30m`; a number alone counts `unitSeconds` each.
    func duration(_ key: String, unitSeconds: Double, wanted: String) -> Double? {
        value(key, wanted: wanted) {
            switch $0.content {
            case .number(let value, _):
                let seconds = value * unitSeconds
                return seconds >= 0 && seconds <= Deadline.longestSeconds ? seconds : nil
            case .string(let text):
                return text.last?.isLetter == true ? try? IdleWindow.parse(text) : nil
            case .null, .bool, .list, .map: return nil
            }
        }
    }

    private static func text(_ number: Double) -> String { Int(exactly: number).map(String.init) ?? "\(number)" }
}

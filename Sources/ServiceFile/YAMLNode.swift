/// A value of a YAML file, and the line it begins on.
struct YAMLNode: Hashable, Sendable {
    var content: Content
    /// From 1.
    var line: Int
    /// Whether it is a date to PyYAML, for it was written without quotes; a text here.
    var isDate = false

    enum Content: Hashable, Sendable {
        case null
        case bool(Bool)
        /// The number, and how it was written: `1.10` and `1.1` are one number and two texts.
        case number(Double, written: String)
        case string(String)
        case list([YAMLNode])
        case map([Entry])
    }

    struct Entry: Hashable, Sendable {
        var key: String
        var keyLine: Int
        var value: YAMLNode
    }

    /// What it is, for a person who wrote it where something else belongs.
    var inWords: String {
        switch content {
        case .null: "nothing"
        case .bool(let value): "\(value)"
        case .number(_, let written): written
        case .string(let text): "the text \"\(text.shortened)\""
        case .list: "a list"
        case .map: "a section"
        }
    }

    /// The first date in it, if there is one.
    var firstDate: YAMLNode? {
        switch content {
        case .null, .bool, .number, .string: isDate ? self : nil
        case .list(let items): items.lazy.compactMap(\.firstDate).first
        case .map(let entries): entries.lazy.compactMap(\.value.firstDate).first
        }
    }

    /// A whole number, also one that is written with a fraction of zero, as JSON Schema has it.
    var integer: Int? {
        guard case .number(let value, _) = content else { return nil }
        return Int(exactly: value)
    }

    /// The JSON text of the value, keys in their order.
    var json: String {
        switch content {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .number(let value, let written):
            value.isFinite ? (Int(exactly: value).map(String.init) ?? "\(value)") : Self.quoted(written)
        case .string(let text): Self.quoted(text)
        case .list(let items): "[" + items.map(\.json).joined(separator: ", ") + "]"
        case .map(let entries):
            "{" + entries.map { Self.quoted($0.key) + ": " + $0.value.json }.joined(separator: ", ") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

extension String {
    /// Short enough for one line of a message.
    var shortened: String { shortened(to: 60) }

    /// The same, of that many characters at most.
    func shortened(to count: Int) -> String {
        let oneLine = split(whereSeparator: \.isNewline).joined(separator: " ")
        return oneLine.count > count ? oneLine.prefix(count - 3) + "…" : oneLine
    }
}

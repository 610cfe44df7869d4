import Foundation
import Yams

/// Reads one YAML document into a tree that knows its lines.
///
/// What Yams cannot promise is seen to here: a file is bounded in size and, because aliases can make a
/// small file a huge tree ("billion laughs"), so is the number of values; its errors become sentences.
struct YAMLReader {
    /// Largest file that is read, in bytes.
    static let maximumBytes = 1 << 20
    /// Most values in a file, aliases counted each time they stand for something.
    static let maximumValues = 100_000
    /// Deepest nesting of lists and sections.
    static let maximumDepth = 100

    private var values = 0

    /// Marks what has neither quotes nor a tag of its own, and so means what ``PlainScalar`` says.
    private static let plain = "plain"
    private static let plainScalars = Result { try Resolver.basic.appending(Tag.Name(rawValue: plain), "^") }

    /// The document in `text`; nil when it is empty.
    static func read(_ text: String) throws(ReadFailure) -> YAMLNode? {
        var reader = YAMLReader()
        let root: Node?
        do {
            try refuseDeepFlow(text)
            root = try Parser(yaml: text, resolver: plainScalars.get(), encoding: .utf8).singleRoot()
        } catch let failure as ReadFailure {
            throw failure
        } catch {
            throw ReadFailure(error, in: text)
        }
        guard let root else { return nil }
        return try reader.convert(root, depth: 0, fallbackLine: 1)
    }

    /// Yams composes by recursion; text that only opens brackets must not reach it.
    private static func refuseDeepFlow(_ text: String) throws(ReadFailure) {
        var run = 0
        var line = 1
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "["), UInt8(ascii: "{"): run += 1
            case UInt8(ascii: " "), UInt8(ascii: "\t"): break
            case UInt8(ascii: "\n"): line += 1
            default: run = 0
            }
            if run > maximumDepth { throw ReadFailure("is nested more than \(maximumDepth) deep", line: line) }
        }
    }

    private mutating func convert(_ node: Node, depth: Int, fallbackLine: Int) throws(ReadFailure) -> YAMLNode {
        let line = node.mark?.line ?? fallbackLine
        values += 1
        guard values <= Self.maximumValues else {
            throw ReadFailure("has more than \(Self.maximumValues) values, aliases included", line: line)
        }
        guard depth <= Self.maximumDepth else {
            throw ReadFailure("is nested more than \(Self.maximumDepth) deep", line: line)
        }
        switch node {
        case .scalar(let scalar):
            // No file, variable or argument can hold one: what comes after it would be lost.
            guard !scalar.string.utf8.contains(0) else {
                throw ReadFailure("has a text with a zero byte in it", line: line)
            }
            return YAMLNode(
                content: Self.content(of: node, scalar), line: line,
                isDate: node.tag.rawValue == Self.plain && PlainScalar.isDate(scalar.string))
        case .sequence(let sequence):
            var items: [YAMLNode] = []
            for item in sequence { items.append(try convert(item, depth: depth + 1, fallbackLine: line)) }
            return YAMLNode(content: .list(items), line: line)
        case .mapping(let mapping):
            return YAMLNode(content: .map(try entries(of: mapping, depth: depth, line: line)), line: line)
        case .alias:
            throw ReadFailure("has an alias that stands for nothing", line: line)
        }
    }

    private mutating func entries(
        of mapping: Node.Mapping, depth: Int, line: Int
    ) throws(ReadFailure) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        var merged: [YAMLNode.Entry] = []
        for (key, value) in mapping {
            let keyLine = key.mark?.line ?? line
            guard case .scalar(let scalar) = key else {
                throw ReadFailure("has a key that is not a text", line: keyLine)
            }
            let value = try convert(value, depth: depth + 1, fallbackLine: keyLine)
            if scalar.string == "<<", [Self.plain, Tag.Name.merge.rawValue].contains(key.tag.rawValue) {
                merged += try Self.mergedEntries(value)
            } else {
                entries.append(YAMLNode.Entry(key: scalar.string, keyLine: keyLine, value: value))
            }
        }
        // Keys of the section itself go before those it merges in.
        for entry in merged where !entries.contains(where: { $0.key == entry.key }) { entries.append(entry) }
        return entries
    }

    private static func mergedEntries(_ value: YAMLNode) throws(ReadFailure) -> [YAMLNode.Entry] {
        switch value.content {
        case .map(let entries): return entries
        case .list(let items):
            var entries: [YAMLNode.Entry] = []
            for item in items { entries += try mergedEntries(item) }
            return entries
        case .null, .bool, .number, .string:
            throw ReadFailure("merges (<<) something that is not a section", line: value.line)
        }
    }

    private static func content(of node: Node, _ scalar: Node.Scalar) -> YAMLNode.Content {
        let text = scalar.string
        switch node.tag.rawValue {
        case Tag.Name.null.rawValue: return .null
        case Tag.Name.float.rawValue:
            let content = PlainScalar.content(text)
            guard case .number(let value, let written) = content, !written.contains(".") else { return content }
            // Its tag says that it is no whole number, as a point would.
            return .number(value, written: written + ".0")
        case plain, Tag.Name.bool.rawValue, Tag.Name.int.rawValue:
            return PlainScalar.content(text)
        default: return .string(text)
        }
    }
}

/// Why a text is not a YAML document we can use.
struct ReadFailure: Error, Hashable, Sendable {
    var message: String
    var line: Int?

    init(_ message: String, line: Int? = nil) {
        self.message = message
        self.line = line
    }

    /// What Yams says, in words for the person who wrote the file.
    init(_ error: any Error, in text: String) {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _):
            self.init("is not YAML: \(Self.inWords(problem))", line: min(mark.line, Self.lines(of: text)))
        case .composer(_, let problem, let mark, _):
            let isSecond = problem.contains("another document")
            self.init(
                isSecond ? "has a second document; one file is one service" : "is not YAML: \(problem)",
                line: mark.line)
        case .duplicatedKeysInMapping(let duplicates, let context):
            let keys = duplicates.map { "`\($0)`" }.joined(separator: ", ")
            self.init("has \(keys) twice in one section", line: context.mark.line)
        case .reader, .dataCouldNotBeDecoded:
            self.init("has characters that YAML does not allow")
        case .memory, .writer, .emitter, .representer, .no, nil:
            self.init("cannot be read as YAML: \(error)")
        }
    }

    private static func lines(of text: String) -> Int {
        max(1, text.utf8.count { $0 == UInt8(ascii: "\n") } + (text.hasSuffix("\n") ? 0 : 1))
    }

    private static func inWords(_ problem: String) -> String {
        switch problem {
        case "mapping values are not allowed in this context":
            "a `key: value` stands where none can (look at the indentation and at a colon in an unquoted text)"
        case "could not find expected ':'": "a key has no colon after it"
        case "found character that cannot start any token":
            "a character that cannot begin a value (a tab used for indentation?)"
        case "did not find expected key": "a line is indented differently from those above it"
        default: problem
        }
    }
}

import Foundation
import Lifecycle
import Testing

@testable import EventLog

/// `docs/events.schema.json` says of each type what its `data` holds. It is worked out from the golden file, which has
/// one of every form there is, and compared here (DWELL_WRITE_DOCS=1 writes it).
@Suite struct EventSchemaTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    private static let path = folder.deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("docs/events.schema.json")

    private struct Stored: Decodable {
        var type: String
        var payload: String
    }

    @Test func theDataOfEachTypeIsAsItIsStored() throws {
        let golden = try String(
            contentsOf: Self.folder.appendingPathComponent("Golden/events.jsonl"), encoding: .utf8)
        var samples: [String: [Value]] = [:]
        for line in golden.split(separator: "\n") {
            let form = try JSONDecoder().decode(Stored.self, from: Data(line.utf8))
            samples[form.type, default: []].append(
                try JSONDecoder().decode(Value.self, from: Data(form.payload.utf8)))
        }
        let stored = try String(contentsOf: Self.path, encoding: .utf8)
        // What is written by hand comes first.
        let head = try #require(stored.components(separatedBy: "  \"allOf\": [").first)
        var parts: [String] = []
        for type in EventType.allCases {
            let data = Shape(try #require(samples[type.rawValue], "\(type.rawValue)"), name: "").text(indent: 8)
            parts.append(
                """
                    {
                      "if": {"properties": {"type": {"const": "dwell.\(type.rawValue)"}}},
                      "then": {"properties": {"data": \(data)}}
                    }
                """)
        }
        let text = head + "  \"allOf\": [\n" + parts.joined(separator: ",\n") + "\n  ]\n}\n"
        if ProcessInfo.processInfo.environment["DWELL_WRITE_DOCS"] == "1" {
            try text.write(to: Self.path, atomically: true, encoding: .utf8)
        }
        let written = try String(contentsOf: Self.path, encoding: .utf8)
        #expect(written == text, "a type's data is another than docs/events.schema.json says: DWELL_WRITE_DOCS=1")
        #expect(try JSONSerialization.jsonObject(with: Data(text.utf8)) is [String: Any])
    }
}

/// A JSON value that knows a number from a truth value.
private enum Value: Decodable {
    case null, truth, integer, number, text
    case list([Value])
    case object([String: Value])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if (try? container.decode(Bool.self)) != nil {
            self = .truth
        } else if (try? container.decode(Int64.self)) != nil {
            self = .integer
        } else if (try? container.decode(Double.self)) != nil {
            self = .number
        } else if (try? container.decode(String.self)) != nil {
            self = .text
        } else if let list = try? container.decode([Value].self) {
            self = .list(list)
        } else {
            self = .object(try container.decode([String: Value].self))
        }
    }
}

/// What all values have in common that were found in one place.
private struct Shape {
    private var types: Set<String> = []
    private var items: [Value] = []
    private var properties: [String: [Value]] = [:]
    private var objects = 0
    /// Whether users choose the keys.
    private let isFree: Bool
    private let name: String

    init(_ values: [Value], name: String) {
        isFree = ["envs", "headers"].contains(name)
        self.name = name
        for value in values {
            switch value {
            case .null: types.insert("null")
            case .truth: types.insert("boolean")
            // Seconds may have a fraction, and so may what is counted by the second.
            case .integer: types.insert(name.hasSuffix("Seconds") || name.contains("QPS") ? "number" : "integer")
            case .number: types.insert("number")
            case .text: types.insert("string")
            case .list(let list):
                types.insert("array")
                items += list
            case .object(let object):
                types.insert("object")
                objects += 1
                for (key, value) in object { properties[key, default: []].append(value) }
            }
        }
        // Or one for each kind of accelerator.
        if name == "targetQPSPerReplica" { types.formUnion(["number", "object"]) }
        if types.contains("number") { types.remove("integer") }
    }

    func text(indent: Int) -> String {
        let names = types.sorted()
        var fields = [
            "\"type\": "
                + (names.count == 1 ? "\"\(names[0])\"" : "[\(names.map { "\"\($0)\"" }.joined(separator: ", "))]")
        ]
        let inner = indent + 2
        if types.contains("array"), !items.isEmpty {
            fields.append("\"items\": " + Shape(items, name: "").text(indent: inner))
        }
        if types.contains("object"), isFree {
            fields.append("\"additionalProperties\": {\"type\": \"string\"}")
        } else if !properties.isEmpty {
            let required = properties.filter { $0.value.count == objects }.keys.sorted()
            if !required.isEmpty {
                fields.append("\"required\": [\(required.map { "\"\($0)\"" }.joined(separator: ", "))]")
            }
            let lines = properties.keys.sorted().map { key in
                let value = Shape(properties[key] ?? [], name: key == "value" ? name : key).text(indent: inner + 2)
                return String(repeating: " ", count: inner + 2) + "\"\(key)\": " + value
            }
            fields.append(
                "\"properties\": {\n" + lines.joined(separator: ",\n") + "\n" + String(repeating: " ", count: inner)
                    + "}")
        }
        guard fields.count > 1 else { return "{\(fields[0])}" }
        let space = String(repeating: " ", count: inner)
        return "{\n" + fields.map { space + $0 }.joined(separator: ",\n") + "\n" + String(repeating: " ", count: indent)
            + "}"
    }
}

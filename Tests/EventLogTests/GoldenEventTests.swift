import Foundation
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// `Golden/events.jsonl` holds one of every form an event was ever stored in: type, schema version, payload. What a
/// log holds must be read for ever, so a stored form that is not read any more, or not as it was, fails here; and so
/// does a form that is written and is not in the file (DWELL_WRITE_GOLDEN=1 adds it; nothing is ever taken out).
@Suite struct GoldenEventTests {
    private static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Golden/events.jsonl")

    struct Form: Hashable, Comparable, Codable {
        var type: String
        var schemaVersion: Int
        /// Keys that are there, at any depth: two payloads with the same keys have the same form.
        var keys: [String]
        var payload: String

        static func < (a: Form, b: Form) -> Bool {
            (a.type, a.schemaVersion, a.payload) < (b.type, b.schemaVersion, b.payload)
        }

        var shape: String { "\(type) \(schemaVersion) \(keys.joined(separator: ","))" }

        init(type: String, schemaVersion: Int, payload: String) throws {
            self.type = type
            self.schemaVersion = schemaVersion
            self.payload = payload
            keys = try StoredForms.keys(of: payload, free: ["envs", "headers"]).sorted()
        }
    }

    private static func stored() throws -> [Form] {
        let text = try String(contentsOf: path, encoding: .utf8)
        return try text.split(separator: "\n").map { try JSONDecoder().decode(Form.self, from: Data($0.utf8)) }
    }

    /// Forms that this build writes: of histories that go everywhere, and of what they reach too seldom.
    private static func written() throws -> [String: Form] {
        var forms: [String: Form] = [:]
        try StoredForms.forEachDecision(seeds: 1...60) { decision in
            for stamped in decision.events { try add(stamped.event, to: &forms) }
        }
        return forms
    }

    private static func add(_ event: Event, to forms: inout [String: Form]) throws {
        let form = try Form(
            type: event.type.rawValue, schemaVersion: event.type.schemaVersion, payload: try EventCodec.encode(event))
        if forms[form.shape] == nil { forms[form.shape] = form }
    }

    @Test func everyFormThatIsWrittenIsWrittenDown() throws {
        let written = try Self.written()
        if ProcessInfo.processInfo.environment["DWELL_WRITE_GOLDEN"] == "1" {
            let known = (try? Self.stored()) ?? []
            let shapes = Set(known.map(\.shape))
            let all = known + written.values.filter { !shapes.contains($0.shape) }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let lines = try all.sorted().map { String(decoding: try encoder.encode($0), as: UTF8.self) }
            try (lines.joined(separator: "\n") + "\n").write(to: Self.path, atomically: true, encoding: .utf8)
        }
        let shapes = Set(try Self.stored().map(\.shape))
        for form in written.values.sorted() {
            #expect(shapes.contains(form.shape), "a new form of \(form.type); write it down: DWELL_WRITE_GOLDEN=1")
        }
    }

    @Test func everyTypeIsThere() throws {
        let types = Set(try Self.stored().map(\.type))
        for type in EventType.allCases { #expect(types.contains(type.rawValue), "\(type.rawValue)") }
    }

    /// The documented interface (`docs/events.schema.json`) names every type.
    @Test func theSchemaOfWhatIsPrintedNamesEveryType() throws {
        let path = Self.path.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("docs/events.schema.json")
        let text = try String(contentsOf: path, encoding: .utf8)
        for type in EventType.allCases { #expect(text.contains("\"dwell.\(type.rawValue)\""), "\(type.rawValue)") }
    }

    /// Read, and written again as it was, unless an older form has become a newer one on the way.
    @Test func everyFormIsReadAsItWas() throws {
        for form in try Self.stored() {
            let event = try EventCodec.decode(
                type: form.type, schemaVersion: form.schemaVersion, payload: form.payload, position: 1)
            #expect(event.type.rawValue == form.type)
            let again = try EventCodec.encode(event)
            guard form.schemaVersion == event.type.schemaVersion else { continue }
            #expect(try Self.missing(from: again, of: form.payload) == [], "\(form.type): \(form.payload)")
        }
    }

    /// Values of `old` that `new` does not have; fields that were added later may be there.
    private static func missing(from new: String, of old: String) throws -> [String] {
        func compare(_ new: Any?, _ old: Any, _ path: String) -> [String] {
            switch old {
            case let object as [String: Any]:
                return object.flatMap { compare((new as? [String: Any])?[$0.key], $0.value, path + ".\($0.key)") }
            case let list as [Any]:
                guard let there = new as? [Any], there.count == list.count else { return [path] }
                return zip(there, list).flatMap { compare($0, $1, path + "[]") }
            default: return (new as? NSObject) == (old as? NSObject) ? [] : [path]
            }
        }
        return compare(
            try JSONSerialization.jsonObject(with: Data(new.utf8)),
            try JSONSerialization.jsonObject(with: Data(old.utf8)), "")
    }

    @Test func whatANewerDwellWroteIsRefusedInWords() throws {
        #expect(throws: LogFailure.self) {
            try EventCodec.decode(type: "controller.idle", schemaVersion: 99, payload: "{}", position: 4)
        }
        #expect(throws: LogFailure.self) {
            try EventCodec.decode(type: "controller.teleported", schemaVersion: 1, payload: "{}", position: 4)
        }
    }
}

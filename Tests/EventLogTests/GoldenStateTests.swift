import Foundation
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// `Golden/states.jsonl` holds, for each format a state was ever stored in, states that together have every key. What
/// archived events led to is stored as a state and cannot be folded again, so every format must be read for ever
/// (DWELL_WRITE_GOLDEN=1 adds the one that is written now; nothing is ever taken out).
@Suite struct GoldenStateTests {
    private static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Golden/states.jsonl")

    struct Format: Codable {
        var format: Int
        var keys: [String]
        var states: [String]
    }

    private static func keys(of json: String) throws -> Set<String> {
        try StoredForms.keys(of: json, free: ["envs", "headers", "uses", "specs", "secrets"], numbers: true)
    }

    private static func written() throws -> Format {
        var format = Format(format: Snapshots.format, keys: [], states: [])
        var known: Set<String> = []
        try StoredForms.forEachDecision(seeds: 1...40) { decision in
            guard decision.state.version > 0 else { return }
            let json = try EventCodec.json(decision.state)
            let keys = try keys(of: json)
            guard !keys.isSubset(of: known) else { return }
            known.formUnion(keys)
            format.states.append(json)
        }
        format.keys = known.sorted()
        // Later states have most keys of earlier ones: few are needed.
        var covered: Set<String> = []
        format.states = try format.states.reversed().filter { json in
            let keys = try keys(of: json)
            defer { covered.formUnion(keys) }
            return !keys.isSubset(of: covered)
        }
        return format
    }

    private static func stored() throws -> [Format] {
        guard let text = try? String(contentsOf: path, encoding: .utf8) else { return [] }
        return try text.split(separator: "\n").map { try JSONDecoder().decode(Format.self, from: Data($0.utf8)) }
    }

    @Test func everyFormatThatWasEverStoredIsRead() throws {
        for format in try Self.stored() {
            for json in format.states {
                let state: ControllerState = try EventCodec.value(json)
                #expect(try EventCodec.value(EventCodec.json(state)) == state)
                #expect(state.version > 0)
            }
        }
    }

    @Test func whatIsWrittenIsAsItWas() throws {
        var stored = try Self.stored()
        let written = try Self.written()
        if ProcessInfo.processInfo.environment["DWELL_WRITE_GOLDEN"] != nil {
            stored.removeAll { $0.format == written.format }
            stored.append(written)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let lines = try stored.map { String(decoding: try encoder.encode($0), as: UTF8.self) + "\n" }
            try lines.joined().write(to: Self.path, atomically: true, encoding: .utf8)
        }
        let format = try #require(
            stored.first { $0.format == written.format }, "write the golden file: CONTRIBUTING.md")
        #expect(
            Set(format.keys) == Set(written.keys),
            "a state is stored in another form: raise Snapshots.format, and write the golden file (CONTRIBUTING.md)")
    }
}

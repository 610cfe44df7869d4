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

    /// Keys at any depth. What users name and what is numbered is no key.
    private static func keys(of value: Any, _ path: String) -> Set<String> {
        switch value {
        case let object as [String: Any]:
            let isFree = ["envs", "headers", "uses", "specs", "secrets"].contains { path.hasSuffix($0) }
            return object.reduce(into: [path]) { keys, entry in
                let isNumber = Int(entry.key) != nil
                keys.formUnion(Self.keys(of: entry.value, path + (isFree || isNumber ? ".*" : ".\(entry.key)")))
            }
        case let list as [Any]: return list.reduce(into: [path]) { $0.formUnion(Self.keys(of: $1, path + "[]")) }
        default: return [path]
        }
    }

    private static func written() throws -> Format {
        var format = Format(format: Snapshots.format, keys: [], states: [])
        var known: Set<String> = []
        for seed in 1...40 as ClosedRange<UInt64> {
            var state = ControllerState(name: .dev)
            var commands = RandomCommands(seed: seed)
            var clock = ManualClock()
            for _ in 0..<400 {
                commands.advance(&clock)
                let command = commands.next(for: state)
                guard let decision = try? state.decide(command, Surroundings(now: clock.now, actor: "ann@desk"))
                else { continue }
                state = decision.state
                guard state.version > 0 else { continue }
                let json = try EventCodec.json(state)
                let keys = keys(of: try JSONSerialization.jsonObject(with: Data(json.utf8)), "")
                guard !keys.isSubset(of: known) else { continue }
                known.formUnion(keys)
                format.states.append(json)
            }
        }
        format.keys = known.sorted()
        // Later states have most keys of earlier ones: few are needed.
        var covered: Set<String> = []
        format.states = try format.states.reversed().filter { json in
            let keys = keys(of: try JSONSerialization.jsonObject(with: Data(json.utf8)), "")
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

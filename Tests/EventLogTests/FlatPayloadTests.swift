import Foundation
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// The quick way of reading a payload gives what reading it as JSON gives, or nothing.
@Suite struct FlatPayloadTests {
    private static func flat(_ type: EventType, _ payload: String) -> Event? {
        Array(payload.utf8).withUnsafeBytes {
            Event(type, flat: $0) { try? JSONDecoder().decode(ServiceSpec.self, from: Data($0)) }
        }
    }

    private static func golden() throws -> [(type: EventType, payload: String)] {
        struct Form: Decodable {
            var type: EventType
            var payload: String
        }
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Golden/events.jsonl")
        return try String(contentsOf: path, encoding: .utf8).split(separator: "\n")
            .map { try JSONDecoder().decode(Form.self, from: Data($0.utf8)) }.map { ($0.type, $0.payload) }
    }

    @Test func everyStoredFormIsReadTheSame() throws {
        var types: Set<EventType> = []
        for (type, payload) in try Self.golden() {
            guard let event = Self.flat(type, payload) else { continue }
            types.insert(type)
            let decoded = try EventCodec.decode(type: type.rawValue, schemaVersion: 1, payload: payload, position: 1)
            #expect(event == decoded, "\(payload)")
        }
        #expect(
            types.isSuperset(of: [
                .replicaAdded, .replicaLaunched, .replicaStarting, .replicaReady, .replicaNotReady, .replicaGone,
                .serviceStatusChanged,
            ]), "most of a log is read this way")
    }

    /// Whatever of a payload is changed, cut off or doubled: it is read as JSON reads it, or not at all.
    @Test func aPayloadThatIsChangedIsNeverReadOtherwise() throws {
        var random = SeededGenerator(seed: 7)
        let bytes = Array("\"{}[]:,\\0-9.eé \n\u{7f}".utf8)
        for (type, payload) in try Self.golden() {
            for _ in 0..<200 {
                var changed = Array(payload.utf8)
                let at = random.below(changed.count)
                let byte = bytes[random.below(bytes.count)]
                switch random.below(4) {
                case 0: changed[at] = byte
                case 1: changed.insert(byte, at: at)
                case 2: changed.remove(at: at)
                default: changed.removeSubrange(at...)
                }
                let text = String(decoding: changed, as: UTF8.self)
                guard let event = Self.flat(type, text) else { continue }
                let decoded = try? EventCodec.decode(
                    type: type.rawValue, schemaVersion: 1, payload: text, position: 1)
                #expect(event == decoded, "\(text)")
            }
        }
    }

    @Test(arguments: [
        #"{"replica":1,"service":"api"} "#, #"{"replica":01,"service":"api"}"#, #"{"replica":-0,"service":"api"}"#,
        #"{"replica":1.0,"service":"api"}"#, #"{"replica":1,"service":"Api"}"#, #"{"service":"api","replica":1}"#,
        #"{"replica":99999999999999999999,"service":"api"}"#, #"{"reason":"a\"b","replica":1,"service":"api"}"#, "",
    ])
    func whatIsOfAnotherFormIsLeftToJSON(payload: String) {
        #expect(Self.flat(.replicaGone, payload) == nil)
    }
}

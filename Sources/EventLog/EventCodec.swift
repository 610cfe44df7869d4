import Foundation
import Lifecycle

/// Between events and their stored payloads. JSON with sorted keys, so that one event has one form.
enum EventCodec {
    static func encode(_ event: Event) throws -> String {
        if let flat = event.flatPayload { return String(decoding: flat, as: UTF8.self) }
        return try json(event.payload)
    }

    /// Reads a stored event of any type and schema version this build knows.
    static func decode(type: String, schemaVersion: Int, payload: String, position: Int) throws -> Event {
        guard let known = EventType(rawValue: type) else {
            throw LogFailure.unreadableEvent(
                position: position,
                reason: "its type, \(type), is unknown: it is damaged (dwell verify), or a newer dwell wrote it")
        }
        guard schemaVersion <= known.schemaVersion else {
            throw LogFailure.unreadableEvent(
                position: position, reason: "its schema version, \(schemaVersion), is newer than this dwell knows")
        }
        do {
            return try Event(known, decode: StoredPayload(data: Data(payload.utf8)))
        } catch {
            throw LogFailure.unreadableEvent(
                position: position, reason: "its payload is not that of a \(type) event")
        }
    }

    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    static func value<Value: Decodable>(_ json: String) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(json.utf8))
    }

    /// The same of what is stored, to its last byte.
    static func value<Value: Decodable>(stored json: Data) throws -> Value {
        guard let text = String(validating: json, as: UTF8.self), !text.utf8.contains(0) else {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "it is not text"))
        }
        return try value(text)
    }

    private struct StoredPayload: Event.Payloads {
        let data: Data

        func callAsFunction<Payload: Codable>() throws -> Payload {
            try JSONDecoder().decode(Payload.self, from: data)
        }
    }
}

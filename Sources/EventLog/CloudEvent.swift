import Foundation

/// An event as a CloudEvents 1.0 object (JSON event format).
public struct CloudEvent {
    private let row: AuditRow
    private let source: EventSource

    public init(_ row: AuditRow, source: EventSource) {
        self.row = row
        self.source = source
    }

    /// One line of JSON, keys sorted.
    public var line: String {
        var object: [String: Any] = [
            "specversion": "1.0",
            "id": String(row.position),
            "source": source.name(ofEventAt: row.position, of: row.controller),
            "type": "dwell.\(row.event)",
            "time": time,
            "datacontenttype": "application/json",
            "data": payload,
            "actor": row.actor,
            "component": row.component,
            "streamversion": row.streamVersion,
            "schemaversion": row.schemaVersion,
        ]
        if let subject { object["subject"] = subject }
        if let cause = row.cause { object["cause"] = String(cause) }
        let data = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
        return data.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    private var subject: String? {
        row.service.map { service in
            "services/\(service)" + (row.replica.map { "/replicas/\($0)" } ?? "")
        }
    }

    private var payload: Any {
        (try? JSONSerialization.jsonObject(with: Data(row.payload.utf8))) ?? [String: Any]()
    }

    /// RFC 3339, UTC, microseconds.
    private var time: String {
        var seconds = time_t(row.atMicroseconds / 1_000_000)
        var moment = tm()
        gmtime_r(&seconds, &moment)
        return String(
            format: "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", moment.tm_year + 1900, moment.tm_mon + 1, moment.tm_mday,
            moment.tm_hour, moment.tm_min, moment.tm_sec, Int(row.atMicroseconds % 1_000_000))
    }
}

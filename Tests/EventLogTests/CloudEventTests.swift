import EventLog
import Foundation
import GRDB
import TestKit
import Testing

/// Events as others read them: CloudEvents 1.0, the JSON event format.
@Suite struct CloudEventTests {
    private let temporary = TemporaryHome()

    private func objects(_ log: EventLog) throws -> [[String: Any]] {
        try log.auditRows(after: 0).map { row in
            let line = CloudEvent(row, source: log.source).line
            #expect(!line.contains("\n"))
            return try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }

    @Test func everyEventHasWhatTheSpecificationAsksFor() throws {
        let log = try EventLog(home: temporary.home)
        try log.drawHistory(seed: 4, commands: 60)
        let objects = try objects(log)
        #expect(objects.count == (try log.lastPosition()))
        for (index, object) in objects.enumerated() {
            #expect(object["specversion"] as? String == "1.0")
            #expect(object["id"] as? String == String(index + 1))
            #expect(object["source"] as? String == "/dwell/\(log.logID)/controllers/dev")
            #expect((object["type"] as? String)?.hasPrefix("dwell.") == true)
            #expect(object["datacontenttype"] as? String == "application/json")
            #expect(object["data"] is [String: Any])
            #expect(object["actor"] as? String == "ann@desk")
        }
    }

    @Test func whatItIsAboutAndWhenAndWhy() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.up(.api, replicas: 1), .takeOver(process: "a"))
        var row = try #require(try log.auditRows(after: 0).last { $0.replica != nil })
        row.atMicroseconds = 1_700_000_000_000_042
        row.cause = 1
        let line = CloudEvent(row, source: log.source).line
        #expect(line.contains(#""time":"2023-11-14T22:13:20.000042Z""#), "\(line)")
        #expect(line.contains(#""subject":"services/api/replicas/1""#), "\(line)")
        #expect(line.contains(#""cause":"1""#), "\(line)")
        row.replica = nil
        #expect(CloudEvent(row, source: log.source).line.contains(#""subject":"services/api""#))
        row.service = nil
        #expect(!CloudEvent(row, source: log.source).line.contains("subject"))
        // What cannot be read is left out, and the rest is told.
        row.payload = "{"
        #expect(CloudEvent(row, source: log.source).line.contains(#""data":{}"#))
    }
}

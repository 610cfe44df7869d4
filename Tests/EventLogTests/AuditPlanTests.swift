import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// The views find what they begin with by way of an index, however long the log is: how SQLite goes about a question
/// is asked here, and not how long it takes, which `make audit-times` measures.
@Suite struct AuditPlanTests {
    private static let tools = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("tools/audit")

    private let temporary = TemporaryHome()

    private func plan(_ sql: String, _ arguments: StatementArguments = []) throws -> [String] {
        let log = try EventLog(home: temporary.home)
        return try log.queue.read { db in
            try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN " + sql, arguments: arguments).map { $0["detail"] }
        }
    }

    static let views = [
        ("idle_periods", "began", "events_of_idleness"), ("controller_uptime", "started", "events_of_being_started"),
        ("service_uptime", "ready", "events_of_being_ready"), ("starts", "asked", "events_of_starting"),
    ]

    @Test(arguments: views)
    func theFirstRowsAndThoseOfANightAreFoundByAnIndex(_ view: String, _ time: String, _ index: String) throws {
        for sql in [
            "SELECT * FROM \(view) LIMIT 20", "SELECT * FROM \(view)",
            "SELECT * FROM \(view) WHERE \(time) >= '2026-11-01 18:00'",
        ] {
            let steps = try plan(sql)
            #expect(
                steps.contains { $0.hasPrefix("SCAN ") && $0.hasSuffix("USING INDEX \(index)") }, "\(sql): \(steps)")
            #expect(steps.filter { $0.hasPrefix("SCAN ") }.count == 1, "\(steps)")
        }
    }

    @Test(arguments: views.map(\.0) + ["audit_log"])
    func thoseOfOneControllerAreFoundByItsName(_ view: String) throws {
        let steps = try plan("SELECT * FROM \(view) WHERE controller = 'prod'")
        #expect(steps.contains { $0.hasPrefix("SEARCH ") && $0.contains("(stream=?") }, "\(steps)")
        // What an event's own payload lists is walked through.
        #expect(!steps.contains { $0.hasPrefix("SCAN ") && !$0.contains("VIRTUAL TABLE") }, "\(steps)")
    }

    /// What was in force at an event is found by an index of the few events that say so, and not by a walk back.
    @Test func whatWasInForceIsFoundByAnIndex() throws {
        let steps = try plan("SELECT * FROM audit_log WHERE position = 1")
        for index in ["events_of_policies", "events_of_pausing"] {
            #expect(steps.contains { $0.contains("INDEX \(index) (stream=? AND version<?)") }, "\(steps)")
        }
    }

    /// `status` does not walk through a life that has been long.
    @Test func whatStatusTellsBesidesTheTablesIsFoundByIndexes() throws {
        let policy = try plan(EventLog.policySQL, ["prod", 9])
        #expect(policy == ["SEARCH events USING INDEX events_of_policies (stream=? AND version<?)"])
        let hooks = try plan(EventLog.hooksSQL, ["prod", 9, 20]).filter {
            $0.hasPrefix("SEARCH") || $0.hasPrefix("SCAN")
        }
        #expect(hooks.count == 2 && hooks[0].contains("INDEX events_of_hooks (stream=? AND version>? AND version<?)"))
        #expect(hooks.last?.contains("INDEX events_of_lives (stream=? AND version<?)") == true, "\(hooks)")
    }

    @Test func aNightOfTheWholeLogIsFoundByItsTimes() throws {
        let steps = try plan("SELECT * FROM audit_log WHERE at_us >= 1 AND at_us < 2")
        #expect(steps.contains { $0.contains("INDEX events_by_time (at_us>? AND at_us<?)") }, "\(steps)")
    }

    /// It names the types itself, so as not to look into every payload.
    @Test func everyTypeThatTellsOfLatenessIsAskedForWhatWasLate() throws {
        let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Golden/events.jsonl")
        let forms = try String(contentsOf: golden, encoding: .utf8).split(separator: "\n").compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
        let late = forms.filter { ($0["keys"] as? [String])?.contains(".latenessMicroseconds") == true }
        let types = Set(late.compactMap { $0["type"] as? String })
        #expect(types.count >= 8)
        let sql = try String(contentsOf: Self.tools.appendingPathComponent("late_deadlines.sql"), encoding: .utf8)
        for type in types { #expect(sql.contains("'\(type)'"), "\(type)") }
    }
}

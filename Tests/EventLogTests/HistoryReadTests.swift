import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// Looking back: what `status` said at any moment, and whether the tables are what the log says.
@Suite struct HistoryReadTests {
    private let temporary = TemporaryHome()
    private let controllers = [ControllerName.dev, .prod, .batch]

    /// What the tables held at the position of each command, as they were read then.
    private func recording(_ log: EventLog, seed: UInt64, commands: Int) throws -> [Int: StatusReport] {
        var reports: [Int: StatusReport] = [:]
        for part in 0..<commands {
            try log.drawHistory(seed: seed &+ UInt64(part), commands: 1, on: controllers)
            reports[try log.lastPosition()] = try log.status()
        }
        return reports
    }

    @Test func statusAtEveryPositionIsWhatStatusSaidThen() throws {
        let log = try EventLog(home: temporary.home)
        let reports = try recording(log, seed: 40, commands: 300)
        #expect(reports.count > 100)
        for (position, then) in reports {
            let now = try log.status(atPosition: position, now: then.now)
            #expect(now.controllers == then.controllers, "\(position)")
            #expect(now.services == then.services, "\(position)")
            #expect(now.replicas == then.replicas, "\(position)")
            #expect(Set(now.deadlines) == Set(then.deadlines), "\(position)")
        }
    }

    /// The same through states kept on the way, without them, and with those of another format.
    @Test func checkpointsChangeNothing() throws {
        let log = try EventLog(home: temporary.home)
        while try log.state(of: .dev).version < 2 * Checkpoints.interval + 50 {
            try log.given(.start, .takeOver(process: "a"), .setAutostop(.never), .stop, .stopFinished)
        }
        #expect(try temporary.value("SELECT count(*) FROM checkpoints WHERE stream = 'dev'") == 2)
        let positions = [1, 500, 1023, 1024, 1025, 1030, 2048, 2060, 2090]
        let kept = try positions.map { try log.state(of: .dev, atPosition: $0) }
        #expect(kept.map(\.version) == positions)
        try temporary.execute("UPDATE checkpoints SET format = 99, state = '{}'")
        #expect(try positions.map { try log.state(of: .dev, atPosition: $0) } == kept)
        try temporary.execute("DELETE FROM checkpoints")
        #expect(try positions.map { try log.state(of: .dev, atPosition: $0) } == kept)
        _ = try log.rebuild()
        #expect(try temporary.value("SELECT count(*) FROM checkpoints WHERE stream = 'dev'") == 2)
        #expect(try positions.map { try log.state(of: .dev, atPosition: $0) } == kept)
    }

    @Test func aMomentIsTheLastEventUpToIt() throws {
        let log = try EventLog(home: temporary.home)
        #expect(try log.position(atMicroseconds: .max) == 0)
        try log.given(.start, .takeOver(process: "a"))
        let last = try log.lastPosition()
        let time = try #require(try log.time(atPosition: last))
        #expect(try log.position(atMicroseconds: time) == last)
        #expect(try log.position(atMicroseconds: .max) == last)
        let first = try #require(try log.time(atPosition: 1))
        #expect(try log.position(atMicroseconds: first - 1) == 0)
        #expect(try log.time(atPosition: last + 1) == nil)
    }

    @Test func beforeAStreamBeganNothingIsKnownOfIt() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start, controller: .prod)
        let before = try log.lastPosition()
        try log.given(.start, controller: .dev)
        #expect(try log.status(atPosition: before, now: try Clock.now()).controllers.map(\.name) == ["prod"])
        #expect(try log.status(atPosition: 0, now: try Clock.now()).controllers.isEmpty)
    }

    // Replay.

    private func history() throws -> EventLog {
        let log = try EventLog(home: temporary.home)
        try log.drawHistory(seed: 3, commands: 120, on: controllers)
        try log.given(.up(.api), controller: .sample("tampered"))
        return log
    }

    @Test func aReplayOfALogThatIsWholeFindsNothing() throws {
        let log = try history()
        let report = try log.replay { _, _ in }
        #expect(report.differences.isEmpty)
        #expect(report.events == (try log.lastPosition()))
        #expect(report.controllers == 4)
    }

    @Test(arguments: [
        (
            "UPDATE controllers SET status = 'STOPPED' WHERE name = 'tampered'",
            "controllers: tampered: status is STOPPED, the log says STARTING"
        ),
        ("DELETE FROM services WHERE controller = 'tampered'", "services: tampered/api is missing"),
        (
            "INSERT INTO deadlines SELECT 'tampered', 'idle', '', 0, 1, 2, '', 3, 4",
            "deadlines: tampered idle  0 is there, and the log knows nothing of it"
        ),
        (
            "INSERT INTO deadlines SELECT 'ghost', 'idle', '', 0, 1, 2, '', 3, 4",
            "deadlines: there are rows of ghost, of which the log knows nothing"
        ),
        (
            "INSERT INTO snapshots SELECT 'tampered', 2, (SELECT max(format) FROM snapshots), '{}' WHERE 1",
            "snapshots: the state of tampered at version 2 is not what the log says"
        ),
    ])
    func whatWasChangedByHandIsFoundAndMended(_ sql: String, _ sentence: String) throws {
        let log = try history()
        _ = try log.rebuild()
        try temporary.execute(sql.replacing("INSERT INTO snapshots", with: "INSERT OR REPLACE INTO snapshots"))
        #expect(try log.replay { _, _ in }.differences == [sentence])
        #expect(try log.rebuild() == log.lastPosition())
        #expect(try log.replay { _, _ in }.differences.isEmpty)
    }

    // Questions.

    private func positions(_ log: EventLog, reversed: Bool = false, _ change: (inout EventQuery) -> Void) throws
        -> [Int]
    {
        var query = EventQuery()
        change(&query)
        var found: [Int] = []
        try log.audit(query, reversed: reversed) { found += $0.map(\.position) }
        return found
    }

    /// Each filter against the same picked from everything by hand.
    @Test func filtersPickWhatTheySay() throws {
        let log = try EventLog(home: temporary.home)
        try log.drawHistory(seed: 7, commands: 1_400, on: controllers)
        try log.submit(.start, to: .sample("other"), by: Author(actor: "bob@lap", component: "keeper"))
        let all = try log.auditRows(after: 0)
        #expect(all.count > 600, "more than one part")
        func expect(
            _ change: (inout EventQuery) -> Void, _ isWanted: (AuditRow) -> Bool,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let wanted = all.filter(isWanted).map(\.position)
            #expect(!wanted.isEmpty, sourceLocation: sourceLocation)
            #expect(try positions(log, change) == wanted, sourceLocation: sourceLocation)
            #expect(try positions(log, reversed: true, change) == wanted.reversed(), sourceLocation: sourceLocation)
            #expect(
                try positions(log) {
                    change(&$0); $0.limit = 3
                } == wanted.suffix(3), sourceLocation: sourceLocation)
            #expect(
                try positions(log, reversed: true) {
                    change(&$0); $0.limit = 3
                } == wanted.suffix(3).reversed(),
                sourceLocation: sourceLocation)
        }
        try expect({ _ in }, { _ in true })
        try expect({ $0.controller = "prod" }, { $0.controller == "prod" })
        try expect({ $0.service = "api" }, { $0.service == "api" })
        try expect({ $0.service = "?pi" }, { $0.service == "api" })
        try expect(
            {
                $0.service = "api"; $0.replica = 1
            }, { $0.service == "api" && $0.replica == 1 })
        try expect({ $0.types = ["replica.*"] }, { $0.event.hasPrefix("replica.") })
        try expect(
            { $0.types = ["controller.idle", "service.gone"] },
            { ["controller.idle", "service.gone"].contains($0.event) })
        for actor in ["bob", "bob@lap", "b*", "keeper"] {
            try expect({ $0.actor = actor }, { $0.controller == "other" })
        }
        let middle = all[all.count / 2].atMicroseconds
        try expect({ $0.sinceMicroseconds = middle }, { $0.atMicroseconds >= middle })
        try expect({ $0.untilMicroseconds = middle }, { $0.atMicroseconds < middle })
        #expect(try positions(log) { $0.service = "' OR 1=1 --" }.isEmpty)
        #expect(try positions(log) { $0.limit = 0 }.isEmpty)
    }
}

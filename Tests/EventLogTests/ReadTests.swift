import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// What may be asked of the log.
@Suite struct ReadTests {
    private let temporary = TemporaryHome()

    @Test func anEmptyLogAnswersEverything() throws {
        let log = try EventLog(home: temporary.home)
        let status = try log.status()
        #expect(status.controllers.isEmpty && status.services.isEmpty)
        #expect(status.replicas.isEmpty && status.deadlines.isEmpty)
        #expect(try log.lastPosition() == 0)
        #expect(try log.events(after: 0).isEmpty)
        #expect(try log.auditRows(after: 0).isEmpty)
        #expect(try log.controllersNeedingProcess().isEmpty)
    }

    @Test func statusIsWhatTheStateIs() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.up(.api, replicas: 2), .takeOver(process: "a"))
        try log.given(.start(policy: .byHand(seconds: 60)), .takeOver(process: "b"), controller: .prod)
        let status = try log.status()
        #expect(status.controllers.map(\.name) == ["dev", "prod"])
        #expect(status.controllers.map(\.status) == ["UP", "IDLE"])
        #expect(status.controllers.map(\.process) == ["a", "b"])
        let service = try #require(status.services.first)
        #expect((service.controller, service.name, service.status) == ("dev", "api", "REPLICA_INIT"))
        #expect(service.endpoint == "http://127.0.0.1:30001")
        #expect((service.replicas, service.readyReplicas, service.wantedReplicas) == (2, 0, 2))
        #expect(service.live)
        #expect(service.requestedBy == "ann@desk")
        #expect(status.replicas.map(\.id) == [1, 2])
        let deadline = try #require(status.deadlines.first)
        #expect((deadline.controller, deadline.kind) == ("prod", "idle"))
        #expect(status.controllers[1].autostopAtMicroseconds == deadline.dueAtMicroseconds)
        #expect(deadline.deadline.remainingMicroseconds(at: status.now) <= 60_000_000)
        #expect(deadline.deadline == (try log.state(of: .prod).pendingDeadlines.first?.deadline))
    }

    @Test func controllersThatNeedAProcessAreNamed() throws {
        let log = try EventLog(home: temporary.home)
        for controller in [ControllerName.prod, .dev, .batch] { try log.given(.start, controller: controller) }
        try log.given(.startFailed(reason: "no room"), controller: .batch)
        #expect(try log.controllersNeedingProcess() == [.dev, .prod])
    }

    @Test func eventsAreReadFromWhereOneWas() throws {
        let log = try EventLog(home: temporary.home)
        try log.drawHistory(seed: 7, commands: 60)
        let all = try log.events(after: 0)
        #expect(try log.lastPosition() == all.count)
        #expect(try log.events(after: 10, limit: 5) == Array(all[10..<15]))
        #expect(try log.events(after: all.count).isEmpty)
        #expect(try log.auditRows(after: 10).map(\.position) == all.dropFirst(10).map(\.position))
    }

    @Test func theAuditTellsInWords() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.up(.api, ports: [30_007]), .takeOver(process: "pid 5"), .stop)
        let rows = try log.auditRows(after: 0)
        #expect(rows.map(\.event).prefix(3) == ["controller.starting", "service.up_requested", "controller.started"])
        #expect(rows[0].what == "starting for service api, life 1")
        #expect(rows[1].what == "up requested: 1 replica(s) at 127.0.0.1:30007")
        #expect(rows[2].what.hasSuffix(" s by process pid 5"))
        #expect(rows.first { $0.event == "controller.stopping" }?.what == "stopping by hand")
        #expect(rows[1].service == "api")
        #expect(rows[0].actor == "ann@desk")
        #expect(rows[0].component == "cli")
        #expect(rows[1].cause == 1)
        #expect(rows.map(\.streamVersion) == Array(1...rows.count))
        #expect(rows.allSatisfy { $0.schemaVersion == 1 })
        #expect(rows[0].time.wholeMatch(of: /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}/) != nil)
        #expect(try JSONSerialization.jsonObject(with: Data(rows[0].payload.utf8)) is [String: Any])
    }

    /// Every type of event has words of its own, so that nobody has to read JSON. The histories are those of
    /// a clock that tests move, written as they are: in a log of now no back-off would ever be over.
    @Test func everyTypeOfEventHasWords() throws {
        let log = try EventLog(home: temporary.home)
        for seed: UInt64 in 1...60 {
            let controller = ControllerName.sample("c\(seed)")
            var it = Scenario(controller)
            var commands = RandomCommands(seed: seed)
            for _ in 1...500 {
                commands.advance(&it.clock)
                _ = try? it.when(commands.next(for: it.state))
            }
            try log.queue.write { [history = it.history] db in
                var writer = try EventWriter(stream: controller, author: .ann, commandID: nil, cause: nil, db)
                for stamped in history { _ = try writer.write(stamped, db) }
            }
            #expect(try log.state(of: controller) == it.state, "what was written is what is read")
        }
        let rows = try log.auditRows(after: 0)
        #expect(Set(rows.map(\.event)) == Set(EventType.allCases.map(\.rawValue)))
        for row in rows where row.what.isEmpty || row.what.contains("{") || row.what.contains("(null)") {
            Issue.record("\(row.event): \(row.what)")
        }
        #expect(try log.firstBrokenPosition() == nil)
    }

    /// L5, as the view that people read tells it: every period ends in one way.
    @Test func idlePeriodsEndInOneWay() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start, .takeOver(process: "a"), .up(.api), controller: .dev)
        try log.given(.start, .takeOver(process: "a"), .setAutostop(.byHand(seconds: 5)), .stop, controller: .prod)
        try log.given(.start(policy: .byHand(seconds: 0)), .takeOver(process: "a"), controller: .batch)
        let pending = try #require(try log.state(of: .batch).pendingDeadlines.first)
        try log.given(.deadlineReached(.idle, generation: pending.generation), controller: .batch)
        let last = ControllerName.sample("last")
        try log.given(.start, .takeOver(process: "a"), .terminate(force: false), controller: last)
        let open = ControllerName.sample("open")
        try log.given(.start, .takeOver(process: "a"), controller: open)
        let rows = try temporary.shell().read { db in
            try Row.fetchAll(db, sql: "SELECT controller, how, lateness_seconds FROM idle_periods")
        }
        let words = try log.auditRows(after: 0).filter { $0.event == "controller.terminating" }.map(\.what)
        #expect(words == ["terminating by hand"])
        let told = rows.map { "\($0[0] as String): \(($0[1] as String?) ?? "open")" }
        #expect(
            told == [
                "dev: woken", "prod: stopped by hand", "batch: stopped by deadline", "last: terminated by hand",
                "open: open",
            ])
        #expect(rows.filter { ($0[2] as Double?) != nil }.map { $0[0] as String } == ["batch"])
        #expect(rows.allSatisfy { ($0[2] as Double? ?? 0) >= 0 })
    }

    /// What moves its deadline ends no period: it is one row, with the deadline that is in force and how often it moved.
    @Test func anIdlePeriodIsOneRowHoweverOftenItsDeadlineMoves() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start, .takeOver(process: "a"))
        try log.given(.setAutostop(.byHand(seconds: 500)), .pauseAutostop(seconds: nil, reason: nil))
        func row() throws -> Row {
            let rows = try temporary.shell().read { try Row.fetchAll($0, sql: "SELECT * FROM idle_periods") }
            #expect(rows.count == 1)
            return try #require(rows.first)
        }
        func deadline() throws -> String? {
            let pending = try log.state(of: .dev).pendingDeadlines.first { $0.key == .idle }
            let at = try #require(pending).deadline.wallMicroseconds
            return try temporary.value(
                "SELECT strftime('%Y-%m-%d %H:%M:%f', \(at) / 1000000.0, 'unixepoch', 'localtime')")
        }
        #expect(try row()["moved"] == 2)
        #expect(try row()["deadline"] == nil, "while it is paused there is none")
        try log.given(.resumeAutostop, .setAutostop(.byHand(seconds: 700)))
        #expect(try row()["moved"] == 4)
        #expect(try row()["deadline"] == deadline())
        #expect(try row()["ended"] == nil)
        let last = try deadline()
        try log.given(.stop)
        let ended = try row()
        #expect(ended["how"] == "stopped by hand")
        #expect(ended["ended_by"] == "ann@desk")
        #expect(ended["deadline"] == last)
        let times = try log.events(after: 0).filter {
            [.controllerIdle, .controllerStopping].contains($0.event.type)
        }.map(\.stamp.atMicroseconds)
        let (first, end) = (try #require(times.first), try #require(times.last))
        #expect(abs((ended["seconds"] as Double) - Double(end - first) / 1e6) < 1e-9)
    }
}

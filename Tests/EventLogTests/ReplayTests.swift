import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// L2: folding the log from its first event gives exactly what the tables hold.
@Suite struct ReplayTests {
    private let temporary = TemporaryHome()

    @Test(arguments: Array(1...8) as [UInt64])
    func projectionsEqualReplay(seed: UInt64) throws {
        let log = try EventLog(home: temporary.home)
        let controllers: [ControllerName] = [.dev, .prod, .batch]
        for round in 0..<10 {
            try log.drawHistory(seed: seed * 100 + UInt64(round), commands: 20, on: controllers)
            for controller in controllers {
                #expect(try log.foldedState(of: controller) == log.state(of: controller))
                let differences = try log.differences(of: controller)
                #expect(differences == [], "seed \(seed), round \(round), \(controller)")
            }
        }
    }

    /// A service's reason is that of its controller's phase, which moves on without an event of the service.
    @Test func theReasonOfAServiceFollowsItsController() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start, .takeOver(process: "a"), .up(.api, replicas: 0), .stop)
        let service = try #require(try log.state(of: .dev).services[.api])
        let loadBalancer = LoadBalancerReference(
            service: .api, generation: try #require(service.loadBalancer).generation)
        try log.given(.loadBalancerRemoved(loadBalancer), .stopFinished)
        let reasons = try log.status().services.map(\.reason)
        let differences = try log.differences(of: .dev)
        #expect(reasons == ["the controller is stopped"])
        #expect(differences == [])
    }

    @Test func aProjectionThatWasChangedIsFound() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start, .takeOver(process: "a"), .up(.api))
        #expect(try log.differences(of: .dev) == [])
        try temporary.execute("UPDATE services SET ready_replicas = 5")
        #expect(try log.differences(of: .dev) == ["services: dev/api: ready_replicas is 5, the log says 0"])
        try temporary.execute("UPDATE services SET ready_replicas = 0; DELETE FROM replicas")
        #expect(try log.differences(of: .dev) == ["replicas: dev/api replica 1 is missing"])
    }

    @Test func aGapInTheVersionsIsFound() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start, .takeOver(process: "a"), .up(.api))
        let position: Int = try #require(try temporary.value("SELECT position FROM events WHERE version = 3"))
        try temporary.execute(
            "DROP TRIGGER events_are_never_updated; UPDATE events SET version = 33 WHERE version = 3")
        #expect(
            try log.differences(of: .dev).first
                == "events: event \(position + 1) is number 4 of dev, and the one before it number 2")
    }

    @Test func aControllerThatNeverWasHasNoDifference() throws {
        let log = try EventLog(home: temporary.home)
        #expect(try log.differences(of: .dev) == [])
        #expect(try log.state(of: .dev) == ControllerState(name: .dev))
    }

    /// Opening a long stream reads a snapshot and the tail; that must be the same as reading all of it.
    @Test func snapshotAndTailEqualFullReplay() throws {
        let log = try EventLog(home: temporary.home)
        var seed: UInt64 = 50
        while try log.state(of: .dev).version < 3 * Snapshots.interval {
            try log.drawHistory(seed: seed, commands: 50)
            seed += 1
        }
        let version: Int? = try temporary.value("SELECT version FROM snapshots WHERE stream = 'dev'")
        let head = try log.state(of: .dev).version
        #expect(try #require(version) > head - 2 * Snapshots.interval)
        #expect(try #require(version) <= head)
        let full = try log.foldedState(of: .dev)
        #expect(try EventLog(home: temporary.home).state(of: .dev) == full)
    }

    /// A snapshot is a cache: whatever is wrong with it, the stream is folded.
    @Test(arguments: [
        "UPDATE snapshots SET state = '{}'", "DELETE FROM snapshots",
        "UPDATE snapshots SET format = 99, state = json_set(state, '$.incarnation', 77)",
        "UPDATE snapshots SET version = 100000, state = json_set(state, '$.incarnation', 77)",
    ])
    func aBadSnapshotIsPassedOver(_ sql: String) throws {
        let log = try EventLog(home: temporary.home)
        while try log.state(of: .dev).version <= Snapshots.interval {
            try log.given(.start, .takeOver(process: "a"), .setAutostop(.never), .stop, .stopFinished)
        }
        #expect(try temporary.value("SELECT count(*) FROM snapshots") == 1)
        try temporary.execute(sql)
        #expect(try EventLog(home: temporary.home).state(of: .dev) == log.foldedState(of: .dev))
    }

    /// That a snapshot is used at all shows when it says something the events do not.
    @Test func aSnapshotIsUsed() throws {
        let log = try EventLog(home: temporary.home)
        while try log.state(of: .dev).version <= Snapshots.interval {
            try log.given(.start, .takeOver(process: "a"), .setAutostop(.never), .stop, .stopFinished)
        }
        try temporary.execute("UPDATE snapshots SET state = json_set(state, '$.incarnation', 77)")
        #expect(try EventLog(home: temporary.home).state(of: .dev).incarnation == 77)
        #expect(try log.foldedState(of: .dev).incarnation == 1)
    }
}

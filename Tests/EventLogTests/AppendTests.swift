import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// The append door: what it writes, and what it promises about it.
@Suite struct AppendTests {
    private let temporary = TemporaryHome()

    /// L1: the settings are read back from the connection that writes.
    @Test func theConnectionIsDurable() throws {
        let log = try EventLog(home: temporary.home)
        let synchronous = try log.queue.read { try Int.fetchOne($0, sql: "PRAGMA synchronous") }
        let journalMode = try log.queue.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") }
        let foreignKeys = try log.queue.read { try Int.fetchOne($0, sql: "PRAGMA foreign_keys") }
        #expect(synchronous == 2, "2 is FULL")
        #expect(journalMode == "wal")
        #expect(foreignKeys == 1)
    }

    @Test func aReceiptHoldsTheStateAndTheEvents() throws {
        let log = try EventLog(home: temporary.home)
        let receipt = try log.submit(.up(.api), to: .dev, by: .ann, commandID: "c1")
        #expect(receipt.events.map(\.event.type) == [.controllerStarting, .serviceUpRequested])
        #expect(receipt.events.map(\.position) == [1, 2])
        #expect(receipt.events.map(\.stamp.version) == [1, 2])
        #expect(receipt.events.allSatisfy { $0.commandID == "c1" && $0.component == "cli" })
        #expect(receipt.events.allSatisfy { $0.stamp.actor == "ann@desk" })
        #expect(receipt.state.status == .starting)
        #expect(try log.state(of: .dev) == receipt.state)
        #expect(try log.events(after: 0) == receipt.events)
    }

    @Test func positionsRunThroughTheLogAndVersionsThroughEachStream() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start, controller: .dev)
        try log.given(.start, controller: .prod)
        try log.given(.takeOver(process: "a"), controller: .dev)
        let events = try log.events(after: 0)
        #expect(events.map(\.position) == [1, 2, 3, 4])
        #expect(events.map(\.controller) == [.dev, .prod, .dev, .dev])
        #expect(events.map(\.stamp.version) == [1, 1, 2, 3])
    }

    /// The first event of a report names what it follows from; each later one follows from the first.
    @Test func causesAreRecorded() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start, controller: .prod)
        try log.given(.start, .takeOver(process: "a"), .up(.api))
        let state = try log.state(of: .dev)
        let replica = try #require(state.services[.api]?.replicas[1]?.reference(of: .api))
        let added = try #require(try log.events(after: 0).first { $0.event.type == .replicaAdded })
        let receipt = try log.submit(.replicaLaunched(replica, .sample, .sample), to: .dev, by: .ann)
        #expect(receipt.events.count == 2)
        #expect(receipt.events[0].cause == added.position)
        #expect(receipt.events[1].cause == receipt.events[0].position)
        let wish = try log.submit(.stop, to: .dev, by: .ann)
        #expect(wish.events[0].cause == nil)
    }

    /// L6: a command line that is not sure its command arrived gives it again.
    @Test func theSameCommandIDTwiceIsOneCommand() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start, .takeOver(process: "a"))
        let first = try log.submit(.stop, to: .dev, by: .ann, commandID: "c1")
        try log.given(.start)
        let second = try log.submit(.stop, to: .dev, by: .ann, commandID: "c1")
        #expect(!first.isRepeated)
        #expect(second.isRepeated)
        #expect(second.events.isEmpty)
        #expect(second.state == (try log.state(of: .dev)))
        #expect(try log.lastPosition() == 5, "starting, started, idle, stopping, start_requested")
    }

    @Test func aRepeatedCommandIsKnownInAnotherProcessToo() throws {
        try EventLog(home: temporary.home).submit(.start, to: .dev, by: .ann, commandID: "c1")
        let again = try EventLog(home: temporary.home).submit(.start, to: .dev, by: .ann, commandID: "c1")
        #expect(again.isRepeated)
    }

    /// A command that was refused left nothing, so it may be given again under its id.
    @Test func aRefusedCommandLeavesNothing() throws {
        let log = try EventLog(home: temporary.home)
        do {
            try log.submit(.stop, to: .dev, by: .ann, commandID: "c1")
            Issue.record("it was not refused")
        } catch {
            guard case .rejected(.noSuchController(.dev)) = error else { throw error }
        }
        #expect(try log.lastPosition() == 0)
        #expect(try log.status().controllers.isEmpty)
        try log.given(.start)
        #expect(try !log.submit(.stop, to: .dev, by: .ann, commandID: "c1").events.isEmpty)
    }

    /// Repeated, a command that changed nothing changes nothing later either.
    @Test func theIDOfACommandThatChangedNothingIsKept() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start, .takeOver(process: "a"))
        #expect(try log.submit(.start, to: .dev, by: .ann, commandID: "c1").events.isEmpty)
        try log.given(.stop)
        let again = try log.submit(.start, to: .dev, by: .ann, commandID: "c1")
        #expect(again.isRepeated && again.events.isEmpty)
    }

    @Test func portsOfOtherControllersArePassedOver() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.up(.api), controller: .prod)
        try log.given(.up(.api), controller: .dev)
        #expect(try log.state(of: .prod).services[.api]?.endpoint.port == 30_001)
        #expect(try log.state(of: .dev).services[.api]?.endpoint.port == 30_002)
    }

    @Test func everyCommitRingsAndNothingElseDoes() throws {
        let log = try EventLog(home: temporary.home)
        let bell = log.bell.path
        func rung() throws -> Date? {
            try FileManager.default.attributesOfItem(atPath: bell)[.modificationDate] as? Date
        }
        let past = Date(timeIntervalSince1970: 1)
        try log.given(.start)
        #expect(try rung() != past)
        try FileManager.default.setAttributes([.modificationDate: past], ofItemAtPath: bell)
        try log.given(.start)
        #expect(try rung() == past, "nothing was committed")
        try log.given(.takeOver(process: "a"))
        #expect(try rung() != past)
        try FileManager.default.removeItem(atPath: bell)
        try log.given(.stop)
        #expect(try log.state(of: .dev).status == .stopping, "a bell that cannot be rung loses nothing")
    }

}

import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// Several programs on one file. Each has a connection of its own, as processes have.
@Suite struct ConcurrencyTests {
    private let temporary = TemporaryHome()

    @Test func concurrentWritersLoseNothing() async throws {
        let home = temporary.home
        let logs = try (0..<4).map { _ in try EventLog(home: home, busyTimeoutSeconds: 60) }
        let controllers: [ControllerName] = [.dev, .prod]
        for controller in controllers { try logs[0].given(.start, controller: controller) }
        let perThread = 20
        _ = try await onThreads(8) { thread in
            for number in 0..<perThread {
                try logs[thread % 4].submit(
                    .setAutostop(.byHand(seconds: Double(thread * 1_000 + number))),
                    to: controllers[(thread / 4 + number) % 2], by: .ann, commandID: "\(thread)-\(number)")
            }
        }
        let events = try logs[0].events(after: 0)
        #expect(events.count == 2 + 8 * perThread)
        #expect(events.map(\.position) == Array(1...events.count))
        #expect(Set(events.compactMap(\.commandID)).count == 8 * perThread)
        for controller in controllers {
            let versions = events.filter { $0.controller == controller }.map(\.stamp.version)
            #expect(versions == Array(1...versions.count))
            for log in logs {
                #expect(try log.state(of: controller) == log.foldedState(of: controller))
            }
            #expect(try logs[0].differences(of: controller) == [])
        }
        #expect(try logs[0].firstBrokenPosition() == nil)
    }

    @Test func oneCommandGivenByManyAtOnceIsOneCommand() async throws {
        let home = temporary.home
        let logs = try (0..<4).map { _ in try EventLog(home: home, busyTimeoutSeconds: 60) }
        let receipts = try await onThreads(8) {
            try logs[$0 % 4].submit(.up(.api), to: .dev, by: .ann, commandID: "c1")
        }
        #expect(receipts.count { !$0.isRepeated } == 1)
        #expect(try logs[0].lastPosition() == 2)
    }

    /// Two people bring up the same name at once: one is told yes, the other why not.
    @Test func aNameIsTakenByOne() async throws {
        let home = temporary.home
        let logs = try (0..<2).map { _ in try EventLog(home: home, busyTimeoutSeconds: 60) }
        let outcomes = try await onThreads(2) { thread -> String in
            do throws(SubmitError) {
                try logs[thread].submit(.up(.api), to: .dev, by: .ann, commandID: "\(thread)")
                return "accepted"
            } catch .rejected(.serviceExists) {
                return "refused"
            } catch {
                return error.description
            }
        }
        #expect(outcomes.sorted() == ["accepted", "refused"])
    }

    /// L3 and L6, raced: a deadline and an `up` at the same moment end in a controller that will serve.
    @Test(arguments: 1...5)
    func aDeadlineAndAnUpAtOnce(round: Int) async throws {
        let home = temporary.home
        let logs = try (0..<2).map { _ in try EventLog(home: home, busyTimeoutSeconds: 60) }
        try logs[0].given(.start(policy: .byHand(seconds: 0)), .takeOver(process: "a"))
        let pending = try #require(try logs[0].state(of: .dev).pendingDeadlines.first)
        _ = try await onThreads(2) { thread in
            try logs[thread].submit(
                thread == 0 ? .up(.api) : .deadlineReached(pending.key, generation: pending.generation),
                to: .dev, by: .ann)
        }
        let state = try logs[0].state(of: .dev)
        switch state.phase {
        case .up: break
        case .stopping(let stopping): #expect(stopping.startAgain)
        default: Issue.record("\(state.status)")
        }
        let ends = try logs[0].events(after: 0).filter {
            $0.event.type == .controllerWoken || $0.event.type == .controllerStopping
        }
        #expect(ends.count == 1, "L5")
    }

    /// Several programs find no database and make one at the same moment.
    @Test(arguments: 1...3)
    func aLogIsMadeOnce(round: Int) async throws {
        let home = temporary.home
        let ids = try await onThreads(6) { _ in try EventLog(home: home, busyTimeoutSeconds: 60).logID }
        #expect(Set(ids).count == 1)
        _ = try EventLog(home: home)
        #expect(try temporary.value("SELECT count(*) FROM schema_migrations") == Migration.shipped.count)
    }

    /// A reader never sees events without the projections that follow from them, nor the other way round.
    @Test func readersSeeWholeCommands() async throws {
        let home = temporary.home
        let writer = try EventLog(home: home, busyTimeoutSeconds: 60)
        let reader = try EventLog(home: home, busyTimeoutSeconds: 60)
        try writer.given(.start, .takeOver(process: "a"))
        let differences = try await onThreads(2) { thread in
            var differences = 0
            for number in 0..<30 {
                if thread == 0 {
                    try writer.given(number.isMultiple(of: 2) ? .up(.api) : .down([.api]))
                    if let replica = try writer.state(of: .dev).services[.api]?.replicas.values.first,
                        let loadBalancer = try writer.state(of: .dev).services[.api]?.loadBalancer,
                        !number.isMultiple(of: 2)
                    {
                        try writer.given(
                            .replicaRemoved(replica.reference(of: .api)),
                            .loadBalancerRemoved(.init(service: .api, generation: loadBalancer.generation)))
                    }
                } else if try reader.differences(of: .dev) != [] {
                    differences += 1
                }
            }
            return differences
        }
        #expect(differences.allSatisfy { $0 == 0 })
    }
}

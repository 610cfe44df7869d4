import Lifecycle
import TestKit
import Testing

/// The number of replicas changes: by the load, and by hand.
@Suite struct ScaleScenarioTests {
    private func up(_ spec: ServiceSpec) throws -> Scenario {
        var it = Scenario()
        try it.given(.start, .takeOver(process: "a"), .up(spec))
        try it.launchLoadBalancer()
        return it
    }

    private func scale(_ it: Scenario, from: Int, to: Int, version: Int = 1) -> Command {
        .scale(
            Command.Scale(loadBalancer: it.loadBalancer(), version: version, from: from, to: to, reason: "60 requests"))
    }

    private func statuses(_ it: Scenario) -> [Int: ReplicaStatus] {
        (it.state.services[.api]?.replicas ?? [:]).mapValues(\.status)
    }

    @Test func moreAreAddedAndFewerAreDrained() throws {
        var it = try up(.scaling(1...4))
        try it.makeReady(1)
        #expect(try it.when(scale(it, from: 1, to: 3)).map(\.type) == [.serviceScaled, .replicaAdded, .replicaAdded])
        try it.makeReady(2)
        try it.given(scale(it, from: 3, to: 1))
        // Those that serve least go first, then the higher id.
        #expect(statuses(it) == [1: .ready, 2: .shuttingDown, 3: .shuttingDown])
        #expect(it.state.services[.api]?.replicas[2]?.reasonInWords == "finishes the requests it has")
    }

    @Test func overprovisionedOnesComeOnTop() throws {
        var it = try up(.scaling(1...2, numOverprovision: 2))
        #expect(statuses(it).count == 3)
        try it.given(scale(it, from: 1, to: 2))
        #expect(statuses(it).count == 4)
    }

    @Test func whatWasLookedAtHasChanged() throws {
        var it = try up(.scaling(1...4))
        let late = scale(it, from: 1, to: 3)
        try it.given(scale(it, from: 1, to: 2))
        #expect(try it.when(late).isEmpty, "another decision came first")
        #expect(try it.when(scale(it, from: 2, to: 3, version: 2)).isEmpty, "another version")
        let ofBefore = scale(it, from: 1, to: 4)
        try it.given(.down([.api]))
        try it.removeEverything()
        try it.given(.up(.scaling(1...4)))
        try it.launchLoadBalancer()
        #expect(try it.when(ofBefore).isEmpty, "another life of the name")
    }

    @Test func noDecisionLeavesTheBounds() throws {
        var it = try up(.scaling(1...4))
        try it.given(scale(it, from: 1, to: 99))
        #expect(it.state.services[.api]?.targetReplicas == 4)
        try it.given(scale(it, from: 4, to: -1))
        #expect(it.state.services[.api]?.targetReplicas == 1)
        var fixed = try Scenario.up()
        try fixed.launchLoadBalancer()
        #expect(try fixed.when(scale(fixed, from: 1, to: 3)).isEmpty, "a fixed number stays")
    }

    @Test func anUpdateKeepsTheNumberWithinItsOwnBounds() throws {
        var it = try up(.scaling(1...6))
        try it.given(scale(it, from: 1, to: 5))
        try it.given(.update(.api, to: .scaling(1...3)))
        #expect(it.state.services[.api]?.targetReplicas == 3)
        try it.given(.update(.api, to: .sample(replicas: 2)))
        #expect(it.state.services[.api]?.targetReplicas == 2)
    }

    /// L3: a service that waits for requests is in use.
    @Test func aServiceAtZeroHoldsItsControllerUp() throws {
        var it = try up(.scaling(0...2))
        #expect(statuses(it).isEmpty)
        let service = try #require(it.state.services[.api])
        #expect(service.status == .noReplica && service.isLive)
        #expect(it.state.statusReason(of: service) == "no request yet; the next one starts a replica")
        #expect(it.state.status == .up)
        try it.given(scale(it, from: 0, to: 1))
        try it.makeReady(1)
        #expect(it.state.services[.api]?.status == .ready)
        try it.given(scale(it, from: 1, to: 0))
        try it.given(.replicaDrained(it.replica(1)), .replicaRemoved(it.replica(1)))
        #expect(it.state.services[.api]?.status == .noReplica)
        #expect(it.state.status == .up)
    }

    @Test func afterAStopItBeginsAnew() throws {
        var it = try up(.scaling(1...4))
        try it.given(scale(it, from: 1, to: 3), .stop)
        try it.removeEverything()
        try it.given(.start, .takeOver(process: "b"))
        #expect(it.state.services[.api]?.targetReplicas == 1)
    }

    /// A controller process that takes over keeps what was decided.
    @Test func aCrashChangesNothing() throws {
        var it = try up(.scaling(1...4))
        try it.given(scale(it, from: 1, to: 3), .takeOver(process: "b", from: "a"))
        #expect(it.state.services[.api]?.targetReplicas == 3)
        #expect(it.state.outstanding.contains { if case .watchLoad = $0 { true } else { false } })
    }

    // By hand.

    @Test func oneReplicaIsTakenAwayAndReplaced() throws {
        var it = try Scenario.up(replicas: 2)
        try it.launchLoadBalancer()
        for id in 1...2 { try it.makeReady(id) }
        try it.given(.removeReplica(.api, replica: 1))
        #expect(statuses(it) == [1: .shuttingDown, 2: .ready, 3: .pending])
        try it.given(.replicaDrained(it.replica(1)))
        #expect(it.state.services[.api]?.replicas[1]?.reasonInWords == "removed by hand")
        try it.given(.replicaRemoved(it.replica(1)))
        #expect(statuses(it) == [2: .ready, 3: .pending])
        #expect(it.state.services[.api]?.consecutiveFailures == 0, "it did not fail")
    }

    @Test func oneThatFailedIsForgotten() throws {
        var it = try Scenario.up()
        try it.launchLoadBalancer()
        try it.launch(1)
        try it.crash(1)
        try it.removeEverything()
        #expect(try it.when(.removeReplica(.api, replica: 1)).map(\.type) == [.replicaGone])
    }

    // What cannot be removed.

    private func down(_ command: Command) throws -> Scenario {
        var it = try Scenario.serving()
        try it.given(command, .loadBalancerRemoved(it.loadBalancer()))
        return it
    }

    @Test func whatCannotBeRemovedIsForgottenOnlyOnceThatWasTried() throws {
        var it = try down(.purge([.api]))
        #expect(statuses(it) == [1: .shuttingDown])
        try it.given(.replicaRemovalFailed(it.replica(1), leftovers: "process 12 does not end"))
        #expect(it.state.services[.api] == nil)
        #expect(it.state.status == .idle)
        let gone = it.history.compactMap { if case .replicaGone(let gone) = $0.event { gone } else { nil } }
        #expect(gone.map(\.leftovers) == ["process 12 does not end"])
    }

    @Test func aDownThatIsStuckCanBePurged() throws {
        var it = try down(.down([.api]))
        try it.given(.replicaRemovalFailed(it.replica(1), leftovers: "process 12 does not end"))
        #expect(it.state.services[.api]?.status == .failedCleanup)
        #expect(try it.when(.down([.api])).isEmpty)
        try it.given(.purge([.api]))
        #expect(it.state.services[.api] == nil)
    }

    @Test func whatCanBeRemovedIsRemovedByAPurgeToo() throws {
        var it = try down(.purge([.api]))
        try it.removeEverything()
        #expect(it.state.services[.api] == nil)
        #expect(
            !it.history.contains { if case .replicaGone(let gone) = $0.event { gone.reason != nil } else { false } })
    }

    @Test func aLoadBalancerThatCannotBeRemovedIsSaidSoAndTriedAgain() throws {
        var it = try Scenario.serving()
        try it.given(.down([.api]))
        let balancer = it.loadBalancer()
        try it.given(.loadBalancerRemovalFailed(balancer, leftovers: "process 13 does not end"))
        #expect(it.state.services[.api]?.status == .failedCleanup)
        #expect(!it.state.outstanding.contains(.removeLoadBalancer(balancer)))
        it.clock.advance(seconds: 2)
        try it.whenReached(.loadBalancerCleanup(.api))
        #expect(it.state.outstanding.contains(.removeLoadBalancer(balancer)))
        try it.removeEverything()
        #expect(it.state.services[.api] == nil)
    }

    @Test func aLoadBalancerIsPurgedToo() throws {
        var it = try Scenario.serving()
        try it.given(.down([.api]), .loadBalancerRemovalFailed(it.loadBalancer(), leftovers: "process 13"))
        try it.given(.purge([.api]))
        #expect(it.state.services[.api]?.loadBalancer == nil)
    }

    @Test func oneThatIsNotThereIsSaidSo() throws {
        var it = try Scenario.up(replicas: 2)
        let refusal = Rejection.noSuchReplica(7, of: .api, controller: it.state.name, existing: [1, 2])
        #expect(throws: refusal) { try it.when(.removeReplica(.api, replica: 7)) }
        #expect("\(refusal)".hasSuffix("has no replica 7; it has 1, 2"))
        #expect(throws: Rejection.self) { try it.when(.removeReplica(.chat, replica: 1)) }
    }
}

import Lifecycle
import TestKit
import Testing

/// Stopping, starting again, terminating: what people do by hand.
@Suite struct StopScenarioTests {
    /// L6: an order that comes at the worst moment is served all the same.
    @Test func upWhileStoppingIsServedByStartingAgain() throws {
        var it = try Scenario.idle()
        it.clock.advance(seconds: 600)
        try it.whenReached(.idle)
        try it.given(.up(.api))
        #expect(it.state.status == .stopping)
        #expect(it.state.services[.api]?.status == .controllerInit)
        try it.removeEverything()
        #expect(it.state.status == .starting)
        try it.given(.takeOver(process: "b"))
        #expect(it.state.status == .up)
        #expect(it.state.outstanding.contains(.launchReplica(it.replica(1))))
    }

    @Test func stopAfterThatUpTakesItBack() throws {
        var it = try Scenario.idle()
        try it.given(.stop, .up(.api), .stop)
        try it.removeEverything()
        #expect(it.state.status == .stopped)
        #expect(it.state.services[.api]?.status == .noReplica)
    }

    @Test func startAgainIsAskedForOnce() throws {
        var it = try Scenario.idle()
        try it.given(.stop, .up(.api))
        #expect(try it.when(.up(.chat)).map(\.type) == [.serviceUpRequested])
        #expect(try it.when(.start).isEmpty)
    }

    /// L7: it is not stopped before everything of it is gone.
    @Test func aStopIsNotFinishedWhileSomethingRuns() throws {
        var it = try Scenario.serving()
        try it.given(.stop)
        #expect(try it.when(.stopFinished).isEmpty)
        try it.given(.replicaDrained(it.replica(1)), .replicaRemoved(it.replica(1)))
        #expect(try it.when(.stopFinished).isEmpty)
        #expect(!it.state.outstanding.contains(.finishStop))
        try it.given(.loadBalancerRemoved(it.loadBalancer()))
        #expect(it.state.outstanding == [.finishStop])
        #expect(try it.when(.stopFinished).map(\.type).first == .controllerStopped)
    }

    @Test func aStoppedControllerKeepsItsServicesAndServesThemAgain() throws {
        var it = try Scenario.serving()
        let endpoint = it.state.services[.api]?.endpoint
        try it.given(.stop)
        try it.removeEverything()
        #expect(it.state.status == .stopped)
        #expect(it.state.outstanding.isEmpty)
        #expect(throws: Rejection.serviceSuspended(.api, controller: .dev)) { try it.when(.up(.api)) }
        try it.given(.start, .takeOver(process: "b"))
        #expect(it.state.services[.api]?.endpoint == endpoint)
        #expect(it.state.services[.api]?.replicas.keys.sorted() == [2], "a replica's id is never used again")
    }

    @Test func aServiceOfAStoppedControllerCanBeTakenDown() throws {
        var it = try Scenario.serving()
        try it.given(.stop)
        try it.removeEverything()
        #expect(try it.when(.down([.api])).map(\.type).last == .serviceGone)
        #expect(it.state.status == .stopped)
    }

    @Test func terminateRefusesWhileServicesLiveAndNamesThem() throws {
        var it = try Scenario.up()
        try it.given(.up(.chat))
        let refusal = Rejection.liveServices([.api, .chat], controller: .dev)
        #expect(throws: refusal) { try it.when(.terminate(force: false)) }
        #expect(refusal.description.contains("api, chat"))
        #expect(refusal.description.contains("--force"))
        #expect(it.state.status == .up)
    }

    @Test func terminateByForceTakesThemDown() throws {
        var it = try Scenario.serving()
        try it.given(.terminate(force: true))
        #expect(it.state.services[.api]?.isEnding == true)
        #expect(try it.when(.terminationFinished).isEmpty, "something of it still runs")
        try it.removeEverything()
        #expect(it.state.status == .terminated)
        #expect(it.state.services.isEmpty)
        #expect(it.state.pendingDeadlines.isEmpty)
    }

    /// Nobody runs who could report that nothing is left, and nothing is.
    @Test func aStoppedControllerIsTerminatedAtOnce() throws {
        var it = try Scenario.serving()
        try it.given(.stop)
        try it.removeEverything()
        try it.given(.terminate(force: true))
        #expect(it.state.status == .terminated)
        #expect(it.state.services.isEmpty)
    }

    @Test func aTerminatedNameBeginsANewIncarnation() throws {
        var it = try Scenario.idle(policy: .never)
        #expect(it.state.incarnation == 1)
        try it.given(.terminate(force: false), .terminationFinished)
        try it.given(.up(.api))
        #expect(it.state.incarnation == 2)
        #expect(it.state.policy == .standard, "nothing of the last life is left")
        #expect(it.state.status == .starting)
    }

    @Test func aStartThatFailedSaysWhyAndCanBeTriedAgain() throws {
        var it = Scenario()
        try it.given(.up(.api), .startFailed(reason: "no room"))
        #expect(it.state.phase == .failed(reason: "no room"))
        #expect(it.state.services[.api]?.status == .controllerFailed)
        #expect(it.state.incarnation == 1)
        it.clock.advance(seconds: 2)
        try it.given(.start, .takeOver(process: "a"))
        #expect(it.state.incarnation == 1, "it is the same life")
        #expect(it.state.services[.api]?.status == .replicaInit)
    }

    /// Two looked when the first had died. Whoever comes second would otherwise serve beside one that lives.
    @Test func nobodyTakesOverFromOneThatWasReplacedMeanwhile() throws {
        var it = try Scenario.serving()
        try it.given(.takeOver(process: "b", from: "a"))
        #expect(try it.when(.takeOver(process: "c", from: "a")).isEmpty)
        #expect(it.state.process == "b" && it.state.recoveries == 1)
    }

    @Test func aProcessThatDiedIsTakenOverFromOnce() throws {
        var it = try Scenario.serving()
        let outstanding = it.state.outstanding
        #expect(try it.when(.takeOver(process: "b", from: "a")).map(\.type) == [.controllerRecovered])
        #expect(try it.when(.takeOver(process: "b", from: "a")).isEmpty)
        #expect(it.state.recoveries == 1)
        #expect(it.state.outstanding == outstanding, "what runs is adopted, not launched again")
    }

    @Test func downNamesTheServicesThereAre() throws {
        var it = try Scenario.up()
        let refusal = Rejection.noSuchService(.chat, controller: .dev, existing: [.api])
        #expect(throws: refusal) { try it.when(.down([.api, .chat])) }
        #expect(refusal.description == "no service chat on controller dev; it has api")
        #expect(it.state.services[.api]?.isEnding == false, "all or nothing")
    }

    @Test func downTwiceIsOnce() throws {
        var it = try Scenario.serving()
        #expect(try !it.when(.down([.api, .api])).isEmpty)
        #expect(try it.when(.down([.api])).isEmpty)
        #expect(throws: Rejection.serviceExists(.api, controller: .dev, status: .shuttingDown)) {
            try it.when(.up(.api))
        }
    }

    // Ports.

    @Test func upTakesTheFirstPortNobodyHolds() throws {
        var it = Scenario()
        it.portsTakenElsewhere = [30_001]
        try it.given(.up(.api, ports: [30_001, 30_002, 30_003]))
        #expect(it.state.services[.api]?.endpoint == Endpoint(host: "127.0.0.1", port: 30_002))
        try it.given(.up(.chat, ports: [30_001, 30_002, 30_003]))
        #expect(it.state.services[.chat]?.endpoint.port == 30_003)
    }

    @Test func upIsRefusedWhenNoPortIsLeft() throws {
        var it = Scenario()
        it.portsTakenElsewhere = [30_001]
        try it.given(.up(.api, ports: [30_002]))
        let before = it.state
        #expect(throws: Rejection.noPortLeft([30_001, 30_002])) { try it.when(.up(.chat, ports: [30_001, 30_002])) }
        #expect(throws: Rejection.noPortLeft([])) { try it.when(.up(.chat, ports: [])) }
        #expect(it.state == before)
    }

    /// Its load balancer listens there already, and tells of the failure until the new version serves.
    @Test func aServiceThatFailedIsUpAgainAtItsEndpoint() throws {
        var it = try Scenario.failed()
        let (endpoint, balancer) = (it.state.services[.api]?.endpoint, it.loadBalancer())
        #expect(try it.when(.up(.api, ports: [30_009])).first?.type == .serviceUpdated)
        #expect(it.state.services[.api]?.endpoint == endpoint && it.loadBalancer() == balancer)
        #expect(it.state.services[.api]?.status == .replicaInit && it.state.status == .up)
        #expect(it.state.services[.api]?.version == 2 && it.state.services[.api]?.failure == nil)
        try it.makeReady(2)
        #expect(it.state.services[.api]?.status == .ready)
    }

    @Test func aServiceThatFailedIsUpAgainAfterItsControllerStopped() throws {
        var it = try Scenario.failed()
        try it.given(.stop)
        try it.removeEverything()
        try it.given(.up(.api), .takeOver(process: "b"))
        #expect(it.state.services[.api]?.status == .replicaInit && it.state.services[.api]?.version == 2)
    }

    @Test func aServiceThatFailedAndIsTakenDownIsWaitedFor() throws {
        var it = try Scenario.failed()
        try it.given(.down([.api]))
        #expect(throws: Rejection.serviceExists(.api, controller: .dev, status: .shuttingDown)) {
            try it.when(.up(.api))
        }
    }
}

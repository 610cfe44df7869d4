@testable import Lifecycle
import TestKit
import Testing

/// What becomes of replicas: those that never worked, those that did, and late reports about either.
@Suite struct ReplicaScenarioTests {
    @Test func aServiceIsReadyWhenAReplicaAndTheLoadBalancerAre() throws {
        var it = try Scenario.up()
        #expect(it.state.services[.api]?.status == .replicaInit)
        try it.makeReady(1)
        #expect(it.state.services[.api]?.status == .notReady)
        try it.launchLoadBalancer()
        #expect(it.state.services[.api]?.status == .ready)
        #expect(it.state.services[.api]?.readySinceMicroseconds == it.clock.now.wallMicroseconds)
    }

    /// A version that cannot work must not be launched for ever.
    @Test func aReplicaThatNeverGotReadyStopsLaunchesAndFailsTheService() throws {
        var it = try Scenario.up()
        try it.launchLoadBalancer()
        try it.launch(1)
        try it.crash(1)
        #expect(it.state.services[.api]?.launchesStopped == "replica 1: `run` exited with code 1")
        #expect(it.state.services[.api]?.replicas.count == 1)
        try it.removeEverything()
        let service = try #require(it.state.services[.api])
        #expect(service.status == .failed)
        #expect(service.replicas[1]?.status == .failed)
        #expect(service.failure == "replica 1: `run` exited with code 1")
        #expect(!service.isLive && it.state.status == .idle)
    }

    /// Whoever asks for it is told why it failed, until it is taken down; and nothing waits for that.
    @Test func theLoadBalancerOfAFailedServiceStaysUntilDown() throws {
        var it = try Scenario.failed()
        #expect(it.state.services[.api]?.loadBalancer?.isRunning == true)
        let deadline = try #require(it.pending(.idle))
        try it.given(.loadBalancerEnded(it.loadBalancer(), reason: "its process ended"))
        #expect(
            it.state.outstanding.contains(.launchLoadBalancer(it.loadBalancer(), it.state.services[.api]!.endpoint)))
        try it.launchLoadBalancer()
        #expect(try it.when(.down([.api])).map(\.type).contains(.loadBalancerRemoving))
        #expect(it.pending(.idle) == deadline, "tidying up after it is no use of the controller")
        try it.removeEverything()
        #expect(it.state.services.isEmpty && it.pending(.idle) == deadline)
    }

    @Test func theLoadBalancerOfAFailedServiceComesAndGoesWithItsController() throws {
        var it = try Scenario.failed()
        let endpoint = it.state.services[.api]?.endpoint
        it.clock.advance(seconds: 600)
        try it.whenReached(.idle)
        #expect(it.state.status == .stopping)
        #expect(it.state.outstanding == [.removeLoadBalancer(it.loadBalancer())], "nothing is left over")
        try it.removeEverything()
        #expect(it.state.status == .stopped && it.state.services[.api]?.status == .failed)
        try it.given(.start, .takeOver(process: "b"))
        #expect(it.state.services[.api]?.loadBalancer != nil && it.state.services[.api]?.endpoint == endpoint)
        #expect(it.state.status == .idle)
    }

    /// As everything that cannot be removed.
    @Test func aStuckLoadBalancerOfAFailedServiceHoldsItsControllerUp() throws {
        var it = try Scenario.failed()
        try it.given(.down([.api]), .loadBalancerRemovalFailed(it.loadBalancer(), leftovers: "process 7"))
        #expect(it.state.services[.api]?.status == .failedCleanup)
        #expect(it.state.status == .up && it.state.liveServices == [.api])
        try it.given(.loadBalancerRemoved(it.loadBalancer()))
        #expect(it.state.status == .idle && it.state.services.isEmpty)
    }

    @Test func aReplicaNotReadyInTimeFails() throws {
        var it = try Scenario.up()
        try it.launch(1)
        it.clock.advance(seconds: 1_199)
        #expect(try it.whenReached(.readiness(.api, replica: 1)).isEmpty)
        it.clock.advance(seconds: 1)
        try it.whenReached(.readiness(.api, replica: 1))
        try it.given(.replicaRemoved(it.replica(1)))
        #expect(it.state.services[.api]?.replicas[1]?.status == .failedInitialDelay)
        #expect(
            it.state.services[.api]?.replicas[1]?.reasonInWords == "not ready within 1200 s (initial_delay_seconds)")
    }

    @Test func whyAReplicaIsNotReadyYetIsKnown() throws {
        var it = try Scenario.up()
        try it.launch(1)
        let before = try #require(it.pending(.readiness(.api, replica: 1)))
        let failed = Command.replicaProbed(it.replica(1), isReady: false, evidence: "HTTP 404")
        #expect(try it.when(failed).map(\.type) == [.replicaProbeFailed])
        #expect(try it.when(failed).isEmpty, "said once")
        #expect(it.state.services[.api]?.replicas[1]?.reasonInWords == "not ready yet: HTTP 404")
        #expect(it.pending(.readiness(.api, replica: 1)) == before, "its deadline stays")
        it.clock.advance(seconds: 1_200)
        try it.whenReached(.readiness(.api, replica: 1))
        #expect(
            it.state.services[.api]?.replicas[1]?.reasonInWords
                == "not ready within 1200 s (initial_delay_seconds); last probe: HTTP 404")
    }

    @Test func aReplicaThatRecoversFromItsProbesStays() throws {
        var it = try Scenario.serving()
        try it.given(.replicaProbed(it.replica(1), isReady: false, evidence: "HTTP 503"))
        let missed = try #require(it.pending(.readiness(.api, replica: 1)))
        it.clock.advance(seconds: 179)
        try it.given(.replicaProbed(it.replica(1), isReady: true, evidence: "HTTP 200"))
        it.clock.advance(seconds: 3_600)
        #expect(try it.when(.deadlineReached(missed.key, generation: missed.generation)).isEmpty)
        #expect(it.state.services[.api]?.status == .ready)
    }

    /// Each probe that fails leaves the deadline of the first where it is.
    @Test func failingProbesDoNotPutTheDeadlineOff() throws {
        var it = try Scenario.serving()
        try it.given(.replicaProbed(it.replica(1), isReady: false, evidence: "HTTP 503"))
        it.clock.advance(seconds: 100)
        #expect(try it.when(.replicaProbed(it.replica(1), isReady: false, evidence: "HTTP 500")).isEmpty)
        it.clock.advance(seconds: 80)
        try it.whenReached(.readiness(.api, replica: 1))
        #expect(it.state.services[.api]?.replicas[1]?.reasonInWords == "failed its probes for 180 s; first: HTTP 503")
    }

    @Test func aReplicaThatWasReadyIsReplacedWithBackOff() throws {
        var it = try Scenario.serving()
        var waits: [Double] = []
        for id in 1...6 {
            if id > 1 { try it.launch(id) }
            try it.crash(id)
            try it.given(.replicaRemoved(it.replica(id)))
            waits.append(
                it.pending(.launch(.api, replica: id + 1)).map { Double($0.deadline.spanMicroseconds) / 1e6 } ?? 0)
            it.clock.advance(seconds: waits[waits.count - 1])
            try it.whenReached(.launch(.api, replica: id + 1))
        }
        #expect(waits[0] == 0, "somebody is being served, so the first is replaced at once")
        #expect(it.state.services[.api]?.launchesStopped == nil)
        for (wait, about) in zip(waits.dropFirst(), [1.0, 2, 4, 8, 16]) {
            #expect((0.8 * about...1.2 * about).contains(wait), "waited \(wait) s for about \(about) s")
        }
    }

    @Test func aReplicaThatWasReadyForLongFailsForTheFirstTime() throws {
        var it = try Scenario.serving()
        for id in 1...3 {
            it.clock.advance(seconds: 60)
            try it.crash(id)
            #expect(it.pending(.launch(.api, replica: id + 1)) == nil, "replaced at once")
            try it.makeReady(id + 1)
        }
        #expect(it.state.services[.api]?.consecutiveFailures == 1)
    }

    @Test func aRebootIsNotTheReplicasFault() throws {
        var it = try Scenario.up()
        try it.launch(1)
        it.clock.reboot()
        try it.given(.takeOver(process: "b", from: "a"), .replicaEnded(it.replica(1), .rebooted, logTail: nil))
        let service = try #require(it.state.services[.api])
        #expect(service.launchesStopped == nil)
        #expect(service.consecutiveFailures == 0)
        #expect(service.replicas[2]?.phase == .pending(launchAt: nil))
        let gone = try it.when(.replicaRemoved(it.replica(1)))
        #expect(gone == [.replicaGone(ReplicaGone(service: .api, replica: 1, reason: "the machine was booted again"))])
    }

    @Test(arguments: [
        (Ending.exited(code: 2, stage: .setup), "`setup` exited with code 2"),
        (.exited(code: 137, stage: .run), "`run` exited with code 137 (signal 9)"),
        (.exited(code: 128, stage: .run), "`run` exited with code 128"),
        (.signaled(signal: 11, stage: .run), "`run` was ended by signal 11"),
        (.vanished, "its process is gone, and nobody saw how it ended"),
    ])
    func anEndingIsToldInWords(_ ending: Ending, words: String) throws {
        var it = try Scenario.serving()
        try it.given(.replicaEnded(it.replica(1), ending, logTail: "Traceback"))
        #expect(it.state.services[.api]?.replicas[1]?.reasonInWords == words)
    }

    /// A replica launched just before its service went down: what was launched must be removed.
    @Test func aLaunchRecordedAfterDownKeepsTheHandle() throws {
        var it = try Scenario.up()
        let replica = it.replica(1)
        try it.given(.down([.api]))
        #expect(try it.when(.replicaLaunched(replica, .sample, .sample)).map(\.type) == [.replicaLaunched])
        #expect(it.state.services[.api]?.replicas[1]?.handle == .sample)
        #expect(it.state.services[.api]?.replicas[1]?.status == .shuttingDown)
        #expect(it.state.outstanding.contains(.removeReplica(replica)))
    }

    /// Ids begin at 1 again in a service's next life; its generation tells the lives apart.
    @Test func lateReportsAboutAReplicaOfThePastChangeNothing() throws {
        var it = try Scenario.serving()
        let past = it.replica(1)
        try it.given(.down([.api]))
        try it.removeEverything()
        try it.given(.up(.api))
        let present = it.replica(1)
        #expect(past != present)
        let before = it.state
        for command: Command in [
            .replicaLaunched(past, .sample, .sample), .replicaLaunchFailed(past, reason: "no bash"),
            .replicaStarted(past), .replicaProbed(past, isReady: true, evidence: "HTTP 200"),
            .replicaEnded(past, .vanished, logTail: nil), .replicaRemoved(past),
            .replicaRemovalFailed(past, leftovers: "pid 12"),
        ] {
            #expect(try it.when(command).isEmpty)
        }
        #expect(it.state == before)
    }

    @Test func aRemovalThatLeavesSomethingIsTriedAgain() throws {
        var it = try Scenario.serving()
        try it.given(
            .down([.api]), .replicaDrained(it.replica(1)), .replicaRemovalFailed(it.replica(1), leftovers: "pid 12"))
        #expect(it.state.services[.api]?.status == .failedCleanup)
        #expect(!it.state.outstanding.contains(.removeReplica(it.replica(1))), "not before its time")
        it.clock.advance(seconds: 2)
        try it.whenReached(.cleanup(.api, replica: 1))
        #expect(it.state.outstanding.contains(.removeReplica(it.replica(1))))
        try it.removeEverything()
        #expect(it.state.services.isEmpty, "there is always a way out")
    }

    @Test func onlyTheLastFailuresAreListed() throws {
        var it = try Scenario.serving()
        for id in 1...8 {
            it.clock.advance(seconds: 400)
            if let pending = it.pending(.launch(.api, replica: id)) {
                try it.given(.deadlineReached(pending.key, generation: pending.generation))
            }
            if id > 1 { try it.launch(id) }
            try it.crash(id)
            try it.given(.replicaRemoved(it.replica(id)))
        }
        #expect(it.state.services[.api]?.replicas.keys.sorted() == [4, 5, 6, 7, 8, 9])
    }

    @Test func noReplicasWantedIsNoFailure() throws {
        var it = try Scenario.idle()
        try it.given(.up(.api, replicas: 0))
        #expect(it.state.services[.api]?.status == .noReplica)
        #expect(it.state.status == .up, "its load balancer tells callers so")
        #expect(it.state.outstanding.count == 1)
    }

    @Test func aLoadBalancerThatEndsIsLaunchedAgainAndTheServiceSaysSo() throws {
        var it = try Scenario.serving()
        try it.given(.loadBalancerEnded(it.loadBalancer(), reason: "signal 9"))
        #expect(it.state.services[.api]?.status == .notReady)
        #expect(it.state.outstanding.contains { $0.subject == .loadBalancer(it.loadBalancer()) }, "at once")
        try it.given(.loadBalancerEnded(it.loadBalancer(), reason: "port taken"))
        #expect(!it.state.outstanding.contains { $0.subject == .loadBalancer(it.loadBalancer()) }, "after a pause")
        it.clock.advance(seconds: 1)
        try it.whenReached(.loadBalancerLaunch(.api))
        #expect(it.state.outstanding.contains { $0.subject == .loadBalancer(it.loadBalancer()) })
    }

    /// However long one ran before: what cannot be launched is not tried again and again at once.
    @Test func aLoadBalancerThatCannotBeLaunchedAgainIsHeldBack() throws {
        var it = try Scenario.serving()
        it.clock.advance(seconds: 120)
        var waits: [Int64] = []
        for _ in 1...6 {
            try it.given(.loadBalancerEnded(it.loadBalancer(), reason: "port taken"))
            let left = it.pending(.loadBalancerLaunch(.api))?.deadline.remainingMicroseconds(at: it.clock.now) ?? 0
            waits.append(left)
            it.clock.advance(seconds: 60)
            try it.whenReached(.loadBalancerLaunch(.api))
        }
        #expect(waits[0] == 0, "it is the way in")
        #expect(zip(waits, waits.dropFirst()).allSatisfy { $0 < $1 }, "\(waits)")
    }
}

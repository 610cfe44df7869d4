import TestKit
import Testing

@testable import Lifecycle

/// What dwelling is about: when an idle controller stops, and when it does not.
@Suite struct IdleScenarioTests {
    @Test func theLastServiceGoneBeginsTheWindow() throws {
        var it = try Scenario.serving()
        it.clock.advance(seconds: 100)
        try it.given(.down([.api]))
        #expect(it.state.status == .up, "its replica still runs")
        try it.removeEverything()
        #expect(it.state.services.isEmpty)
        let idle = try #require(it.pending(.idle))
        #expect(idle.deadline == Deadline(seconds: 600, after: it.clock.now))
    }

    @Test func upWithinTheWindowCancelsTheStop() throws {
        var it = try Scenario.idle()
        let idle = try #require(it.pending(.idle))
        it.clock.advance(seconds: 599)
        let events = try it.when(.up(.api))
        #expect(it.state.status == .up)
        #expect(
            events.contains(
                .controllerWoken(
                    ControllerWoken(service: .api, idleVersion: idle.generation, idleMicroseconds: 599_000_000))))
        it.clock.advance(seconds: 3_600)
        #expect(try it.when(.deadlineReached(.idle, generation: idle.generation)).isEmpty)
        #expect(it.state.status == .up)
    }

    @Test func theDeadlineStopsItAndSaysHowLate() throws {
        var it = try Scenario.idle()
        let idle = try #require(it.pending(.idle))
        it.clock.advance(seconds: 600.25)
        #expect(
            try it.whenReached(.idle) == [
                .controllerStopping(
                    ControllerStopping(
                        reason: .idleDeadline, idleVersion: idle.generation, latenessMicroseconds: 250_000))
            ])
        #expect(it.state.outstanding == [.finishStop])
        try it.given(.stopFinished)
        #expect(
            it.state.phase
                == .stopped(
                    .init(
                        reason: .idleDeadline, sinceMicroseconds: it.clock.now.wallMicroseconds,
                        generation: it.state.version, at: it.clock.now)))
    }

    /// L5: it fires at most once, however often it is reported.
    @Test func aDeadlineReportedTwiceFiresOnce() throws {
        var it = try Scenario.idle()
        let idle = try #require(it.pending(.idle))
        it.clock.advance(seconds: 600)
        try it.whenReached(.idle)
        #expect(try it.when(.deadlineReached(.idle, generation: idle.generation)).isEmpty)
    }

    /// L5: the deadline of an idle period that is over is void in the next.
    @Test func aDeadlineOfAnOldGenerationDoesNothing() throws {
        var it = try Scenario.idle()
        let old = try #require(it.pending(.idle))
        try it.given(.up(.api), .down([.api]))
        try it.removeEverything()
        let new = try #require(it.pending(.idle))
        #expect(new.generation > old.generation)
        it.clock.advance(seconds: 3_600)
        #expect(try it.when(.deadlineReached(.idle, generation: old.generation)).isEmpty)
        #expect(it.state.status == .idle)
        #expect(try !it.when(.deadlineReached(.idle, generation: new.generation)).isEmpty)
    }

    @Test(arguments: [0.0, 300, 599.999_999])
    func aDeadlineReportedTooEarlyDoesNothing(afterSeconds: Double) throws {
        var it = try Scenario.idle()
        it.clock.advance(seconds: afterSeconds)
        #expect(try it.whenReached(.idle).isEmpty)
        #expect(it.state.status == .idle)
    }

    /// L3, on a state that no history leads to: should it ever be idle with a live service, it must not stop.
    @Test func anIdleStopIsRefusedWhenAServiceIsLive() throws {
        var it = try Scenario.up()
        let service = try #require(it.state.services[.api])
        it = try .idle()
        let idle = try #require(it.pending(.idle))
        var state = it.state
        state.services[.api] = service
        it.clock.advance(seconds: 600)
        let decision = try state.decide(.deadlineReached(.idle, generation: idle.generation), it.surroundings)
        #expect(decision.events.isEmpty)
    }

    @Test func aServiceThatFailedForGoodDoesNotHoldItUp() throws {
        var it = try Scenario.up()
        try it.launchLoadBalancer()
        try it.launch(1)
        try it.crash(1)
        try it.removeEverything()
        #expect(it.state.services[.api]?.status == .failed)
        #expect(it.state.status == .idle)
        it.clock.advance(seconds: 600)
        #expect(try !it.whenReached(.idle).isEmpty)
    }

    @Test func tidyingUpAfterAServiceThatFailedDoesNotWakeIt() throws {
        var it = try Scenario.up()
        try it.launchLoadBalancer()
        try it.launch(1)
        try it.crash(1)
        try it.removeEverything()
        let deadline = try #require(it.pending(.idle))
        it.clock.advance(seconds: 500)
        try it.when(.down([.api]))
        try it.removeEverything()
        #expect(it.state.services.isEmpty)
        #expect(it.pending(.idle) == deadline)
    }

    @Test func aPolicyChangeWhileIdleRestartsTheClockFromNow() throws {
        var it = try Scenario.idle()
        let old = try #require(it.pending(.idle))
        it.clock.advance(seconds: 500)
        let events = try it.when(.setAutostop(.byHand(seconds: 60)))
        #expect(
            events.first
                == .controllerPolicySet(
                    ControllerPolicySet(policy: .byHand(seconds: 60), idleVersion: old.generation)))
        #expect(it.pending(.idle)?.deadline == Deadline(seconds: 60, after: it.clock.now))
        it.clock.advance(seconds: 59)
        #expect(try it.whenReached(.idle).isEmpty)
        it.clock.advance(seconds: 1)
        #expect(try it.when(.deadlineReached(.idle, generation: old.generation)).isEmpty)
        #expect(try !it.whenReached(.idle).isEmpty)
    }

    @Test func neverMeansNever() throws {
        let it = try Scenario.idle(policy: .never)
        #expect(it.state.status == .idle)
        #expect(it.state.pendingDeadlines.isEmpty)
    }

    @Test func zeroMeansAtOnce() throws {
        var it = try Scenario.idle(policy: .byHand(seconds: 0))
        #expect(it.state.status == .idle)
        #expect(try it.whenReached(.idle).count == 1)
        #expect(it.state.status == .stopping)
    }

    /// A policy from the command line outlives whatever a file says later; a newer file beats an older.
    @Test func thePolicyFromTheCommandLineWins() throws {
        var it = try Scenario.idle(policy: .configured(seconds: 600))
        try it.given(.up(.api, policy: .configured(seconds: 60)))
        #expect(it.state.policy == .configured(seconds: 60))
        try it.given(.setAutostop(.byHand(seconds: 5)), .up(.chat, policy: .configured(seconds: 900)))
        #expect(it.state.policy == .byHand(seconds: 5))
        try it.given(.stop)
        try it.removeEverything()
        try it.given(.start(policy: .configured(seconds: 900)))
        #expect(it.state.policy == .byHand(seconds: 5))
    }

    /// The `up` that ends an idle period is what ended it, also when it brings a new policy along.
    @Test func upWithANewPolicyWakesFirst() throws {
        var it = try Scenario.idle(policy: .configured(seconds: 600))
        let types = try it.when(.up(.api, policy: .configured(seconds: 60))).map(\.type)
        let woken = try #require(types.firstIndex(of: .controllerWoken))
        let policySet = try #require(types.firstIndex(of: .controllerPolicySet))
        #expect(woken < policySet)
        #expect(it.state.status == .up)
    }

    @Test func aRebootCarriesTheDeadlineOver() throws {
        var it = try Scenario.idle()
        it.clock.advance(seconds: 100)
        it.clock.reboot(afterSeconds: 50)
        try it.given(.takeOver(process: "b", from: "a"))
        let idle = try #require(it.pending(.idle))
        #expect(idle.deadline.bootID == it.clock.now.bootID)
        #expect(idle.deadline.remainingMicroseconds(at: it.clock.now) == 450_000_000)
        it.clock.setWallClock(forwardSeconds: 86_400)
        #expect(try it.whenReached(.idle).isEmpty, "on its new boot the boot clock decides")
        it.clock.advance(seconds: 450)
        #expect(try it.whenReached(.idle).count == 1)
    }

    @Test func aControllerThatWasOffBeyondItsDeadlineStopsAtOnce() throws {
        var it = try Scenario.idle()
        it.clock.reboot(afterSeconds: 7_200)
        try it.given(.takeOver(process: "b", from: "a"))
        guard case .controllerStopping(let stopping)? = try it.whenReached(.idle).first else {
            Issue.record("it did not stop")
            return
        }
        #expect(stopping.latenessMicroseconds == 6_600_000_000)
    }
}

import TestKit
import Testing

@testable import Lifecycle

extension AutostopPolicy {
    fileprivate static func keepingApart(_ seconds: Double) -> AutostopPolicy {
        AutostopPolicy(
            idleTimeoutSeconds: 600, source: .standard, minStartIntervalSeconds: .init(seconds, .controllers))
    }
}

extension Scenario {
    /// Started, stopped, and asked to start again at once, which is held back for so long.
    static func held(seconds: Double) throws(Rejection) -> Scenario {
        var it = Scenario()
        try it.given(
            .start(policy: .keepingApart(seconds)), .takeOver(process: "a"), .stop, .stopFinished,
            .start(policy: .keepingApart(seconds)))
        return it
    }
}

/// Starts keep their distance, and what comes too soon is held back and not swallowed.
@Suite struct ChurnScenarioTests {
    @Test func aStartThatComesTooSoonWaitsForItsTime() throws {
        var it = try Scenario.held(seconds: 60)
        let held = try #require(it.state.heldStart)
        #expect(it.state.status == .starting && it.state.needsProcess)
        #expect(held.reason == "started 0 s ago, min_start_interval 60 s")
        let pending = try #require(it.pending(.start))
        #expect(pending.deadline.remainingMicroseconds(at: it.clock.now) == 60_000_000)
        it.clock.advance(seconds: 59.9)
        #expect(try it.when(.takeOver(process: "b")).isEmpty, "a process that is there waits")
        #expect(try it.when(.deadlineReached(.start, generation: pending.generation)).isEmpty)
        it.clock.advance(seconds: 0.2)
        let events = try it.when(.deadlineReached(.start, generation: pending.generation))
        #expect(events.map(\.type) == [.controllerStartDue])
        guard case .controllerStartDue(let due) = events.first else { return }
        #expect(due.latenessMicroseconds == 100_000)
        #expect(try it.when(.takeOver(process: "b")).map(\.type) == [.controllerStarted, .controllerIdle])
        #expect(it.state.heldStart == nil && it.pending(.start) == nil)
    }

    /// Law L6: what was accepted meanwhile comes to pass.
    @Test func anUpIsHeldAndNotSwallowed() throws {
        var it = try Scenario.held(seconds: 60)
        #expect(try it.when(.up(.api)).map(\.type) == [.serviceUpRequested, .controllerPolicySet])
        #expect(it.state.services[.api]?.status == .controllerInit)
        #expect(
            it.state.statusReason(of: try #require(it.state.services[.api]))
                == "the start of its controller is held back: started 0 s ago, min_start_interval 60 s")
        it.clock.advance(seconds: 61)
        try it.given(.takeOver(process: "b"))
        #expect(it.state.status == .up && it.state.services[.api]?.status == .replicaInit)
    }

    @Test func aStartAfterTheIntervalAndTheFirstOfAllAreNotHeld() throws {
        var it = Scenario()
        try it.given(.start(policy: .keepingApart(60)))
        #expect(it.state.heldStart == nil)
        try it.given(.takeOver(process: "a"), .stop, .stopFinished)
        it.clock.advance(seconds: 60)
        try it.given(.start(policy: .keepingApart(60)))
        #expect(it.state.heldStart == nil)
        try it.given(.stop, .stopFinished, .start(policy: .standard))
        #expect(it.state.heldStart == nil, "nobody asks for it any more")
    }

    /// From the moment a start was due, not from when it was asked for.
    @Test func theIntervalCountsFromWhenAStartBegan() throws {
        var it = try Scenario.held(seconds: 60)
        it.clock.advance(seconds: 60)
        try it.given(.takeOver(process: "b"), .stop, .stopFinished)
        it.clock.advance(seconds: 59)
        try it.given(.start(policy: .keepingApart(60)))
        #expect(it.pending(.start)?.deadline.remainingMicroseconds(at: it.clock.now) == 1_000_000)
    }

    /// A script that terminates and starts is one more way to churn.
    @Test func anotherLifeOfTheNameIsHeldToo() throws {
        var it = try Scenario.held(seconds: 60)
        try it.given(.terminate(force: false), .terminationFinished)
        #expect(it.state.heldStart == nil && it.pending(.start) == nil)
        try it.given(.start(policy: .keepingApart(60)))
        #expect(it.state.incarnation == 2 && it.state.heldStart != nil)
    }

    @Test func aStopTakesTheHeldStartBack() throws {
        var it = try Scenario.held(seconds: 60)
        let old = try #require(it.pending(.start))
        try it.given(.stop, .stopFinished)
        #expect(it.state.status == .stopped && it.pending(.start) == nil)
        it.clock.advance(seconds: 100)
        #expect(try it.when(.deadlineReached(.start, generation: old.generation)).isEmpty)
    }

    @Test func aStartThatWasAskedForWhileItStoppedIsHeldToo() throws {
        var it = Scenario()
        try it.given(.start(policy: .keepingApart(60)), .takeOver(process: "a"), .stop, .start)
        #expect(try it.when(.stopFinished).map(\.type) == [.controllerStopped, .controllerStarting])
        #expect(it.state.heldStart != nil)
    }

    @Test func failedStartsAreHeldBackTheLongerTheMoreThereAre() throws {
        var it = Scenario()
        try it.given(.start)
        for failures in 1...12 {
            try it.given(.startFailed(reason: "no room"), .start)
            let held = try #require(it.pending(.start))
            let base = min(300, Double(1 << (failures - 1)))
            let seconds = Double(held.deadline.spanMicroseconds) / 1e6
            #expect(seconds >= 0.8 * base - 0.001 && seconds <= 1.2 * base + 0.001)
            it.clock.advance(seconds: seconds + 0.001)
            try it.given(.deadlineReached(.start, generation: held.generation))
        }
        #expect(it.state.heldStart == nil)
        try it.given(.takeOver(process: "a"), .stop, .stopFinished, .start)
        #expect(it.state.heldStart == nil, "one that succeeded ends the row")
    }

    @Test func theReasonSaysWhichHoldsLonger() throws {
        var it = Scenario()
        try it.given(.start(policy: .keepingApart(60)), .startFailed(reason: "no room"))
        it.clock.advance(seconds: 0.5)
        try it.given(.start(policy: .keepingApart(60)))
        #expect(it.state.heldStart?.reason == "started 0.5 s ago, min_start_interval 60 s")
        try it.given(.stop, .stopFinished, .start)
        #expect(it.state.heldStart?.reason == "the last start failed")
    }

    @Test func aJumpOfTheWallClockMovesNothing() throws {
        for jump in [-100_000.0, 100_000] {
            var it = try Scenario.held(seconds: 60)
            it.clock.setWallClock(forwardSeconds: jump)
            let left = it.pending(.start)?.deadline.remainingMicroseconds(at: it.clock.now)
            #expect(left == 60_000_000)
            try it.given(.stop, .stopFinished, .start(policy: .keepingApart(60)))
            let again = try #require(it.pending(.start)).deadline.remainingMicroseconds(at: it.clock.now)
            #expect(again == 60_000_000)
        }
    }

    /// A process of the next boot tells the deadline on its own clock, and recovers nothing.
    @Test func aHeldStartOutlivesAReboot() throws {
        var it = try Scenario.held(seconds: 60)
        it.clock.reboot(afterSeconds: 20)
        var loop = ControllerLoop(process: "b")
        #expect(loop.wake(it.state, now: it.clock.now) == [.submit(.takeOver(process: "b"))])
        #expect(try it.when(.takeOver(process: "b")).map(\.type) == [.controllerRecovered])
        #expect(it.state.recoveries == 0 && it.state.status == .starting)
        let pending = try #require(it.pending(.start))
        #expect(pending.deadline.bootID == it.clock.now.bootID)
        #expect(loop.wake(it.state, now: it.clock.now) == [.arm([pending])])
        it.clock.advance(seconds: 61)
        #expect(
            loop.wake(it.state, now: it.clock.now)
                == [.submit(.deadlineReached(.start, generation: pending.generation))])
        try it.given(.deadlineReached(.start, generation: pending.generation))
        #expect(loop.wake(it.state, now: it.clock.now) == [.submit(.takeOver(process: "b"))])
        try it.given(.takeOver(process: "b"))
        #expect(it.state.status == .idle)
    }
}

import Lifecycle
import TestKit
import Testing

/// Nothing ran that could see to a deadline, and then somebody wants something: what was due comes first.
@Suite struct OverdueScenarioTests {
    private func overdue(_ policy: AutostopPolicy = .standard) throws(Rejection) -> Scenario {
        var it = try Scenario.idle(policy: policy)
        it.clock.advance(seconds: 603)
        return it
    }

    private func lateness(_ events: [Event]) -> Int64? {
        events.lazy.compactMap {
            if case .controllerStopping(let event) = $0 { event.latenessMicroseconds } else { nil }
        }
        .first
    }

    @Test func anUpFindsItStoppedAndStartsItAnew() throws {
        var it = try overdue()
        let events = try it.when(.up(.api))
        #expect(events.map(\.type) == [.controllerStopping, .controllerStartRequested, .serviceUpRequested])
        #expect(lateness(events) == 3_000_000)
        try it.given(.takeOver(process: "b", from: "a"), .stopFinished, .takeOver(process: "b"))
        #expect(it.state.status == .up && it.state.services[.api]?.isLive == true)
    }

    @Test func anUpInTimeWakesIt() throws {
        var it = try Scenario.idle()
        it.clock.advance(seconds: 599)
        #expect(try it.when(.up(.api)).map(\.type).contains(.controllerWoken))
    }

    @Test(arguments: [
        Command.stop, .start, .setAutostop(.byHand(seconds: 100)), .pauseAutostop(seconds: 60, reason: nil),
    ])
    func anyWishFindsItStopping(_ wish: Command) throws {
        var it = try overdue()
        let events = try it.when(wish)
        #expect(events.first?.type == .controllerStopping)
        #expect(lateness(events) == 3_000_000)
        #expect(events.count { $0.type == .controllerStopping } == 1, "the one stop is that of the deadline")
        #expect(it.folded == it.state)
    }

    @Test func aWishThatIsRefusedChangesNothing() throws {
        var it = try overdue()
        let before = it.state
        #expect(throws: Rejection.self) { try it.when(.down([.api])) }
        #expect(it.state == before)
    }

    @Test func aReportIsNoWish() throws {
        var it = try overdue()
        #expect(try it.when(.takeOver(process: "b", from: "a")).map(\.type) == [.controllerRecovered])
        #expect(try it.whenReached(.idle).map(\.type) == [.controllerStopping])
    }

    @Test func onePausedIsResumedFirstAndNotStopped() throws {
        var it = try Scenario.idle()
        try it.given(.pauseAutostop(seconds: 60, reason: nil))
        it.clock.advance(seconds: 61)
        let events = try it.when(.up(.api))
        #expect(events.first?.type == .controllerAutostopResumed)
        #expect(it.state.status == .up && it.state.services[.api]?.isLive == true)
    }

    @Test func oneThatWasToBeTerminatedIsStartedInAnotherLife() throws {
        var policy = AutostopPolicy.standard
        policy.terminateAfterSeconds = .init(60, .controllers)
        var it = try Scenario.idle(policy: policy)
        try it.given(.stop, .stopFinished)
        it.clock.advance(seconds: 61)
        let events = try it.when(.up(.api))
        #expect(
            events.map(\.type).starts(with: [.controllerTerminating, .controllerTerminated, .controllerStarting]),
            "\(events.map(\.type))")
        #expect(it.state.incarnation == 2)
    }

    @Test func theWindowCountsFromTheEndOfThePauseAndMayBeOverToo() throws {
        func paused() throws -> Scenario {
            var it = try Scenario.idle()
            try it.given(.pauseAutostop(seconds: 60, reason: nil))
            return it
        }
        var it = try paused()
        it.clock.advance(seconds: 160)
        try it.given(.takeOver(process: "b", from: "a"))
        try it.whenReached(.pauseEnd)
        #expect(it.pending(.idle)?.deadline.remainingMicroseconds(at: it.clock.now) == 500_000_000)
        it = try paused()
        it.clock.advance(seconds: 1_000)
        let events = try it.when(.up(.api)).map(\.type)
        #expect(events.starts(with: [.controllerAutostopResumed, .controllerIdle, .controllerStopping]), "\(events)")
        #expect(it.folded == it.state)
    }

    /// The pause ended after 60 s and its window 600 s later, and nobody was there to see either.
    @Test func aStopIsLateFromWhenItWasDue() throws {
        var it = try Scenario.idle()
        try it.given(.pauseAutostop(seconds: 60, reason: nil))
        it.clock.advance(seconds: 1_000)
        #expect(try lateness(it.when(.up(.api))) == 340_000_000)
        it = try Scenario.idle()
        try it.given(.pauseAutostop(seconds: 60, reason: nil))
        it.clock.advance(seconds: 1_000)
        try it.given(.takeOver(process: "b", from: "a"))
        try it.whenReached(.pauseEnd)
        #expect(try lateness(it.whenReached(.idle)) == 340_000_000)
    }

    /// Nobody wanted it to stop before then.
    @Test func aWindowThatIsOverWhenItIsSetIsNotLate() throws {
        var it = try Scenario.idle()
        it.clock.advance(seconds: 300)
        try it.given(.setAutostop(.byHand(seconds: 100), keepClock: true))
        #expect(try lateness(it.whenReached(.idle)) == 0)
    }

    @Test(arguments: [Command.terminate(force: false), .stop]) func whatItsOwnDeadlineHasDoneIsDone(_ wish: Command)
        throws
    {
        var policy = AutostopPolicy.standard
        policy.terminateAfterSeconds = .init(60, .controllers)
        var it = try Scenario.idle(policy: policy)
        try it.given(.stop, .stopFinished)
        it.clock.advance(seconds: 61)
        #expect(try it.when(wish).map(\.type) == [.controllerTerminating, .controllerTerminated])
    }

    /// What comes in the same moment finds no idleness that it would go on with later.
    @Test func anIdlePeriodAfterAPauseAndAnUpIsItsOwn() throws {
        var it = try Scenario.idle()
        try it.given(.pauseAutostop(seconds: 60, reason: nil))
        it.clock.advance(seconds: 61)
        try it.given(.up(.api))
        it.clock.advance(seconds: 100)
        try it.given(.down([.api]))
        try it.removeEverything()
        #expect(it.pending(.idle)?.deadline.remainingMicroseconds(at: it.clock.now) == 600_000_000)
    }
}

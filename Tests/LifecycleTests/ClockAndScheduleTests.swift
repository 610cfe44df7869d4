import TestKit
import Testing

@testable import Lifecycle

/// Times of the week go by the wall clock, deadlines by the boot clock: when somebody sets the one, the other follows.
@Suite struct ClockAndScheduleTests {
    /// Warm from 08:00 to 22:00, idle since a moment of the day.
    private func idle(atMinute minute: Int64, hooks: [HookKind]? = nil) throws -> Scenario {
        var it = Scenario()
        let today = it.clock.now.wallMicroseconds / 60_000_000 % 1_440
        it.clock.setWallClock(forwardSeconds: Double((minute - today + 1_440) % 1_440) * 60)
        let warm = WeeklyWindow(
            days: Array(0...6), startMinute: 480, endMinute: 1_320, timeZone: "UTC", text: "08:00-22:00")
        let policy = AutostopPolicy(
            idleTimeoutSeconds: 600, source: .serveController, hooks: hooks,
            schedule: .init(Schedule(keepWarm: [warm]), .controllers))
        try it.given(.start(policy: policy), .takeOver(process: "a"))
        return it
    }

    private func left(_ it: Scenario) throws -> Double {
        Double(try #require(it.pending(.idle)).deadline.remainingMicroseconds(at: it.clock.now)) / 1e6
    }

    /// The clock was wrong by hours and is put right: it does not stay up for hours that are over.
    @Test func aClockThatIsSetOutOfAWarmWindowLeavesNoLateDeadline() throws {
        var it = try idle(atMinute: 12 * 60)
        #expect(try abs(left(it) - (10 * 3_600 + 600)) < 61)
        it.clock.setWallClock(forwardSeconds: 11 * 3_600)
        let old = try #require(it.pending(.idle))
        var loop = ControllerLoop(process: "a")
        #expect(
            loop.wake(it.state, now: it.clock.now) == [.submit(.deadlineReached(.idle, generation: old.generation))])
        #expect(
            try it.when(.deadlineReached(.idle, generation: old.generation)).map(\.type)
                == [.controllerWoken, .controllerIdle])
        #expect(try left(it) == 600)
        #expect(try it.when(.deadlineReached(.idle, generation: old.generation)).isEmpty, "once")
    }

    @Test func aClockThatIsSetIntoAWarmWindowKeepsItWarm() throws {
        var it = try idle(atMinute: 23 * 60)
        #expect(try left(it) == 600)
        it.clock.setWallClock(forwardSeconds: -11 * 3_600)
        try it.given(.deadlineReached(.idle, generation: #require(it.pending(.idle)).generation))
        #expect(try left(it) > 9 * 3_600)
    }

    /// What it has been idle for by the clock that nobody sets is not to be waited for again, however often.
    @Test(arguments: [1_800.0, -1_800])
    func aClockThatIsSetBeginsNoWindowAnew(_ seconds: Double) throws {
        var it = try idle(atMinute: 23 * 60 + 59, hooks: [.idle, .wake])
        let began = it.clock.now
        #expect(it.state.hooks.map(\.kind) == [.idle])
        for passed in [100.0, 200, 300] {
            it.clock.advance(seconds: 100)
            it.clock.setWallClock(forwardSeconds: seconds)
            try it.given(.deadlineReached(.idle, generation: #require(it.pending(.idle)).generation))
            #expect(try left(it) == 600 - passed)
        }
        #expect(it.state.hooks.map(\.kind) == [.idle], "nothing has woken it")
        guard case .idle(let idle) = it.state.phase else { Issue.record("it is not idle"); return }
        #expect(idle.sinceMicroseconds == began.wallMicroseconds + Int64(3 * seconds * 1e6), "as the clock is now")
        it.clock.advance(seconds: 300)
        try it.given(.deadlineReached(.idle, generation: idle.generation))
        #expect(it.state.status == .stopping)
    }

    @Test func aClockThatIsSlewedMovesNothing() throws {
        var it = try idle(atMinute: 12 * 60)
        it.clock.setWallClock(forwardSeconds: 59)
        let pending = try #require(it.pending(.idle))
        #expect(!it.state.isOutOfStep(pending, it.clock.now))
        #expect(try it.when(.deadlineReached(.idle, generation: pending.generation)).isEmpty)
    }

    /// `--keep-clock` counts by it as well.
    @Test func aKeptClockIsNotTheOneThatWasSet() throws {
        var it = try Scenario.idle()
        it.clock.advance(seconds: 60)
        it.clock.setWallClock(forwardSeconds: 86_400)
        try it.given(.setAutostop(.byHand(seconds: 100), keepClock: true))
        #expect(try left(it) == 40)
    }

    /// Also where there was no deadline, by which it would be known how far it was set.
    @Test func aKeptClockIsNotTheOneThatWasSetWhereNothingWasWaitedFor() throws {
        var it = try Scenario.idle()
        it.clock.advance(seconds: 10)
        try it.given(.setAutostop(.never))
        it.clock.advance(seconds: 20)
        it.clock.setWallClock(forwardSeconds: 86_400)
        it.clock.advance(seconds: 30)
        try it.given(.setAutostop(.byHand(seconds: 100), keepClock: true))
        #expect(try left(it) == 40)
    }

    /// How far it was set before a reboot nobody knows; what is set after it is known.
    @Test func aKeptClockGoesOnAfterAReboot() throws {
        var it = try Scenario.idle()
        try it.given(.setAutostop(.never))
        it.clock.advance(seconds: 10)
        it.clock.reboot(afterSeconds: 30)
        try it.given(.takeOver(process: "b", from: "a"))
        it.clock.setWallClock(forwardSeconds: -3_600)
        it.clock.advance(seconds: 20)
        try it.given(.setAutostop(.byHand(seconds: 100), keepClock: true))
        #expect(try left(it) == 40)
    }

    /// How long it has been stopped goes by the boot clock, be there a deadline or not, and however often it was changed.
    @Test func aStoppedOneIsTerminatedNoSoonerForAClockThatWasSet() throws {
        for first in [nil, 500.0] {
            var it = try Scenario.idle()
            var policy = AutostopPolicy.byHand(seconds: 600)
            policy.terminateAfterSeconds = .init(first, .commandLine)
            try it.given(.setAutostop(policy), .stop, .stopFinished)
            it.clock.advance(seconds: 60)
            it.clock.setWallClock(forwardSeconds: 2 * 86_400)
            policy.terminateAfterSeconds = .init(300, .commandLine)
            try it.given(.setAutostop(policy))
            it.clock.setWallClock(forwardSeconds: -3 * 86_400)
            policy.terminateAfterSeconds = .init(1_000, .commandLine)
            try it.given(.setAutostop(policy, keepClock: true))
            let pending = try #require(it.pending(.termination))
            #expect(pending.deadline.remainingMicroseconds(at: it.clock.now) == 940_000_000)
        }
    }

    /// Nor after another policy, which begins another period in place of the one in which the clock was set.
    @Test func howLongItHasBeenIdleIsKnownThroughAChangeOfPolicy() throws {
        var it = try Scenario.idle()
        it.clock.advance(seconds: 10)
        it.clock.setWallClock(forwardSeconds: 86_400)
        try it.given(.setAutostop(.byHand(seconds: 600)))
        it.clock.advance(seconds: 20)
        try it.given(.setAutostop(.byHand(seconds: 100), keepClock: true))
        #expect(try left(it) == 70)
        it.clock.advance(seconds: 30)
        let events = try it.when(.up(.api))
        let woken = events.compactMap {
            if case .controllerWoken(let event) = $0 { event.idleMicroseconds } else { nil }
        }
        #expect(woken == [60_000_000])
    }

    /// Without times of the week nobody's deadline goes by the wall clock.
    @Test func withoutAScheduleAJumpMovesNothing() throws {
        var it = try Scenario.idle()
        it.clock.setWallClock(forwardSeconds: 86_400)
        let pending = try #require(it.pending(.idle))
        #expect(!it.state.isOutOfStep(pending, it.clock.now))
        #expect(try it.when(.deadlineReached(.idle, generation: pending.generation)).isEmpty)
    }
}

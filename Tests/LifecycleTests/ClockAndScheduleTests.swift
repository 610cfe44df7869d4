import TestKit
import Testing

@testable import Lifecycle

/// Times of the week go by the wall clock, deadlines by the boot clock: when somebody sets the one, the other follows.
@Suite struct ClockAndScheduleTests {
    /// Warm from 08:00 to 22:00, idle since a moment of the day.
    private func idle(atMinute minute: Int64, window: Double = 600) throws -> Scenario {
        var it = Scenario()
        let today = it.clock.now.wallMicroseconds / 60_000_000 % 1_440
        it.clock.setWallClock(forwardSeconds: Double((minute - today + 1_440) % 1_440) * 60)
        let warm = WeeklyWindow(
            days: Array(0...6), startMinute: 480, endMinute: 1_320, timeZone: "UTC", text: "08:00-22:00")
        let policy = AutostopPolicy(
            idleTimeoutSeconds: window, source: .serveController,
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

    @Test func aClockThatIsSlewedMovesNothing() throws {
        var it = try idle(atMinute: 12 * 60)
        it.clock.setWallClock(forwardSeconds: 59)
        let pending = try #require(it.pending(.idle))
        #expect(!it.state.isOutOfStep(pending, it.clock.now))
        #expect(try it.when(.deadlineReached(.idle, generation: pending.generation)).isEmpty)
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

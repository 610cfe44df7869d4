import TestKit
import Testing

@testable import Lifecycle

/// What people say about when a controller stops by itself: windows, pauses, the second timer, and services that
/// go when nobody asks for them.
@Suite struct AutostopScenarioTests {
    private func said(
        idle: Double?? = .none, down: Bool? = nil, terminateAfter: Double?? = .none, keepClock: Bool = false
    ) -> Command {
        var policy = AutostopPolicy(idleTimeoutSeconds: nil, source: .standard)
        if let idle { policy = AutostopPolicy(idleTimeoutSeconds: idle, source: .commandLine) }
        if let down { policy.down = .init(down, .commandLine) }
        if let terminateAfter { policy.terminateAfterSeconds = .init(terminateAfter, .commandLine) }
        return .setAutostop(policy, keepClock: keepClock)
    }

    private func left(_ it: Scenario, _ key: PendingDeadline.Key = .idle) -> Double? {
        it.pending(key).map { Double($0.deadline.remainingMicroseconds(at: it.clock.now)) / 1e6 }
    }

    // Windows.

    @Test func aNewWindowCountsFromNow() throws {
        var it = try Scenario.idle()
        it.clock.advance(seconds: 500)
        try it.given(said(idle: 120))
        #expect(left(it) == 120)
    }

    /// What comes at a time of the day comes to those only that stop by themselves.
    @Test func neverIsNeverAtEveryTimeOfTheDay() throws {
        let everyHour = (0..<24).map {
            WeeklyMoment(days: Array(0...6), minute: $0 * 60, timeZone: "UTC", text: "\($0):00")
        }
        var policy = AutostopPolicy(idleTimeoutSeconds: 604_800, source: .commandLine)
        policy.schedule = .init(Schedule(stopAt: everyHour), .controllers)
        var it = try Scenario.idle(policy: policy)
        #expect(try #require(left(it)) <= 3_600)
        try it.given(said(idle: .some(nil)))
        #expect(left(it) == nil)
        try it.given(said(idle: 604_800))
        #expect(try #require(left(it)) <= 3_600, "it is only suspended")
    }

    @Test func aKeptClockCountsFromWhenIdlenessBegan() throws {
        var it = try Scenario.idle()
        it.clock.advance(seconds: 100)
        try it.given(said(idle: 900))
        it.clock.advance(seconds: 100)
        try it.given(said(idle: 300, keepClock: true))
        #expect(left(it) == 100, "of 300 s, 200 have passed, whatever was said meanwhile")
        try it.given(said(idle: 150, keepClock: true))
        #expect(left(it) == 0)
        #expect(try it.whenReached(.idle).map(\.type) == [.controllerStopping])
    }

    @Test func whatIsNotSaidStays() throws {
        var it = try Scenario.idle(policy: .configured(seconds: 600))
        try it.given(said(terminateAfter: 3_600))
        #expect(it.state.policy.idleTimeoutSeconds == 600 && it.state.policy.source == .serveController)
        try it.given(said(down: true))
        #expect(it.state.policy.terminateAfterSeconds?.value == 3_600)
        // What the configuration says at the next start changes what nobody has said, value by value.
        let configured = AutostopPolicy(
            idleTimeoutSeconds: 60, source: .controllers, down: .init(false, .controllers),
            terminateAfterSeconds: .init(7, .controllers))
        let policy = configured.keepingCommandLine(of: it.state.policy)
        #expect(policy.idleTimeoutSeconds == 60)
        #expect(policy.down?.value == true && policy.terminateAfterSeconds?.value == 3_600)
    }

    @Test func downTerminatesInsteadOfStopping() throws {
        var it = try Scenario.idle()
        try it.given(said(down: true))
        it.clock.advance(seconds: 600)
        #expect(try it.whenReached(.idle).map(\.type) == [.controllerTerminating])
        try it.given(.terminationFinished)
        #expect(it.state.status == .terminated)
    }

    // Pauses.

    @Test func aPausedControllerDoesNotStop() throws {
        var it = try Scenario.idle()
        let before = try #require(it.pending(.idle))
        try it.given(.pauseAutostop(seconds: nil, reason: "demo"))
        #expect(it.pending(.idle) == nil)
        it.clock.advance(seconds: 100_000)
        #expect(try it.when(.deadlineReached(.idle, generation: before.generation)).isEmpty)
        #expect(it.state.pause?.reason == "demo")
        try it.given(.resumeAutostop)
        #expect(left(it) == 600, "the window counts from the end of the pause")
        #expect(it.state.pause == nil)
    }

    @Test func aPauseEndsByItself() throws {
        var it = try Scenario.idle()
        try it.given(.pauseAutostop(seconds: 7_200, reason: nil))
        #expect(left(it, .pauseEnd) == 7_200)
        it.clock.advance(seconds: 7_201)
        #expect(try it.whenReached(.pauseEnd).map(\.type) == [.controllerAutostopResumed, .controllerIdle])
        #expect(left(it) == 599, "it was noticed a second late, and the window counts from the end of the pause")
        #expect(it.pending(.pauseEnd) == nil)
    }

    @Test func anotherPauseTakesItsPlace() throws {
        var it = try Scenario.idle()
        try it.given(.pauseAutostop(seconds: 60, reason: nil))
        let first = try #require(it.pending(.pauseEnd))
        try it.given(.pauseAutostop(seconds: 600, reason: nil))
        it.clock.advance(seconds: 60)
        #expect(try it.when(.deadlineReached(.pauseEnd, generation: first.generation)).isEmpty)
        #expect(it.state.pause != nil)
    }

    @Test func aPauseOutlivesServicesStopsAndCrashes() throws {
        var it = try Scenario.serving()
        try it.given(.pauseAutostop(seconds: nil, reason: nil), .takeOver(process: "b", from: "a"), .down([.api]))
        try it.removeEverything()
        #expect(it.state.status == .idle && it.pending(.idle) == nil)
        try it.given(.stop, .stopFinished, .start, .takeOver(process: "c"))
        #expect(it.state.status == .idle && it.pending(.idle) == nil)
        #expect(try it.when(.resumeAutostop).map(\.type) == [.controllerAutostopResumed, .controllerIdle])
    }

    /// How long it has been idle is told over every change of what is said.
    @Test func idlenessGoesOn() throws {
        var it = try Scenario.idle()
        let since = it.clock.now.wallMicroseconds
        it.clock.advance(seconds: 30)
        try it.given(.pauseAutostop(seconds: nil, reason: nil), said(idle: 60), .resumeAutostop, said(idle: 90))
        guard case .idle(let idle) = it.state.phase else {
            Issue.record("\(it.state.status)")
            return
        }
        #expect(idle.sinceMicroseconds == since)
    }

    // The second timer.

    @Test func aControllerThatStaysStoppedIsTerminated() throws {
        var it = try Scenario.idle()
        try it.given(said(terminateAfter: 604_800), .stop, .stopFinished)
        #expect(left(it, .termination) == 604_800)
        #expect(!it.state.needsProcess)
        it.clock.advance(seconds: 604_800.5)
        #expect(try it.whenReached(.termination).map(\.type) == [.controllerTerminating, .controllerTerminated])
        let generation = it.state.version
        #expect(try it.when(.deadlineReached(.termination, generation: generation)).isEmpty, "once")
    }

    @Test func oneThatIsStartedInTimeIsNot() throws {
        var it = try Scenario.idle()
        try it.given(said(terminateAfter: 60), .stop, .stopFinished)
        let pending = try #require(it.pending(.termination))
        try it.given(.start)
        it.clock.advance(seconds: 61)
        #expect(try it.when(.deadlineReached(.termination, generation: pending.generation)).isEmpty)
    }

    /// L3: services that the next start serves again are not lost.
    @Test func oneWithServicesToServeAgainIsNot() throws {
        var it = try Scenario.serving()
        try it.given(said(terminateAfter: 60), .stop)
        try it.removeEverything()
        #expect(it.state.status == .stopped && it.pending(.termination) == nil)
        try it.given(.down([.api]))
        #expect(it.pending(.termination) != nil, "they are gone now")
    }

    @Test func whatIsSaidWhileItIsStoppedCounts() throws {
        var it = try Scenario.idle()
        try it.given(.stop, .stopFinished)
        #expect(it.pending(.termination) == nil)
        it.clock.advance(seconds: 100)
        try it.given(said(terminateAfter: 60))
        #expect(left(it, .termination) == 60)
        try it.given(said(terminateAfter: 130, keepClock: true))
        #expect(left(it, .termination) == 30)
        try it.given(said(terminateAfter: .some(nil)))
        #expect(it.pending(.termination) == nil)
    }
}

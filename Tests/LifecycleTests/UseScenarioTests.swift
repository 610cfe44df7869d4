import Lifecycle
import TestKit
import Testing

/// What besides services keeps a controller from being idle (`wait_for`).
@Suite struct UseScenarioTests {
    private func up(_ names: [String] = ["ssh", "gpu"]) throws -> Scenario {
        var it = Scenario()
        let policy = AutostopPolicy(
            idleTimeoutSeconds: 600, source: .standard, waitFor: .init(names, .controllers))
        try it.given(.start(policy: policy), .takeOver(process: "a"))
        return it
    }

    private func seen(_ name: String, _ isActive: Bool) -> Command {
        .useSeen(name, isActive: isActive, evidence: isActive ? "it says active" : "it says idle")
    }

    /// What has not answered yet may be about to say so.
    @Test func itIsIdleOnceAllHaveSaidSo() throws {
        var it = try up()
        #expect(it.state.status == .up && it.state.outstanding == [.watchUse(["ssh", "gpu"])])
        #expect(try it.when(seen("ssh", false)).map(\.type) == [.controllerUseChanged])
        #expect(try it.when(seen("gpu", false)).map(\.type) == [.controllerUseChanged, .controllerIdle])
        #expect(it.pending(.idle) != nil)
    }

    @Test func oneThatSaysSoEndsTheIdlePeriod() throws {
        var it = try up()
        try it.given(seen("ssh", false), seen("gpu", false))
        it.clock.advance(seconds: 599)
        let events = try it.when(seen("gpu", true))
        #expect(events.map(\.type) == [.controllerUseChanged, .controllerWoken])
        guard case .controllerWoken(let woken) = events[1] else { return }
        #expect(woken.service == nil && woken.reason == "in use by gpu (wait_for)")
        it.clock.advance(seconds: 3_600)
        try it.given(seen("gpu", false))
        let left = try #require(it.pending(.idle)).deadline.remainingMicroseconds(at: it.clock.now)
        #expect(left == 600_000_000, "the window counts from when it is idle again")
    }

    /// Whoever names something to wait for ends the idle period. The next is one of its own, also where the clock was to be
    /// kept: it was used in between.
    @Test func whatWasKeptOfAnIdlePeriodIsNotForALaterOne() throws {
        var it = try up([])
        it.clock.advance(seconds: 300)
        let change = AutostopPolicy(idleTimeoutSeconds: nil, source: .standard, waitFor: .init(["ssh"], .commandLine))
        #expect(try it.when(.setAutostop(change, keepClock: true)).map(\.type) == [.controllerPolicySet])
        try it.given(seen("ssh", true))
        it.clock.advance(seconds: 3_600)
        let events = try it.when(seen("ssh", false))
        #expect(events.map(\.type) == [.controllerUseChanged, .controllerIdle])
        guard case .controllerIdle(let idle) = events[1] else { return }
        #expect(idle.sinceMicroseconds == nil && idle.clockSinceMicroseconds == nil)
        let left = try #require(it.pending(.idle)).deadline.remainingMicroseconds(at: it.clock.now)
        #expect(left == 600_000_000, "it is not stopped at once")
    }

    @Test func onlyAnotherAnswerIsAnEvent() throws {
        var it = try up(["ssh"])
        #expect(try it.when(seen("ssh", true)).map(\.type) == [.controllerUseChanged])
        #expect(try it.when(seen("ssh", true)).isEmpty)
        #expect(try it.when(seen("gpu", false)).isEmpty, "nobody asks it")
        let failed = Command.useSeen("ssh", isActive: true, evidence: "it exited with code 1")
        #expect(try it.when(failed).map(\.type) == [.controllerUseChanged], "why it is taken for used")
        #expect(it.state.uses["ssh"]?.evidence == "it exited with code 1")
    }

    /// What the command line says to wait for stays so, whatever the configuration says at the next start.
    @Test func theCommandLineGoesBefore() throws {
        var it = try up(["ssh", "gpu"])
        let configured = it.state.policy
        let none = AutostopPolicy(idleTimeoutSeconds: nil, source: .standard, waitFor: .init([], .commandLine))
        #expect(try it.when(.setAutostop(none)).map(\.type) == [.controllerPolicySet, .controllerIdle])
        #expect(it.state.policy.idleTimeoutSeconds == 600, "and nothing else is said")
        try it.given(.stop, .stopFinished, .start(policy: configured), .takeOver(process: "b"))
        #expect(it.state.status == .idle && it.state.policy.waitFor?.source == .commandLine)
    }

    @Test func aServiceHoldsItUpAllTheSame() throws {
        var it = try up(["ssh"])
        try it.given(seen("ssh", false), .up(.sample()), .down([.api]))
        try it.removeEverything()
        #expect(it.state.status == .idle)
    }

    /// Answers of an earlier life of it say nothing.
    @Test func afterAStopTheyAreAskedAnew() throws {
        var it = try up(["ssh"])
        try it.given(seen("ssh", false), .stop, .stopFinished, .start(policy: it.state.policy), .takeOver(process: "b"))
        #expect(it.state.status == .up && it.state.activeUses == ["ssh"])
        // A process that takes over after a crash finds them as they were.
        try it.given(seen("ssh", false), .takeOver(process: "c", from: "b"))
        #expect(it.state.status == .idle)
    }
}

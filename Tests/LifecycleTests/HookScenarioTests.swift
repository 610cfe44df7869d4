import TestKit
import Testing

@testable import Lifecycle

/// Hooks: when each is called for, that it runs once at most, and that it holds an end back only until it has ended.
@Suite struct HookScenarioTests {
    private func policy(_ hooks: [HookKind]) -> AutostopPolicy {
        var policy = AutostopPolicy.configured(seconds: 600)
        policy.hooks = hooks
        return policy
    }

    private func idle(_ hooks: [HookKind]) throws -> Scenario {
        var it = Scenario()
        try it.given(.start(policy: policy(hooks)), .takeOver(process: "a"))
        return it
    }

    private func pending(_ it: Scenario) -> [HookKind] { it.state.hooks.map(\.kind) }

    private func toRun(_ it: Scenario) -> [HookKind] {
        it.state.outstanding.compactMap { if case .runHook(let kind, _) = $0 { kind } else { nil } }
    }

    private func run(_ kind: HookKind, _ it: inout Scenario, _ outcome: HookOutcome = .exited(code: 0)) throws {
        let hook = try #require(it.state.hooks.first { $0.kind == kind })
        try it.given(.hookStarted(hook.version), .hookEnded(hook.version, outcome))
    }

    @Test func eachTransitionCallsForItsOwn() throws {
        var it = try idle(HookKind.allCases)
        #expect(pending(it) == [.start, .idle])
        #expect(toRun(it) == [.start, .idle])
        try run(.start, &it)
        try run(.idle, &it)
        try it.given(.up(.api, policy: policy(HookKind.allCases)))
        #expect(pending(it) == [.wake])
        try run(.wake, &it)
        try it.given(.down([.api]))
        try it.removeEverything()
        #expect(pending(it) == [.idle])
        try it.given(.setAutostop(.byHand(seconds: 60)))
        #expect(pending(it) == [.idle], "a change of policy is no new idleness")
    }

    /// A stop that has become a termination, and a process that dies with the hook: the next one sees it to its end.
    @Test func aStopHookThatHasBegunEndsInATerminationToo() throws {
        var it = try idle([.stop])
        try it.given(.stop)
        let hook = try #require(it.state.hooks.first)
        try it.given(.hookStarted(hook.version), .terminate(force: true), .takeOver(process: "b", from: "a"))
        #expect(toRun(it) == [.stop])
        try it.given(.hookEnded(hook.version, .interrupted), .terminationFinished)
        #expect(it.state.status == .terminated)
    }

    /// What ends the machine does not end a hook that runs on it.
    @Test func aHookForAnEndWaitsForThoseBeforeIt() throws {
        var it = Scenario()
        var policy = AutostopPolicy.configured(seconds: 0)
        policy.hooks = [.idle, .stop, .terminate]
        try it.given(.start(policy: policy), .takeOver(process: "a"))
        try it.whenReached(.idle)
        #expect(pending(it) == [.idle, .stop])
        #expect(toRun(it) == [.idle])
        try run(.idle, &it, .timedOut(seconds: 60))
        #expect(toRun(it) == [.stop])
        let stop = try #require(it.state.hooks.first)
        try it.given(.hookStarted(stop.version), .terminate(force: false))
        #expect(pending(it) == [.stop, .terminate] && toRun(it) == [.stop])
        try it.given(.hookEnded(stop.version, .exited(code: 0)))
        #expect(toRun(it) == [.terminate])
    }

    /// SkyPilot's `{down: true, hook: …}`: one hook before the stop and before the end.
    @Test func autostopThatGoesDownRunsTheHookOfItsStop() throws {
        func end(_ hooks: [HookKind], byHand: Bool = false) throws -> [HookKind] {
            var policy = policy(hooks)
            policy.down = .init(true, .controllers)
            var it = Scenario()
            try it.given(.start(policy: policy), .takeOver(process: "a"))
            it.clock.advance(seconds: byHand ? 599 : 600)
            if byHand { try it.given(.terminate(force: false)) } else { try it.whenReached(.idle) }
            #expect(it.state.status == .terminating && toRun(it) == pending(it))
            #expect(it.state.outstanding.contains(.finishTermination) == pending(it).isEmpty)
            return pending(it)
        }
        #expect(try end([.stop]) == [.stop])
        #expect(try end([.stop, .terminate]) == [.terminate], "which has one of its own")
        #expect(try end([.stop], byHand: true) == [])
        #expect(try end([]) == [])
    }

    /// Nothing of it runs, so a process is begun for the hook; who deletes the machine in it pays for it no longer.
    @Test(arguments: [true, false])
    func oneThatIsStoppedHasItsHookAtItsEndToo(_ byDeadline: Bool) throws {
        var it = try idle([.terminate])
        try it.given(
            .setAutostop(
                AutostopPolicy(
                    idleTimeoutSeconds: nil, source: .standard, terminateAfterSeconds: .init(100, .commandLine))),
            .stop, .stopFinished)
        it.clock.advance(seconds: 100)
        if byDeadline { try it.whenReached(.termination) } else { try it.given(.terminate(force: false)) }
        #expect(it.state.status == .terminating && it.state.needsProcess && pending(it) == [.terminate])
        try it.given(.takeOver(process: "b", from: "a"))
        #expect(toRun(it) == [.terminate])
        let hook = try #require(it.state.hooks.first)
        try it.given(
            .hookStarted(hook.version), .takeOver(process: "c", from: "b"), .hookEnded(hook.version, .interrupted))
        #expect(it.state.outstanding == [.finishTermination], "it is not run again")
        try it.given(.terminationFinished)
        #expect(it.state.status == .terminated)
    }

    /// What could be given no process is not made to wait for one.
    @Test func oneThatCouldNotBeStartedEndsWithoutIt() throws {
        var it = Scenario()
        try it.given(.start(policy: policy([.terminate])), .startFailed(reason: "no room"), .terminate(force: false))
        #expect(it.state.status == .terminated)
    }

    @Test func noneIsCalledThatIsNotConfigured() throws {
        let it = try idle([.stop])
        #expect(pending(it).isEmpty)
    }

    /// What the hook may take away, such as the machine, is needed until nothing is left of the services.
    @Test func theStopWaitsForItsHookAndTheHookForTheServices() throws {
        var it = try idle([.stop])
        try it.given(.up(.api, policy: policy([.stop])))
        try it.launchLoadBalancer()
        try it.makeReady(1)
        try it.given(.stop)
        #expect(pending(it) == [.stop] && toRun(it).isEmpty)
        try it.removeEverything()
        #expect(it.state.status == .stopping && toRun(it) == [.stop])
        #expect(!it.state.outstanding.contains(.finishStop))
        #expect(try it.when(.stopFinished).isEmpty, "not before it has ended")
        try run(.stop, &it, .exited(code: 3))
        #expect(it.state.outstanding == [.finishStop], "one that fails is reported, and holds nothing back")
        try it.given(.stopFinished)
        #expect(it.state.status == .stopped)
    }

    @Test func itRunsOnceAtMost() throws {
        var it = try idle([.stop])
        try it.given(.stop)
        let version = try #require(it.state.hooks.first?.version)
        #expect(try it.when(.hookStarted(version)).map(\.type) == [.controllerHookStarted])
        #expect(try it.when(.hookStarted(version)).isEmpty)
        try it.given(.takeOver(process: "b", from: "a"))
        #expect(it.state.hooks.first?.hasStarted == true, "whoever takes over knows that it has begun")
        #expect(try it.when(.hookEnded(version, .interrupted)).map(\.type) == [.controllerHookEnded])
        #expect(try it.when(.hookEnded(version, .interrupted)).isEmpty)
    }

    /// L6: who wants it while its hook runs is served when it has ended.
    @Test func anUpDuringTheHookIsServed() throws {
        var it = try idle([.stop, .start])
        try run(.start, &it)
        try it.given(.stop, .up(.api, policy: policy([.stop, .start])))
        try run(.stop, &it)
        try it.given(.stopFinished)
        #expect(it.state.status == .starting)
        try it.given(.takeOver(process: "b"))
        #expect(pending(it) == [.start])
    }

    @Test func anEndForGoodHasItsOwn() throws {
        var it = try idle([.stop, .terminate])
        try it.given(.stop, .terminate(force: false))
        #expect(pending(it) == [.terminate], "what was to be told at its stop is told at its end")
        try run(.terminate, &it, .timedOut(seconds: 60))
        try it.given(.terminationFinished)
        #expect(it.state.status == .terminated && it.state.hooks.isEmpty)
    }
}

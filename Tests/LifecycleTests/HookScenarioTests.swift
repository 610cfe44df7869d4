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
        try it.given(.hookStarted(hook.version), .terminate(force: true), .takeOver(process: "b"))
        #expect(toRun(it) == [.stop])
        try it.given(.hookEnded(hook.version, .interrupted), .terminationFinished)
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
        try it.given(.takeOver(process: "b"))
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

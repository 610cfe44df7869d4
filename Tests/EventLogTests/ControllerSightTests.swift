import EventLog
import Lifecycle
import TestKit
import Testing

/// What `status` tells of a controller by its last events.
@Suite struct ControllerSightTests {
    private let temporary = TemporaryHome()

    private func sight(_ log: EventLog, _ controller: ControllerName = .dev) throws -> ControllerSight {
        try #require(try log.sights(of: log.status().controllers)[controller.rawValue])
    }

    private func policy(_ seconds: Double, hooks: [HookKind]) -> AutostopPolicy {
        var policy = AutostopPolicy.byHand(seconds: seconds)
        policy.hooks = hooks
        return policy
    }

    @Test func ofAnIdleOneThePolicyInForce() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start(policy: .byHand(seconds: 60)))
        #expect(try sight(log).policy == nil, "it is not idle yet")
        try log.given(.takeOver(process: "a"))
        #expect(try sight(log).policy?.idleTimeoutSeconds == 60)
        try log.given(.setAutostop(.byHand(seconds: 90)))
        #expect(try sight(log).policy?.idleTimeoutSeconds == 90)
        let before = try log.status().controllers
        try log.given(.setAutostop(.never))
        #expect(try sight(log).policy?.idleTimeoutSeconds == nil)
        #expect(try log.sights(of: before)["dev"]?.policy?.idleTimeoutSeconds == 90, "as it was then")
    }

    @Test func theHooksThatFailed() throws {
        let log = try EventLog(home: temporary.home)
        func run(_ command: Command, _ outcome: HookOutcome) throws {
            try log.given(command)
            let version = try #require(try log.state(of: .dev).hooks.first?.version)
            try log.given(.hookStarted(version), .hookEnded(version, outcome))
        }
        try log.given(.start(policy: policy(60, hooks: [.idle, .wake])))
        try run(.takeOver(process: "a"), .exited(code: 3))
        #expect(try sight(log).failedHooks.map(\.kind) == [.idle])
        #expect(try sight(log).failedHooks.map(\.outcome) == [.exited(code: 3)])
        try run(.up(.api, replicas: 1), .timedOut(seconds: 5))
        #expect(Set(try sight(log).failedHooks.map(\.kind)) == [.idle, .wake])
    }

    @Test func inAnotherLifeTheyAreForgotten() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start(policy: policy(60, hooks: [.idle])), .takeOver(process: "a"))
        let version = try #require(try log.state(of: .dev).hooks.first?.version)
        try log.given(.hookStarted(version), .hookEnded(version, .exited(code: 3)), .stop, .stopFinished)
        #expect(try sight(log).failedHooks.map(\.kind) == [.idle])
        try log.given(.start(policy: policy(60, hooks: [.idle])))
        #expect(try sight(log).failedHooks.isEmpty)
    }
}

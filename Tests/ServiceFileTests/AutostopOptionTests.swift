import Lifecycle
import Testing

@testable import ServiceFile

/// What the command line takes of when a controller stops by itself.
@Suite struct AutostopOptionTests {
    private func policy(_ text: String) throws -> AutostopPolicy {
        var policy = AutostopPolicy.standard
        try AutostopOption.rule(text).change(&policy, .commandLine)
        return policy
    }

    @Test(
        arguments: [
            ("10", 600), ("90s", 90), ("2h", 7200), ("false", nil), ("never", nil), ("true", 600), ("0", 0),
            ("{idle_minutes: 5, down: true}", 300), ("{idle: false}", nil),
        ] as [(String, Double?)])
    func skyPilotsForms(_ text: String, _ seconds: Double?) throws {
        let policy = try policy(text)
        #expect(policy.idleTimeoutSeconds == seconds && policy.source == .commandLine)
    }

    @Test func aSectionSaysWhatItSays() throws {
        let policy = try policy("{down: true, wait_for: jobs_and_ssh, terminate_after: 7d}")
        #expect(policy.idleTimeoutSeconds == 600 && policy.source == .standard)
        #expect(policy.down == .init(true, .commandLine) && policy.waitFor == .init(["ssh"], .commandLine))
        #expect(policy.terminateAfterSeconds == .init(604_800, .commandLine))
        #expect(try self.policy("{profile: batch}").idleTimeoutSeconds == 0)
    }

    @Test(arguments: [
        ("soon", "\"soon\" is not a time"), ("-1", "\"-1\" is negative"), ("-3m", "is negative"),
        ("9999999d", "a hundred years at most"), ("{donw: true}", "autostop.donw: unknown key; did you mean `down`?"),
        ("{idle: soon}", "autostop.idle: \"soon\""), ("{idle: 3", "is not YAML"),
        ("{hook: poweroff}", "hook: a hook's command is kept out of the log"),
        ("{wait_for: [{command: x}]}", "wait_for: how something is asked"), ("{stop_at: ['22:00']}", "stop_at: times"),
    ])
    func whatIsWrongIsTold(_ text: String, _ says: String) {
        let failure = #expect(throws: OptionFailure.self) { _ = try AutostopOption.rule(text) }
        #expect(failure?.description.contains(says) == true, "\(failure?.description ?? "")")
        #expect(failure?.description.contains("\n") == false)
    }

    @Test func whatToWaitForAndProfiles() throws {
        #expect(try AutostopOption.waitFor("none").isEmpty)
        #expect(try AutostopOption.waitFor("jobs_and_ssh") == ["ssh"])
        #expect(throws: OptionFailure.self) { _ = try AutostopOption.waitFor("gpu") }
        #expect(try AutostopOption.profile("prod").terminateAfter == .never)
        #expect(throws: OptionFailure.self) { _ = try AutostopOption.profile("test") }
    }
}

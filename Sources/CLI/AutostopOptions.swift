import ArgumentParser
import Lifecycle
import ServiceFile

/// What `autostop` and `start` take of when a controller stops by itself: SkyPilot's options, and ours.
struct AutostopOptions: ParsableArguments {
    @Option(
        name: [.customShort("i", allowingJoined: true), .long], parsing: .unconditional,
        help: "Idle minutes before it stops.")
    var idleMinutes: String?

    @Option(parsing: .unconditional, help: "Idle time before it stops: 0, 90s, 10m, 2h, 7d; or false.")
    var idle: String?

    @Flag(inversion: .prefixedNo, exclusivity: .exclusive, help: "Terminate it then, instead of stopping it.")
    var down: Bool?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How long it may stay stopped before it is terminated; or never.", valueName: "time"))
    var terminateAfter: String?

    @Option(
        help: ArgumentHelp(
            "What besides services keeps it up: jobs, jobs_and_ssh or none.", valueName: "what"),
        completion: .list(["jobs", "jobs_and_ssh", "none"]))
    var waitFor: String?

    @Option(
        help: ArgumentHelp("dev, prod or batch; what else is said goes before it.", valueName: "name"),
        completion: .list(["dev", "prod", "batch"]))
    var profile: String?

    @Option(help: .hidden)
    var hook: String?

    @Option(help: .hidden)
    var hookTimeout: String?

    /// How often it is said how long the window is.
    var windows: Int { [idleMinutes, idle].count { $0 != nil } }

    /// How much else is said.
    var others: Int {
        [down != nil, terminateAfter != nil, waitFor != nil, profile != nil, hook != nil, hookTimeout != nil].count {
            $0
        }
    }

    /// What the profile says, and nothing else: a source that is no command line leaves the window as it is.
    func policy() throws(OptionFailure) -> AutostopPolicy {
        if hook != nil { throw AutostopOption.inFile("hook") }
        if hookTimeout != nil { throw AutostopOption.inFile("hook_timeout") }
        var policy = AutostopPolicy(idleTimeoutSeconds: nil, source: .standard)
        if let profile { try AutostopOption.profile(profile).change(&policy, .commandLine) }
        return policy
    }

    /// Puts what is said in the place of what was.
    func change(_ policy: inout AutostopPolicy) throws(OptionFailure) {
        var rule = Configuration.IdleRule()
        if let window = idle ?? idleMinutes { rule.window = try AutostopOption.window(window) }
        rule.down = down
        rule.terminateAfter = try terminateAfter.map { (text) throws(OptionFailure) in try AutostopOption.window(text) }
        rule.waitFor = try waitFor.map { (text) throws(OptionFailure) in try AutostopOption.waitFor(text) }
        rule.change(&policy, .commandLine)
    }
}

import ArgumentParser
import EventLog
import Lifecycle
import ServiceFile

struct Autostop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "autostop",
        abstract: "Set how long a controller stays warm when it is idle.",
        discussion: """
            A new window counts from now, unless --keep-clock. What is said here is kept in the log, whoever \
            starts the controller next, and goes before config.yaml.

            Examples:
              dwell autostop local 10                       after 10 idle minutes
              dwell autostop local -i 10 --wait-for none    the same, whoever is logged in
              dwell autostop local --idle 90s --keep-clock  counted from when it became idle
              dwell autostop prod --cancel                  never
              dwell autostop batch --idle 0 --down          terminated as soon as it is idle
              dwell autostop batch --profile batch          the same
              dwell autostop dev '{idle: 2h, down: true}'   as config.yaml says it
              dwell autostop dev --terminate-after 7d       terminated when it was stopped for a week
              dwell autostop dev --pause 2h --reason demo   not within the next two hours
              dwell autostop dev --resume
            """)

    @Argument(help: "Name of the controller.", completion: .controllers)
    var controller: String

    @Argument(
        help: ArgumentHelp(
            "As `autostop` in config.yaml: 10 (minutes), 90s, false, {idle: 2h, down: true}; with --pause, for how long.",
            valueName: "value"))
    var value: String?

    @OptionGroup var options: AutostopOptions

    @Flag(help: "Never stop it by itself.")
    var cancel = false

    @Flag(help: "Count the new window from when it became idle (or was stopped), not from now.")
    var keepClock = false

    @Flag(help: "Do not stop it by itself for a time, or until --resume.")
    var pause = false

    @Option(help: "With --pause: why.")
    var reason: String?

    @Flag(help: "Take a pause back; the idle window counts from now.")
    var resume = false

    /// When the parser has named what it does not know.
    private func check() throws(CommandFailure) {
        let windows = options.windows + [cancel, value != nil && !pause].count { $0 }
        let changes = windows + options.others
        if windows > 1 {
            throw usage("say one of a value, -i MINUTES, --idle TIME and --cancel")
        }
        if keepClock, changes == 0 {
            throw usage(
                "--keep-clock says from when a new window counts, and there is none; say it with one, as in --idle 90s --keep-clock"
            )
        }
        if [changes > 0, pause, resume].count(where: { $0 }) != 1 {
            throw usage(
                "say one of -i MINUTES, --idle TIME, --cancel, --down, --terminate-after TIME, --wait-for WHAT, --profile NAME, --pause and --resume"
            )
        }
        if reason != nil, !pause { throw usage("--reason belongs to --pause") }
    }

    private func usage(_ what: String) -> CommandFailure {
        CommandFailure("\(what) (see: dwell autostop --help)", exitCode: 2)
    }

    func run() async throws {
        try check()
        let name = try NameArgument.controller(controller)
        let command = try command()
        if case .pauseAutostop(0, _) = command {
            throw CommandFailure(
                "a pause of 0 is over as it begins: say for how long, such as --pause 2h; --resume ends one",
                exitCode: 2)
        }
        let session = try Session()
        let receipt = try session.submit(command, to: name)
        let state = receipt.state
        try session.ensureAllRunning()
        if resume, receipt.events.isEmpty { print("Autostop of controller \(name) is not paused: nothing to resume.") }
        for line in AutostopText(state, now: try session.read { (_) throws(LogFailure) in try Clock.now() }).lines {
            print(line.printableLine)
        }
    }

    private func command() throws(CommandFailure) -> Command {
        if resume { return .resumeAutostop }
        do throws(OptionFailure) {
            if pause {
                return .pauseAutostop(
                    seconds: try value.map { (text) throws(OptionFailure) in try IdleWindow.parse(text) },
                    reason: reason)
            }
            var policy = try options.policy()
            if let value { try AutostopOption.rule(value).change(&policy, .commandLine) }
            if cancel { Configuration.IdleRule.never.change(&policy, .commandLine) }
            try options.change(&policy)
            return .setAutostop(policy, keepClock: keepClock)
        } catch {
            throw CommandFailure(error)
        }
    }
}

import ArgumentParser
import EventLog
import Lifecycle
import Reporting
import ServiceFile

struct Autostop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "autostop",
        abstract: "Set how long a controller stays warm when it is idle.",
        discussion: """
            A new window counts from now, unless --keep-clock. What is said here is kept in the log, whoever \
            starts the controller next, and goes before config.yaml.

            Examples:
              dwell autostop local -i 10                    after 10 idle minutes
              dwell autostop local --idle 90s --keep-clock  counted from when it became idle
              dwell autostop prod --cancel                  never
              dwell autostop batch --idle 0 --down          terminated as soon as it is idle
              dwell autostop dev --terminate-after 7d       terminated when it was stopped for a week
              dwell autostop dev --pause 2h --reason demo   not within the next two hours
              dwell autostop dev --resume
            """)

    @Argument(help: "Name of the controller.", completion: .controllers)
    var controller: String

    @Option(
        name: [.customShort("i", allowingJoined: true), .long], parsing: .unconditional,
        help: "Idle minutes before it stops.")
    var idleMinutes: Double?

    @Option(parsing: .unconditional, help: "Idle time before it stops: 0, 90s, 10m, 2h, 7d.")
    var idle: String?

    @Flag(help: "Never stop it by itself.")
    var cancel = false

    @Flag(inversion: .prefixedNo, exclusivity: .exclusive, help: "Terminate it then, instead of stopping it.")
    var down: Bool?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How long it may stay stopped before it is terminated; or never.", valueName: "time"))
    var terminateAfter: String?

    @Flag(help: "Count the new window from when it became idle (or was stopped), not from now.")
    var keepClock = false

    @Flag(help: "Do not stop it by itself for a time, or until --resume.")
    var pause = false

    @Argument(help: "With --pause: for how long, such as 2h.")
    var pauseTime: String?

    @Option(help: "With --pause: why.")
    var reason: String?

    @Flag(help: "Take a pause back; the idle window counts from now.")
    var resume = false

    func validate() throws {
        let windows = [idleMinutes != nil, idle != nil, cancel].count { $0 }
        let changes = windows + [down != nil, terminateAfter != nil].count { $0 }
        if windows > 1 { throw ValidationError("say one of -i MINUTES, --idle TIME and --cancel") }
        if keepClock, changes == 0 {
            throw ValidationError(
                "--keep-clock says from when a new window counts, and there is none; say it with one, as in --idle 90s --keep-clock"
            )
        }
        if [changes > 0, pause, resume].count(where: { $0 }) != 1 {
            throw ValidationError(
                "say one of -i MINUTES, --idle TIME, --cancel, --down, --terminate-after TIME, --pause and --resume")
        }
        if pauseTime != nil, !pause { throw ValidationError("a time alone says nothing: --idle TIME or --pause TIME") }
        if reason != nil, !pause { throw ValidationError("--reason belongs to --pause") }
    }

    func run() async throws {
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
                    seconds: try pauseTime.map { (text) throws(OptionFailure) in try IdleWindow.parse(text) },
                    reason: reason)
            }
            // Only what is said here counts: a source that is no command line leaves the window as it is.
            var policy = AutostopPolicy(idleTimeoutSeconds: nil, source: cancel ? .commandLine : .standard)
            if let idle {
                policy = AutostopPolicy(idleTimeoutSeconds: try IdleWindow.parse(idle), source: .commandLine)
            }
            if let idleMinutes {
                policy = AutostopPolicy(
                    idleTimeoutSeconds: try IdleWindow.parse(minutes: idleMinutes), source: .commandLine)
            }
            if let down { policy.down = AutostopPolicy.Said(down, .commandLine) }
            if let terminateAfter {
                let seconds = terminateAfter == "never" ? nil : try IdleWindow.parse(terminateAfter)
                policy.terminateAfterSeconds = AutostopPolicy.Said(seconds, .commandLine)
            }
            return .setAutostop(policy, keepClock: keepClock)
        } catch {
            throw CommandFailure(error)
        }
    }
}

/// When a controller stops by itself, in sentences.
struct AutostopText {
    private let state: ControllerState
    private let now: Instant

    init(_ state: ControllerState, now: Instant) {
        self.state = state
        self.now = now
    }

    var lines: [String] {
        let policy = state.policy
        let ends = policy.down?.value == true ? "is terminated" : "stops"
        var lines: [String] = []
        switch policy.idleTimeoutSeconds {
        case nil: lines.append("Controller \(state.name) does not stop by itself.")
        case 0: lines.append("Controller \(state.name) \(ends) as soon as its last service is gone.")
        case let seconds?:
            lines.append(
                "Controller \(state.name) \(ends) after \(TimeText.window(seconds: seconds)) without a service.")
        }
        if policy.idleTimeoutSeconds != nil, let schedule = policy.schedule?.value {
            for window in schedule.keepWarm { lines.append("  idleness does not count: \(window.text)") }
            for moment in schedule.stopAt { lines.append("  an idle one \(ends) at: \(moment.text)") }
        }
        if policy.idleTimeoutSeconds != nil, let schedule = policy.schedule?.value {
            lines += Explanation.stopsKeptWarm(schedule, now, .system).map { "  \($0)" }
        }
        if let names = policy.waitFor?.value, !names.isEmpty {
            lines.append("  it waits for: \(names.joined(separator: ", "))")
        }
        if let after = policy.terminateAfterSeconds?.value {
            lines.append("  stopped for \(TimeText.window(seconds: after)), it is terminated")
        }
        if let pause = state.pause {
            let until = pause.until.map { "until " + clock($0) } ?? "until: dwell autostop \(state.name) --resume"
            lines.append("  autostop is paused \(until)" + (pause.reason.map { " (\($0))" } ?? ""))
        }
        switch state.phase {
        case .stopping, .terminating:
            lines.append("  it is \(state.status.rawValue): this is for when it is up again")
        case .idle(let idle):
            guard let deadline = idle.deadline else {
                guard policy.idleTimeoutSeconds != nil, state.pause == nil else { break }
                lines.append("  it is idle, and never \(ends): all the time there is lies within keep_warm")
                break
            }
            lines.append(
                deadline.remainingMicroseconds(at: now) > 0
                    ? "  it is idle: it \(ends) at \(clock(deadline)) unless a service is brought up"
                    : "  it has been idle for longer than that: it \(ends) now")
        case .stopped(let stopped):
            lines.append(
                stopped.terminateAt.map { "  it is stopped: it is terminated at \(clock($0))" }
                    ?? "  it is stopped: this is for when it is up again")
        case .absent, .starting, .up, .failed, .terminated: break
        }
        return lines
    }

    private func clock(_ deadline: Deadline) -> String {
        TimeText.clock(inMicroseconds: max(0, deadline.remainingMicroseconds(at: now)), now)
    }
}

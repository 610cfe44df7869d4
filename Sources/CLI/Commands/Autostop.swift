import ArgumentParser
import EventLog
import Lifecycle
import ServiceFile

struct Autostop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "autostop",
        abstract: "Set how long a controller stays warm when it is idle.",
        discussion: """
            A new window counts from now. It is kept in the log, whoever starts the controller next.

            Examples:
              dwell autostop local -i 10        after 10 idle minutes
              dwell autostop local --idle 90s
              dwell autostop prod --cancel      never
            """)

    @Argument(help: "Name of the controller.", completion: .controllers)
    var controller: String

    @Option(
        name: [.customShort("i", allowingJoined: true), .long], parsing: .unconditional,
        help: "Idle minutes before it stops.")
    var idleMinutes: Double?

    @Option(help: "Idle time before it stops: 90s, 10m, 2h, 7d.")
    var idle: String?

    @Flag(help: "Never stop it by itself.")
    var cancel = false

    func validate() throws {
        let given = [idleMinutes != nil, idle != nil, cancel].count { $0 }
        guard given == 1 else {
            throw ValidationError("say one of -i MINUTES, --idle TIME and --cancel")
        }
    }

    func run() async throws {
        let name = try NameArgument.controller(controller)
        let policy = AutostopPolicy(idleTimeoutSeconds: try window(), source: .commandLine)
        let session = try Session()
        let receipt = try session.submit(.setAutostop(policy), to: name)
        try session.ensureAllRunning()
        if let seconds = policy.idleTimeoutSeconds {
            print("Controller \(name) stops after \(TimeText.window(seconds: seconds)) without a service.")
        } else {
            print("Controller \(name) does not stop by itself any more.")
        }
        if case .idle(let idle) = receipt.state.phase, let deadline = idle.deadline {
            let now = try session.read { (_) throws(LogFailure) in try Clock.now() }
            let left = max(0, deadline.remainingMicroseconds(at: now))
            print(
                "  it is idle: it stops at \(TimeText.clock(inMicroseconds: left, now)) unless a service is brought up")
        }
    }

    /// Seconds; nil for never.
    private func window() throws(CommandFailure) -> Double? {
        if cancel { return nil }
        do {
            if let idle { return try IdleWindow.parse(idle) }
            return try IdleWindow.parse(minutes: idleMinutes ?? 0)
        } catch {
            throw CommandFailure(error)
        }
    }
}

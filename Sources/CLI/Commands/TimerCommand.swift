import ArgumentParser
import Controller
import Foundation

struct TimerCommand: AsyncParsableCommand, DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "timer",
        abstract: "Bring back what died and see to what is due, as every command does, and nothing else.",
        discussion: """
            For systemd, after a boot and once in a while (dwell install-service):
              dwell timer
            """, shouldDisplay: false)

    @Flag(help: .hidden)
    var inherited = false

    func run() async throws {
        guard inherited else { return try Session(component: "timer").ensureAllRunning() }
        // Other commands start this by themselves while a controller is to be terminated when it stays stopped.
        Daemon.prepare(name: "dwell-timer")
        let session = try Session(component: "timer")
        do {
            session.ensureNotifier()
            try await session.timer.run(inherited: Daemon.inheritedDescriptor)
        } catch {
            throw CommandFailure("\(error)")
        }
    }
}

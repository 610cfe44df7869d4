import ArgumentParser
import Controller
import Foundation

struct TimerCommand: AsyncParsableCommand, DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "timer",
        abstract: "Wait for controllers that are to be terminated when they stay stopped, in the foreground.",
        discussion: """
            Other commands start this by themselves when there is one, and it ends when there is none. By hand \
            it is for systemd, so that it happens after a reboot too:
              dwell timer
            """, shouldDisplay: false)

    @Flag(help: .hidden)
    var inherited = false

    func run() async throws {
        Daemon.prepare(name: "dwell-timer")
        let session = try Session(component: "timer")
        do {
            session.ensureNotifier()
            try await session.timer.run(inherited: inherited ? Daemon.inheritedDescriptor : nil)
        } catch {
            throw CommandFailure("\(error)")
        }
    }
}

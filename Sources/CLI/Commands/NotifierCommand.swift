import ArgumentParser
import Controller
import Foundation

struct NotifierCommand: AsyncParsableCommand, DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "notifier",
        abstract: "Tell the receivers of `notify` what happens, in the foreground.",
        discussion: """
            Other commands start this by themselves, and it ends when everything is told and no controller runs:
              dwell notifier
            """, shouldDisplay: false)

    @Flag(help: .hidden)
    var inherited = false

    func run() async throws {
        Daemon.prepare(name: "dwell-notify")
        let session = try Session(component: "notifier")
        do {
            try await Notifier(session.notices, logger: Daemon.logger("notifier")).run(
                inherited: inherited ? Daemon.inheritedDescriptor : nil)
        } catch {
            throw CommandFailure("\(error)")
        }
    }
}

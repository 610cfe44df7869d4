import ArgumentParser
import EventLog
import Lifecycle
import ServiceFile

struct Start: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Start a controller; services it had when it was stopped are served again.",
        discussion: """
            Examples:
              dwell start local
              dwell start prod
              dwell start dev -i 30 --down    and stop it after 30 idle minutes, for good
            """)

    @Argument(help: "Name of the controller.", completion: .controllers)
    var controller = "local"

    @OptionGroup var options: AutostopOptions

    func run() async throws {
        let name = try NameArgument.controller(controller)
        if options.windows > 1 { throw CommandFailure("say one of -i MINUTES and --idle TIME", exitCode: 2) }
        let change = try change()
        let session = try Session()
        try await ControllerChange.start(name, change, session)
        try session.ensureAllRunning()
    }

    /// What is said of when it stops by itself; nil for nothing.
    private func change() throws(CommandFailure) -> AutostopPolicy? {
        guard options.windows + options.others > 0 else { return nil }
        do throws(OptionFailure) {
            var policy = try options.policy()
            try options.change(&policy)
            return policy
        } catch {
            throw CommandFailure(error)
        }
    }
}

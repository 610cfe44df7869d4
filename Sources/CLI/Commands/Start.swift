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
            """)

    @Argument(help: "Name of the controller.", completion: .controllers)
    var controller = "local"

    func run() async throws {
        let name = try NameArgument.controller(controller)
        let session = try Session()
        try await ControllerChange.start(name, session)
        try session.ensureAllRunning()
    }
}

import ArgumentParser
import EventLog
import Lifecycle
import ServiceFile

struct Terminate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "terminate",
        abstract: "End a controller for good. Its history stays in the log.",
        discussion: """
            Refused while it has services; --force takes them down first.

            Examples:
              dwell terminate batch
              dwell terminate batch --force
            """)

    @Argument(help: "Name of the controller.", completion: .controllers)
    var controller: String

    @Flag(help: "Take its services down first.")
    var force = false

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    func run() async throws {
        let name = try NameArgument.controller(controller)
        let session = try Session()
        try ControllerChange.ask("Terminate", of: name, agreed: yes, session)
        try await ControllerChange.terminate(name, force: force, session)
        try session.ensureAllRunning()
    }
}

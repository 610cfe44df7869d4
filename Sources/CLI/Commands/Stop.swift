import ArgumentParser
import EventLog
import Lifecycle
import ServiceFile

struct Stop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stop a controller now.",
        discussion: """
            What runs on it is removed. Services are kept in the log and are served again, at the same \
            endpoint, when the controller is started.

            Examples:
              dwell stop local
            """)

    @Argument(help: "Name of the controller.", completion: .controllers)
    var controller: String

    func run() async throws {
        let name = try NameArgument.controller(controller)
        let session = try Session()
        try await ControllerChange.stop(name, session)
        try session.ensureAllRunning()
    }
}

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

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    func run() async throws {
        let name = try NameArgument.controller(controller)
        let session = try Session()
        try ControllerChange.ask("Stop", of: name, agreed: yes, session)
        try await ControllerChange.stop(name, session)
        try session.ensureAllRunning()
    }
}

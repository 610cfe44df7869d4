import ArgumentParser
import Foundation

/// The `dwell` program: reads the command line, runs one command, turns what went wrong into one line
/// and an exit code (2 for usage and bad files, 1 for failures).
@main
enum Main {
    static func main() async {
        do {
            var command = try Dwell.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let failure as CommandFailure {
            failure.report()
            exit(failure.exitCode)
        } catch {
            let message = Dwell.fullMessage(for: error)
            let isSuccess = Dwell.exitCode(for: error) == .success
            print(message, to: isSuccess ? .output : .error)
            exit(isSuccess ? 0 : 2)
        }
    }
}

struct Dwell: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dwell",
        abstract: "Serve models and APIs from a controller that stops itself when it is idle.",
        discussion: """
            A service is replicas behind a load balancer, on a controller. When its last service goes \
            down, a controller stays warm for its idle window (10 minutes unless said otherwise), then \
            stops itself.

            Examples:
              dwell up service.yaml          start a service, and its controller if need be
              dwell status                   what runs, and when what is idle will stop
              dwell down hello               take it down; the controller stays warm for a while
              dwell stop local               stop the controller now
              dwell events --follow          watch everything that happens

            Everything is kept in $DWELL_HOME (default ~/.dwell).
            """,
        subcommands: [
            Up.self, Down.self, Status.self, Start.self, Stop.self, Terminate.self, Autostop.self, Logs.self,
            Events.self, Version.self, ControllerCommand.self, LoadBalancerCommand.self,
        ])
}

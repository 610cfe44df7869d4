import ArgumentParser
import Foundation
import ServiceFile

/// The `dwell` program: reads the command line, runs one command, turns what went wrong into one line
/// and an exit code (2 for usage and bad files, 1 for failures).
@main
enum Main {
    static func main() async {
        // As other programs have it. ArgumentParser would list it in the help of every command.
        let words = Array(OwnArguments.all.dropFirst())
        if words == ["--version"] {
            print(DwellVersion.line)
            exit(0)
        }
        if let help = Dwell.help(for: words) {
            print(help)
            exit(0)
        }
        let command: any ParsableCommand
        do {
            command = try Dwell.command(in: words)
        } catch {
            leave(after: error)
        }
        SecretArguments.hide()
        // Each of these questions costs a tenth of a millisecond, so none is asked whose answer is known.
        let following = command as? any FollowingCommand
        let asynchronous = following == nil ? command as? any AsyncParsableCommand : nil
        let isDaemon = following == nil && command is any DaemonCommand
        do throws(CommandFailure) {
            try ProcessLimits.check(needsThreads: asynchronous != nil, isDaemon: isDaemon)
        } catch {
            error.report()
            exit(error.exitCode)
        }
        do {
            if let following, following.isFollowing {
                try await following.follow()
            } else if let asynchronous {
                try await run(asynchronous)
            } else {
                // Here and now, on this thread: to have another one made for it would take as long as an answer does.
                var command = command
                try command.run()
            }
            if !isDaemon { try OutputFailure.check() }
        } catch let failure as CommandFailure {
            failure.report()
            let asksFile = (command as? any LogQuestion)?.source.file != nil
            if !isDaemon, !asksFile { Session.reviveWhatDied() }
            exit(failure.exitCode)
        } catch {
            if Dwell.exitCode(for: error) == .success { leave(after: error) }
            CommandFailure("\(error)").report()
            exit(1)
        }
    }

    private static func run(_ command: any AsyncParsableCommand) async throws {
        var command = command
        try await command.run()
    }

    /// Prints the help that was asked for, or what is wrong with the command line in one line.
    private static func leave(after error: any Error) -> Never {
        let message = Dwell.fullMessage(for: error)
        if Dwell.exitCode(for: error) == .success {
            print(message)
            exit(0)
        }
        if let problem = unknownCommand {
            print("dwell: \(problem) (see: dwell --help)".oneLine, to: .error)
            refuse()
        }
        if let problem = NegativeValue.problem(Dwell.message(for: error), OwnArguments.all) {
            print("dwell: \(problem)".oneLine, to: .error)
            exit(2)
        }
        let problem = Dwell.message(for: error).split(separator: "\n").first.map(String.init) ?? message
        // ArgumentParser ends what it says with the command whose help would tell more.
        let help = message.firstMatch(of: /'(dwell[a-z -]*--help)'/).map { String($0.1) } ?? "dwell --help"
        print("dwell: \(problem) (see: \(help))".oneLine, to: .error)
        refuse()
    }

    /// A command line that is not understood is a command all the same: it brings back what died.
    private static func refuse() -> Never {
        Session.reviveWhatDied()
        exit(2)
    }

    /// What is wrong with the first word, when it is no command's name.
    private static var unknownCommand: String? {
        guard let word = OwnArguments.all.dropFirst().first, !word.hasPrefix("-") else { return nil }
        let commands = Dwell.configuration.subcommands.map { $0.configuration }
        guard word != "help", !commands.contains(where: { $0.commandName == word }) else { return nil }
        let names = commands.filter { $0.shouldDisplay }.compactMap { $0.commandName }
        let nearest = NearestKey.to(word, among: names).map { "; did you mean `dwell \($0)`?" } ?? ""
        return "there is no command `\(word)`\(nearest)"
    }
}

/// A command that shows what is there, and goes on with what comes when it is told to. Neither an asynchronous command nor a
/// daemon.
protocol FollowingCommand: ParsableCommand {
    var isFollowing: Bool { get }
    /// What it does in place of `run` then.
    func follow() async throws
}

/// A command that is a process of a controller, not of a person.
protocol DaemonCommand: ParsableCommand {}

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
            Up.self, Update.self, Down.self, Status.self, Start.self, Stop.self, Terminate.self, Autostop.self,
            Logs.self,
            Events.self, Notify.self, Explain.self, Report.self, Diff.self, Replay.self, Rebuild.self, Validate.self,
            Verify.self,
            Doctor.self,
            Backup.self, Archive.self,
            Restore.self, Repair.self, InstallService.self, Completions.self, Version.self, Manual.self,
            TimerCommand.self, NotifierCommand.self, ControllerCommand.self, LoadBalancerCommand.self,
            ReplicaCommand.self,
        ])
}

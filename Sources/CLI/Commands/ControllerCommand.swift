import ArgumentParser
import Controller
import EventLog
import Foundation
import Lifecycle
import Logging
import ServiceFile

struct ControllerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "controller",
        abstract: "Run a controller's process in the foreground, as systemd would.",
        discussion: """
            Examples:
              dwell controller run local
            """,
        subcommands: [Run.self, Keep.self])

    struct Run: AsyncParsableCommand, DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "run",
            abstract: "Do what the controller has to do, until it is stopped.",
            discussion: """
                Other commands start this by themselves. By hand it is for systemd, or for watching.

                Examples:
                  dwell controller run local
                  dwell controller run prod 2>> prod.log
                """)

        @Argument(help: "Name of the controller.", completion: .controllers)
        var controller: String

        @Flag(help: .hidden)
        var inherited = false

        func run() async throws {
            let name = try NameArgument.controller(controller)
            Daemon.prepare(name: "dwell-ctl-\(name)")
            let session = try Session(component: "controller")
            let logger = Daemon.logger("controller \(name)")
            let lease = try Lease(session.paths(name), inherited: inherited)
            guard let lease else {
                // No failure, and the same for systemd: somebody has started it already, and keeps it.
                return print("controller \(name) has a process already: nothing to run")
            }
            // Kept: another keeper takes over should this process's keeper die.
            if inherited { lease.watchKeeper(session.launcher(name), logger) }
            let state = try session.read { (log) throws(LogFailure) in try log.state(of: name) }
            guard state.needsProcess || inherited else {
                // No failure: systemd starts this at boot, also of a controller that is stopped or gone, and would try
                // for ever to start what fails.
                let isThere = state.status != .absent && state.status != .terminated
                print(
                    (isThere ? "controller \(name) is \(state.status.rawValue)" : "there is no controller \(name)")
                        + ": nothing to run; start it: dwell start \(name)")
                // Not what this is about: what cannot be brought back is told by the next command.
                try? session.ensureAllRunning(saysWhatFails: false)
                return
            }
            session.notices.watch()
            let configuration = ConfigurationInForce(home: session.home)
            _ = configuration.load(logger)
            repeat {
                let process = try ControllerProcess(
                    home: session.home, controller: name, lease: lease, log: session.log,
                    environment: session.environment,
                    author: session.author,
                    // As the file says now.
                    hookCommand: { kind in configuration.load(logger)?.hooks(for: name)[kind] },
                    useProbe: { use in configuration.load(logger)?.useProbes(for: name)[use] },
                    logger: logger)
                if case .gaveWay = try await process.run() {
                    throw CommandFailure("controller \(name) has another process")
                }
                // An `up` between the last look and the end of this process relies on it.
            } while try session.read { (log) throws(LogFailure) in try log.state(of: name).needsProcess }
            try session.ensureTimer()
            session.ensureNotifier()
        }
    }

    struct Keep: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "keep",
            abstract: "Start the controller's process again when it dies.", shouldDisplay: false)

        @Argument(help: "Name of the controller.", completion: .controllers)
        var controller: String

        @Flag(help: .hidden)
        var inherited = false

        func run() throws {
            let name = try NameArgument.controller(controller)
            Daemon.prepare(name: "dwell-keep-\(name)")
            let session = try Session(component: "keeper")
            let keeper = Keeper(
                launcher: session.launcher(name), log: session.log, logger: Daemon.logger("keeper \(name)"),
                author: session.author)
            do {
                try keeper.keep(inherited: inherited ? Daemon.inheritedDescriptor : nil)
                // The controller process starts it too, unless that was killed after its last event.
                try session.timer.ensureRunning()
                session.ensureNotifier()
            } catch let failure as LogFailure {
                throw CommandFailure(failure)
            } catch {
                throw CommandFailure("\(error)")
            }
        }
    }
}

import ArgumentParser
import Controller
import Foundation

/// Runs a replica's commands at an address of their own; see `AddressKeeper`.
struct ReplicaCommand: ParsableCommand, DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "replica", abstract: "Run commands at an address of their own.", shouldDisplay: false)

    @Option(help: "The address: HOST:PORT:SERVED-PORT.")
    var address: String

    @Argument(parsing: .captureForPassthrough, help: "The command and its arguments.")
    var command: [String]

    func run() throws {
        guard let address = OwnAddress(address) else {
            throw CommandFailure("replica: \"\(address)\" is no address for a replica", exitCode: 2)
        }
        guard !command.isEmpty else { throw CommandFailure("replica: no command is given", exitCode: 2) }
        // What the replica is to inherit, it has inherited from its shell; this program's own is not for it.
        close(Daemon.inheritedDescriptor)
        // For people's eyes only, as in ``Daemon``: failing is no matter.
        try? Data("dwell-replica".utf8).write(to: URL(fileURLWithPath: "/proc/self/comm"))
        var keeper = try AddressKeeper.start(address, command)
        let code = keeper.run()
        Foundation.exit(code)
    }
}

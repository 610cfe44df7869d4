import ArgumentParser
import Controller
import EventLog
import Foundation
import Lifecycle

struct Logs: FollowingCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Show what a replica, a load balancer or a controller wrote.",
        discussion: """
            Without a replica's id, every replica's log is shown.

            Examples:
              dwell logs hello
              dwell logs hello 2 -f
              dwell logs hello --load-balancer
              dwell logs local --controller
              dwell logs local --hooks
            """)

    @Argument(
        help: "Name of the service; with --controller or --hooks, of a controller too.",
        completion: .loggedNames)
    var name: String

    @Argument(help: "Id of the replica.")
    var replica: Int?

    @Flag(help: "The log of the controller process.")
    var controller = false

    @Flag(help: "What the controller's hooks wrote.")
    var hooks = false

    @Flag(help: "The log of the service's load balancer.")
    var loadBalancer = false

    @Flag(name: [.customShort("f"), .customLong("follow")], help: "Go on with what is written from now on.")
    var follows = false

    @Flag(name: .customLong("no-follow"), help: "Show what is there and end, as it does without -f; SkyServe follows.")
    var followsNot = false

    @Option(help: ArgumentHelp("Only the last lines.", valueName: "lines"))
    var tail: Int?

    @Option(
        help: ArgumentHelp("The service of this controller.", valueName: "controller"), completion: .controllersEver)
    var on: String?

    func validate() throws {
        if [controller, hooks, loadBalancer, replica != nil].count(where: { $0 }) > 1 {
            throw ValidationError("choose one of a replica's id, --controller, --hooks and --load-balancer")
        }
        if follows, followsNot { throw ValidationError("say one of --follow and --no-follow") }
        if let tail, tail < 0 { throw ValidationError("--tail must not be negative") }
    }

    var isFollowing: Bool { follows }

    func run() throws { try show() }

    func follow() async throws {
        var readers = try show()
        guard let folder = readers.first?.folder else { return }
        for await _ in Changes.ticks(at: folder) {
            for index in readers.indices { readers[index].printNew(prefix: readers.count > 1) }
        }
    }

    /// - Returns: what goes on reading where this stopped.
    @discardableResult
    private func show() throws -> [LogReader] {
        let session = try Session.toAsk()
        let files = try LogFiles(session, on: try on.map { try NameArgument.controller($0) })
        let paths: [String]
        if controller {
            paths = [try files.controllerLog(name)]
        } else if hooks {
            paths = [try files.hookLog(name)]
        } else if loadBalancer {
            paths = [try files.loadBalancerLog(try NameArgument.service(name))]
        } else {
            paths = try files.replicaLogs(try NameArgument.service(name), replica)
        }
        let revival = session.revival()
        var readers = paths.map { LogReader(path: $0) }
        for index in readers.indices {
            if readers.count > 1 { print("==> \(readers[index].name) <==") }
            readers[index].printAll(tail: tail)
        }
        try revival.get()
        return readers
    }
}

/// Where the logs of a name are, also when the service is down by now.
struct LogFiles {
    private let session: Session
    private let controllers: [ControllerName]
    private let services: [ServiceRow]

    init(_ session: Session, on controller: ControllerName?) throws(CommandFailure) {
        self.session = session
        var status = stat()
        if stat(session.home.logs, &status) == 0, status.st_mode & S_IFMT != S_IFDIR {
            throw CommandFailure("\(session.home.logs) is not a folder, and logs are kept in it: move it away")
        }
        let report = try session.read { (log) throws(LogFailure) in try log.status() }
        controllers = controller.map { [$0] } ?? report.controllers.compactMap { ControllerName(rawValue: $0.name) }
        services = report.services.filter { controller == nil || $0.controller == controller?.rawValue }
    }

    func controllerLog(_ name: String) throws(CommandFailure) -> String {
        try existing(pathsOfController(name).controllerLog)
    }

    func hookLog(_ name: String) throws(CommandFailure) -> String { try existing(pathsOfController(name).hookLog) }

    /// Of a controller of that name, else of the one of a service.
    private func pathsOfController(_ name: String) throws(CommandFailure) -> ControllerPaths {
        if let controller = controllers.first(where: { $0.rawValue == name }) { return session.paths(controller) }
        return session.paths(try home(of: try NameArgument.service(name)))
    }

    func loadBalancerLog(_ service: ServiceName) throws(CommandFailure) -> String {
        try existing(session.paths(try home(of: service)).loadBalancerLog(service))
    }

    func replicaLogs(_ service: ServiceName, _ id: Int?) throws(CommandFailure) -> [String] {
        let paths = session.paths(try home(of: service))
        let known = paths.replicaLogs(service)
        if let id {
            guard known.contains(id) else {
                let ids = known.map(String.init).joined(separator: ", ")
                throw CommandFailure(
                    ids.isEmpty
                        ? "service \(service) has no replica's log yet"
                        : "service \(service) has no log of a replica \(id); it has \(ids)")
            }
            return [paths.replicaLog(service, id)]
        }
        guard !known.isEmpty else { throw CommandFailure("service \(service) has no replica's log yet") }
        return known.map { paths.replicaLog(service, $0) }
    }

    /// The controller that has, or last had, the service.
    private func home(of service: ServiceName) throws(CommandFailure) -> ControllerName {
        let live = services.filter { $0.name == service.rawValue }.compactMap {
            ControllerName(rawValue: $0.controller)
        }
        let candidates = live.isEmpty ? controllers.filter { session.paths($0).hasLogs(of: service) } : live
        guard let controller = candidates.first else {
            let existing = services.map(\.name).joined(separator: ", ")
            throw CommandFailure(
                "no service \(service)" + (existing.isEmpty ? ": there are none" : "; there is \(existing)"))
        }
        guard candidates.count == 1 else {
            let names = candidates.map(\.rawValue).joined(separator: ", ")
            throw CommandFailure(
                "service \(service) is on several controllers (\(names)); say which with --on", exitCode: 2)
        }
        return controller
    }

    private func existing(_ path: String) throws(CommandFailure) -> String {
        guard access(path, R_OK) == 0 else { throw CommandFailure("\(path): nothing has been written yet") }
        return path
    }
}

import EventLog
import Lifecycle

/// Which controller a service is on. Names are unique on a controller, so a name may stand for several
/// services; then `--controller` must say which.
struct ServiceDirectory {
    private let rows: [ServiceRow]

    init(_ session: Session, controller: ControllerName? = nil) throws(CommandFailure) {
        let report = try session.read { (log) throws(LogFailure) in try log.status() }
        rows = report.services.filter { controller == nil || $0.controller == controller?.rawValue }
    }

    /// All services, by controller.
    var everything: [ControllerName: [ServiceName]] { group(rows) }

    /// The services with these names, by controller.
    func find(_ names: [ServiceName]) throws(CommandFailure) -> [ControllerName: [ServiceName]] {
        var found: [ServiceRow] = []
        for name in names { found.append(try find(name)) }
        return group(found)
    }

    /// The one service with this name.
    func find(_ name: ServiceName) throws(CommandFailure) -> ServiceRow {
        let matches = rows.filter { $0.name == name.rawValue }
        guard let match = matches.first else {
            let existing = rows.map(\.name)
            throw CommandFailure(
                existing.isEmpty
                    ? "no service \(name): there are none"
                    : "no service \(name); there is \(existing.joined(separator: ", "))")
        }
        guard matches.count == 1 else {
            let controllers = matches.map(\.controller).joined(separator: ", ")
            throw CommandFailure(
                "service \(name) is on several controllers (\(controllers)); say which with --controller", exitCode: 2)
        }
        return match
    }

    /// Stopping a controller would take its other services from their users.
    func refuseIfOthersLive(on targets: [ControllerName: [ServiceName]]) throws(CommandFailure) {
        for (controller, names) in targets {
            let others = rows.filter {
                $0.controller == controller.rawValue && $0.live && !names.map(\.rawValue).contains($0.name)
            }
            guard others.isEmpty else {
                throw CommandFailure(
                    "controller \(controller) also has \(others.map(\.name).joined(separator: ", ")); take them down too, or leave out --stop-controller"
                )
            }
        }
    }

    private func group(_ rows: [ServiceRow]) -> [ControllerName: [ServiceName]] {
        var groups: [ControllerName: [ServiceName]] = [:]
        for row in rows {
            guard let controller = ControllerName(rawValue: row.controller), let name = ServiceName(rawValue: row.name)
            else { continue }
            if groups[controller]?.contains(name) != true { groups[controller, default: []].append(name) }
        }
        return groups
    }
}

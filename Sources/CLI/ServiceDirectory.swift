import EventLog
import Foundation
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

    /// The services that these name or match, by controller.
    func find(_ patterns: [ServicePattern]) throws(CommandFailure) -> [ControllerName: [ServiceName]] {
        var found: [ServiceRow] = []
        for pattern in patterns {
            switch pattern {
            case .name(let name): found.append(try find(name))
            case .glob(let glob):
                let matches = rows.filter { fnmatch(glob, $0.name, 0) == 0 }
                guard !matches.isEmpty else { throw missing("no service matches \(glob)") }
                found += matches
            }
        }
        return group(found)
    }

    private func missing(_ what: String) -> CommandFailure {
        let existing = Set(rows.map(\.name)).sorted()
        return CommandFailure(
            existing.isEmpty ? "\(what): there are none" : "\(what); there is \(existing.joined(separator: ", "))")
    }

    /// The one service with this name.
    func find(_ name: ServiceName) throws(CommandFailure) -> ServiceRow {
        let matches = rows.filter { $0.name == name.rawValue }
        guard let match = matches.first else {
            throw missing("no service \(name)")
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

/// Why a command is refused. Nothing happened; the words are for the person who gave it.
public enum Rejection: Error, Hashable, Sendable {
    case noSuchController(ControllerName)
    case noSuchService(ServiceName, controller: ControllerName, existing: [ServiceName])
    /// The name is taken by a service that lives.
    case serviceExists(ServiceName, controller: ControllerName, status: ServiceStatus)
    case serviceSuspended(ServiceName, controller: ControllerName)
    /// It is on its way out and cannot be updated.
    case serviceEnding(ServiceName, controller: ControllerName)
    /// No earlier version of it was ever ready while it was the one that was wanted.
    case nothingToRollBackTo(ServiceName, controller: ControllerName, version: Int)
    case noSuchReplica(Int, of: ServiceName, controller: ControllerName, existing: [Int])
    case liveServices([ServiceName], controller: ControllerName)
    case terminating(ControllerName)
    /// None of the ports offered is free in the log.
    case noPortLeft([UInt16])
    /// There is nothing for a controller process to do.
    case nothingToRun(ControllerName, ControllerStatus)
}

extension Rejection: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noSuchController(let name):
            "controller \(name) does not exist; `dwell start \(name)` or `dwell up FILE --controller \(name)` creates it"
        case .noSuchService(let name, let controller, let existing):
            existing.isEmpty
                ? "no service \(name): controller \(controller) has none"
                : "no service \(name) on controller \(controller); it has \(Self.list(existing))"
        case .noSuchReplica(let id, let name, let controller, let existing):
            existing.isEmpty
                ? "service \(name) on controller \(controller) has no replica \(id): it has none"
                : "service \(name) on controller \(controller) has no replica \(id); "
                    + "it has \(existing.map(String.init).joined(separator: ", "))"
        case .serviceExists(let name, let controller, .shuttingDown):
            "service \(name) on controller \(controller) is still being taken down; wait for `dwell down \(name)`"
        case .serviceExists(let name, let controller, .failedCleanup):
            "service \(name) already exists on controller \(controller) (FAILED_CLEANUP: something of it cannot be removed, "
                + "which is tried again and again); `dwell down \(name) --purge` gives up what cannot be removed, or "
                + "choose another name (`-n NAME`)"
        case .serviceExists(let name, let controller, let status):
            "service \(name) already exists on controller \(controller) (\(status.rawValue)); "
                + "take it down first (`dwell down \(name)`) or choose another name (`-n NAME`)"
        case .serviceSuspended(let name, let controller):
            "service \(name) already exists on controller \(controller), which is stopped; "
                + "`dwell start \(controller)` serves it again, `dwell down \(name)` removes it"
        case .serviceEnding(let name, let controller):
            "service \(name) on controller \(controller) is being taken down; bring it up again with `dwell up`"
        case .nothingToRollBackTo(let name, let controller, let version):
            "service \(name) on controller \(controller) has nothing to roll back to: no version before "
                + "\(version) with another service file was ready before the next one was asked for"
        case .liveServices(let names, let controller):
            "controller \(controller) still has \(Self.list(names)); take \(names.count == 1 ? "it" : "them") down first "
                + "(`dwell down \(names.map(\.rawValue).joined(separator: " "))`) or use --force"
        case .terminating(let controller):
            "controller \(controller) is being terminated; try again when it is gone"
        case .noPortLeft(let ports):
            "every port offered for the load balancer is taken by another service: "
                + ports.map(String.init).joined(separator: ", ")
        case .nothingToRun(let controller, let status):
            "controller \(controller) is \(status.rawValue): nothing to run"
        }
    }

    private static func list(_ names: [ServiceName]) -> String {
        names.map(\.rawValue).joined(separator: ", ")
    }
}

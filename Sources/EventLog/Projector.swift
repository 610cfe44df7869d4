import GRDB
import Lifecycle

/// Writes what is true now into plain tables, in the transaction of the events it follows from.
struct Projector {
    let db: Database

    /// Rewrites the rows of the controller and of each service the events are about.
    func project(_ state: ControllerState, changedBy events: [StampedEvent]) throws {
        // After an event of the controller itself any row may be another: what a service waits for is told
        // by its controller's phase.
        let everything = events.contains { $0.event.type.isOfController }
        if everything { try removeServices(of: state.name) }
        try projectController(state)
        let touched = everything ? Set(state.services.keys) : Set(events.compactMap(\.event.service))
        // A port may pass from one service to another within one transaction.
        for name in touched { try removeService(name, of: state.name) }
        for name in touched.sorted() {
            if let service = state.services[name] { try projectService(service, of: state) }
        }
    }

    /// Writes every row of the controller.
    func project(_ state: ControllerState) throws {
        try removeServices(of: state.name)
        try projectController(state)
        for name in state.orderedServices {
            if let service = state.services[name] { try projectService(service, of: state) }
        }
    }

    private func projectController(_ state: ControllerState) throws {
        try ControllerRow(state).upsert(db)
        try db.cachedStatement(sql: "DELETE FROM deadlines WHERE controller = ? AND service = ''")
            .execute(arguments: [state.name.rawValue])
        for pending in state.pendingDeadlines where pending.key.service == nil {
            try DeadlineRow(pending, controller: state.name).insert(db)
        }
    }

    private func projectService(_ service: ServiceState, of state: ControllerState) throws {
        try ServiceRow(service, of: state).insert(db)
        for replica in service.orderedReplicas {
            try ReplicaRow(replica, of: service.name, controller: state.name).insert(db)
        }
        for pending in service.pendingDeadlines {
            try DeadlineRow(pending, controller: state.name).insert(db)
        }
    }

    private func removeService(_ service: ServiceName, of controller: ControllerName) throws {
        for sql in [
            "DELETE FROM services WHERE controller = ? AND name = ?",
            "DELETE FROM replicas WHERE controller = ? AND service = ?",
            "DELETE FROM deadlines WHERE controller = ? AND service = ?",
        ] {
            try db.cachedStatement(sql: sql).execute(arguments: [controller.rawValue, service.rawValue])
        }
    }

    private func removeServices(of controller: ControllerName) throws {
        for sql in [
            "DELETE FROM services WHERE controller = ?", "DELETE FROM replicas WHERE controller = ?",
            "DELETE FROM deadlines WHERE controller = ?",
        ] {
            try db.cachedStatement(sql: sql).execute(arguments: [controller.rawValue])
        }
    }
}

/// All rows that a state gives: what the tables must hold for its controller (law L2).
public struct Projection: Hashable, Sendable {
    public var controllers: [ControllerRow]
    public var services: [ServiceRow]
    public var replicas: [ReplicaRow]
    public var deadlines: [DeadlineRow]

    public init(_ state: ControllerState) throws {
        controllers = [ControllerRow(state)]
        services = try state.orderedServices.compactMap { name in
            try state.services[name].map { try ServiceRow($0, of: state) }
        }
        replicas = state.orderedServices.flatMap { name in
            state.services[name]?.orderedReplicas.map { ReplicaRow($0, of: name, controller: state.name) } ?? []
        }
        deadlines = state.pendingDeadlines.map { DeadlineRow($0, controller: state.name) }.sorted {
            $0.order < $1.order
        }
    }

    /// What the tables hold for `controller`.
    init(of controller: ControllerName, _ db: Database) throws {
        let name = controller.rawValue
        controllers = try ControllerRow.filter(key: name).fetchAll(db)
        services = try ServiceRow.filter(sql: "controller = ?", arguments: [name]).order(sql: "name").fetchAll(db)
        replicas = try ReplicaRow.filter(sql: "controller = ?", arguments: [name]).order(sql: "service, id").fetchAll(
            db)
        deadlines = try DeadlineRow.filter(sql: "controller = ?", arguments: [name]).fetchAll(db)
            .sorted { $0.order < $1.order }
    }
}

extension DeadlineRow {
    fileprivate var order: String { "\(kind) \(service) \(replica)" }
}

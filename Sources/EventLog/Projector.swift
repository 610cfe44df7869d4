import GRDB
import Lifecycle

/// Writes what is true now into plain tables, in the transaction of the events it follows from.
struct Projector {
    private let rows: RowWriter

    init(_ rows: RowWriter) { self.rows = rows }

    init(db: Database) { rows = RowWriter(into: db) }

    /// Brings the rows from what they say of `before`, which is what they hold (law L2), to what they say of `state`.
    /// Rows that are as they were are not written: each would be a page of the WAL to be synced.
    func project(_ state: ControllerState, from before: ControllerState, changedBy events: [StampedEvent]) throws {
        let touched = events.changedServices ?? Set(before.services.keys).union(state.services.keys)
        var rehoused: Set<ServiceName> = []
        for name in touched {
            guard let old = before.services[name], old.endpoint != state.services[name]?.endpoint else { continue }
            // A port may pass from one service to another within one transaction, so those that let go come first.
            try removeService(name, of: state.name)
            rehoused.insert(name)
        }
        try ControllerRow.bring(before.version == 0 ? nil : ControllerRow(before), to: ControllerRow(state), rows)
        try bring(before.ownDeadlines, to: state.ownDeadlines, of: state.name)
        for name in touched.sorted() {
            guard let service = state.services[name] else { continue }
            try project(service, of: state, from: before, rehoused.contains(name) ? nil : before.services[name])
        }
    }

    /// - Parameter old: the service as its rows are; nil when it has none.
    private func project(
        _ service: ServiceState, of state: ControllerState, from before: ControllerState, _ old: ServiceState?
    ) throws {
        // To write out a spec takes longer than all else here, and it seldom changes.
        if let old, old.spec == service.spec {
            let row = ServiceRow(service, of: state, spec: "")
            if row != ServiceRow(old, of: before, spec: ""), try !row.updateInPlace(rows) {
                try ServiceRow(service, of: state).replace(rows)
            }
        } else {
            try ServiceRow(service, of: state).replace(rows)
        }
        for replica in service.replicas.values where old?.replicas[replica.id] != replica {
            try ReplicaRow.bring(
                old?.replicas[replica.id].map { ReplicaRow($0, of: service.name, controller: state.name) },
                to: ReplicaRow(replica, of: service.name, controller: state.name), rows)
        }
        for replica in old?.orderedReplicas ?? [] where service.replicas[replica.id] == nil {
            try ReplicaRow(replica, of: service.name, controller: state.name).remove(rows)
        }
        try bring(old?.pendingDeadlines ?? [], to: service.pendingDeadlines, of: state.name)
    }

    private func bring(
        _ before: [PendingDeadline], to after: [PendingDeadline], of controller: ControllerName
    ) throws {
        if before == after { return }
        for pending in before where !after.contains(where: { $0.key == pending.key }) {
            try DeadlineRow(pending, controller: controller).remove(rows)
        }
        for pending in after where !before.contains(pending) {
            try DeadlineRow(pending, controller: controller).replace(rows)
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
        try ControllerRow(state).replace(rows)
        try rows.execute("DELETE FROM deadlines WHERE controller = ? AND service = ''", [state.name.rawValue])
        for pending in state.pendingDeadlines where pending.key.service == nil {
            try DeadlineRow(pending, controller: state.name).insert(rows.db)
        }
    }

    private func projectService(_ service: ServiceState, of state: ControllerState) throws {
        try ServiceRow(service, of: state).insert(rows.db)
        for replica in service.orderedReplicas {
            try ReplicaRow(replica, of: service.name, controller: state.name).insert(rows.db)
        }
        for pending in service.pendingDeadlines {
            try DeadlineRow(pending, controller: state.name).insert(rows.db)
        }
    }

    private func removeService(_ service: ServiceName, of controller: ControllerName) throws {
        for sql in [
            "DELETE FROM services WHERE controller = ? AND name = ?",
            "DELETE FROM replicas WHERE controller = ? AND service = ?",
            "DELETE FROM deadlines WHERE controller = ? AND service = ?",
        ] {
            try rows.execute(sql, [controller.rawValue, service.rawValue])
        }
    }

    private func removeServices(of controller: ControllerName) throws {
        for sql in [
            "DELETE FROM services WHERE controller = ?", "DELETE FROM replicas WHERE controller = ?",
            "DELETE FROM deadlines WHERE controller = ?",
        ] {
            try rows.execute(sql, [controller.rawValue])
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

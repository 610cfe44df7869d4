import GRDB
import Lifecycle

/// A row of `deadlines`.
public struct DeadlineRow: ProjectionRow {
    public static let databaseTableName = "deadlines"
    static let table = ProjectionTable.deadlines
    static let sql = RowSQL(Self.self, CodingKeys.allCases.map(\.rawValue), keyCount: 4)

    public var controller: String
    public var kind: String
    public var service: String
    public var replica: Int
    public var dueAtMicroseconds: Int64
    public var dueAtBootMicroseconds: Int64
    public var bootID: String
    public var spanMicroseconds: Int64
    public var generation: Int

    var key: [String] { [controller, kind, service, String(replica)] }

    static func called(_ key: [String]) -> String { key.joined(separator: " ") }

    func bind(to statement: inout some ParameterBinding) {
        statement.bind(controller)
        statement.bind(kind)
        statement.bind(service)
        statement.bind(replica)
        statement.bind(generation)
        statement.bind(dueAtMicroseconds)
        statement.bind(dueAtBootMicroseconds)
        statement.bind(bootID)
        statement.bind(spanMicroseconds)
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case controller, kind, service, replica, generation
        case dueAtMicroseconds = "due_at_us"
        case dueAtBootMicroseconds = "due_at_boot_us"
        case bootID = "boot_id"
        case spanMicroseconds = "span_us"
    }

    init(_ pending: PendingDeadline, controller: ControllerName) {
        self.controller = controller.rawValue
        kind = pending.key.kind
        service = pending.key.service?.rawValue ?? ""
        replica = pending.key.replica ?? 0
        dueAtMicroseconds = pending.deadline.wallMicroseconds
        dueAtBootMicroseconds = pending.deadline.bootMicroseconds
        bootID = pending.deadline.bootID
        spanMicroseconds = pending.deadline.spanMicroseconds
        generation = pending.generation
    }

    /// The deadline itself, to see what is left of it.
    public var deadline: Deadline {
        Deadline(
            wallMicroseconds: dueAtMicroseconds, bootMicroseconds: dueAtBootMicroseconds, bootID: bootID,
            spanMicroseconds: spanMicroseconds)
    }
}

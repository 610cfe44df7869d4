import GRDB
import Lifecycle

/// A row of `replicas`.
public struct ReplicaRow: ProjectionRow {
    public static let databaseTableName = "replicas"
    static let table = ProjectionTable.replicas
    static let sql = RowSQL(Self.self, CodingKeys.allCases.map(\.rawValue), keyCount: 3)

    public var controller: String
    public var service: String
    public var id: Int
    public var version: Int
    public var generation: Int
    public var status: String
    public var reason: String?
    /// `host:port`.
    public var endpoint: String?
    public var handle: String?
    public var addedAtMicroseconds: Int64
    public var launchedAtMicroseconds: Int64?
    public var sinceMicroseconds: Int64

    var key: [String] { [controller, service, String(id)] }

    static func called(_ key: [String]) -> String { "\(key[0])/\(key[1]) replica \(key[2])" }

    func bind(to statement: inout some ParameterBinding) {
        statement.bind(controller)
        statement.bind(service)
        statement.bind(id)
        statement.bind(version)
        statement.bind(generation)
        statement.bind(status)
        statement.bind(reason)
        statement.bind(endpoint)
        statement.bind(handle)
        statement.bind(addedAtMicroseconds)
        statement.bind(launchedAtMicroseconds)
        statement.bind(sinceMicroseconds)
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case controller, service, id, version, generation, status, reason, endpoint, handle
        case addedAtMicroseconds = "added_at_us"
        case launchedAtMicroseconds = "launched_at_us"
        case sinceMicroseconds = "since_us"
    }

    init(_ replica: ReplicaState, of service: ServiceName, controller: ControllerName) {
        self.controller = controller.rawValue
        self.service = service.rawValue
        id = replica.id
        version = replica.version
        generation = replica.generation
        status = replica.status.rawValue
        reason = replica.reasonInWords
        endpoint = replica.endpoint?.description
        handle = replica.handle?.rawValue
        addedAtMicroseconds = replica.addedAtMicroseconds
        launchedAtMicroseconds = replica.launchedAtMicroseconds
        sinceMicroseconds = replica.sinceMicroseconds
    }
}

import GRDB
import Lifecycle

/// A row of `services`.
public struct ServiceRow: ProjectionRow {
    public static let databaseTableName = "services"
    static let table = ProjectionTable.services
    /// A service whose address changes is removed and inserted; its spec is written out only when it changes.
    static let sql = RowSQL(
        Self.self, CodingKeys.allCases.map(\.rawValue), keyCount: 2, fixed: ["host", "port", "spec"])

    public var controller: String
    public var name: String
    public var version: Int
    public var status: String
    public var reason: String?
    /// Whether it holds its controller up.
    public var live: Bool
    public var host: String
    public var port: Int
    public var requestedAtMicroseconds: Int64
    public var requestedBy: String
    public var readySinceMicroseconds: Int64?
    /// Replicas that exist, of whatever status but failed ones.
    public var replicas: Int
    public var readyReplicas: Int
    public var wantedReplicas: Int
    /// Handle of its load balancer while it runs.
    public var loadBalancer: String?
    /// `http`, or `https` where its load balancer speaks TLS.
    public var scheme: String
    public var spec: String

    var key: [String] { [controller, name] }

    static func called(_ key: [String]) -> String { "\(key[0])/\(key[1])" }

    func bind(to statement: inout some ParameterBinding) {
        statement.bind(controller)
        statement.bind(name)
        statement.bind(version)
        statement.bind(status)
        statement.bind(reason)
        statement.bind(live)
        statement.bind(host)
        statement.bind(port)
        statement.bind(requestedAtMicroseconds)
        statement.bind(requestedBy)
        statement.bind(readySinceMicroseconds)
        statement.bind(replicas)
        statement.bind(readyReplicas)
        statement.bind(wantedReplicas)
        statement.bind(loadBalancer)
        statement.bind(scheme)
        statement.bind(spec)
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case controller, name, version, status, reason, live, host, port
        case requestedAtMicroseconds = "requested_at_us"
        case requestedBy = "requested_by"
        case readySinceMicroseconds = "ready_since_us"
        case replicas
        case readyReplicas = "ready_replicas"
        case wantedReplicas = "wanted_replicas"
        case loadBalancer = "load_balancer"
        case scheme, spec
    }

    init(_ service: ServiceState, of state: ControllerState) throws {
        self.init(service, of: state, spec: try EventCodec.json(service.spec))
    }

    /// With a spec that is written out already.
    init(_ service: ServiceState, of state: ControllerState, spec: String) {
        controller = state.name.rawValue
        name = service.name.rawValue
        version = service.version
        status = service.status.rawValue
        reason = state.statusReason(of: service)
        live = service.isLive
        host = service.endpoint.host
        port = Int(service.endpoint.port)
        scheme = service.scheme
        requestedAtMicroseconds = service.requestedAtMicroseconds
        requestedBy = service.requestedBy
        readySinceMicroseconds = service.readySinceMicroseconds
        replicas = service.presentReplicaCount
        readyReplicas = service.readyReplicas
        wantedReplicas = service.targetReplicas
        if case .running(let handle) = service.loadBalancer?.phase { loadBalancer = handle.rawValue }
        self.spec = spec
    }

    public var endpoint: String { "\(scheme)://\(host):\(port)" }
}

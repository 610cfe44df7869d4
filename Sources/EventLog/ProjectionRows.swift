import GRDB
import Lifecycle

// The rows of the projections, each made from a state by a plain function: what the tables hold is what
// these functions say of the folded log, and nothing else (law L2).

/// A row of `controllers`.
public struct ControllerRow: ProjectionRow {
    public static let databaseTableName = "controllers"
    static let sql = RowSQL(Self.self, CodingKeys.allCases.map(\.rawValue), keyCount: 1)

    public var name: String
    public var status: String
    public var reason: String?
    public var incarnation: Int
    public var version: Int
    /// Nil: never stops by itself.
    public var idleTimeoutSeconds: Double?
    public var policySource: String
    public var startedAtMicroseconds: Int64?
    /// When it became idle, stopping or stopped.
    public var sinceMicroseconds: Int64?
    /// When it stops unless something is brought up.
    public var autostopAtMicroseconds: Int64?
    public var startAgain: Bool
    public var recoveries: Int
    public var needsProcess: Bool
    public var process: String?
    /// Whether it is terminated at its idle deadline.
    public var down: Bool
    public var downSource: String?
    /// How long it may stay stopped; nil for ever.
    public var terminateAfterSeconds: Double?
    public var terminateAfterSource: String?
    /// Who paused autostop; nil when nobody has.
    public var pausedBy: String?
    public var pausedReason: String?
    /// Nil: until it is resumed.
    public var pausedUntilMicroseconds: Int64?

    var key: [String] { [name] }

    static func called(_ key: [String]) -> String { key[0] }

    func bind(to statement: inout QuickStatement) {
        statement.bind(name)
        statement.bind(status)
        statement.bind(reason)
        statement.bind(incarnation)
        statement.bind(version)
        statement.bind(idleTimeoutSeconds)
        statement.bind(policySource)
        statement.bind(startedAtMicroseconds)
        statement.bind(sinceMicroseconds)
        statement.bind(autostopAtMicroseconds)
        statement.bind(startAgain)
        statement.bind(recoveries)
        statement.bind(needsProcess)
        statement.bind(process)
        statement.bind(down)
        statement.bind(downSource)
        statement.bind(terminateAfterSeconds)
        statement.bind(terminateAfterSource)
        statement.bind(pausedBy)
        statement.bind(pausedReason)
        statement.bind(pausedUntilMicroseconds)
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case name, status, reason, incarnation, version
        case idleTimeoutSeconds = "idle_timeout_seconds"
        case policySource = "policy_source"
        case startedAtMicroseconds = "started_at_us"
        case sinceMicroseconds = "since_us"
        case autostopAtMicroseconds = "autostop_at_us"
        case startAgain = "start_again"
        case recoveries
        case needsProcess = "needs_process"
        case process, down
        case downSource = "down_source"
        case terminateAfterSeconds = "terminate_after_seconds"
        case terminateAfterSource = "terminate_after_source"
        case pausedBy = "paused_by"
        case pausedReason = "paused_reason"
        case pausedUntilMicroseconds = "paused_until_us"
    }

    init(_ state: ControllerState) {
        name = state.name.rawValue
        status = state.status.rawValue
        incarnation = state.incarnation
        version = state.version
        idleTimeoutSeconds = state.policy.idleTimeoutSeconds
        policySource = state.policy.source.rawValue
        startedAtMicroseconds = state.startedAtMicroseconds
        startAgain = false
        recoveries = state.recoveries
        needsProcess = state.needsProcess
        process = state.process
        down = state.policy.down?.value ?? false
        downSource = state.policy.down?.source.rawValue
        terminateAfterSeconds = state.policy.terminateAfterSeconds?.value
        terminateAfterSource = state.policy.terminateAfterSeconds?.source.rawValue
        pausedBy = state.pause?.by
        pausedReason = state.pause?.reason
        pausedUntilMicroseconds = state.pause?.until?.wallMicroseconds
        switch state.phase {
        case .idle(let idle):
            sinceMicroseconds = idle.sinceMicroseconds
            autostopAtMicroseconds = idle.deadline?.wallMicroseconds
        case .stopping(let stopping):
            sinceMicroseconds = stopping.sinceMicroseconds
            reason = stopping.reason.rawValue
            startAgain = stopping.startAgain
        case .stopped(let stopped):
            sinceMicroseconds = stopped.sinceMicroseconds
            reason = stopped.reason.rawValue
        case .starting(let since):
            sinceMicroseconds = since
            reason = state.heldStart?.reason
        case .failed(let why): reason = why
        case .absent, .up, .terminating, .terminated: break
        }
    }
}

/// A row of `services`.
public struct ServiceRow: ProjectionRow {
    public static let databaseTableName = "services"
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

    func bind(to statement: inout QuickStatement) {
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

/// A row of `replicas`.
public struct ReplicaRow: ProjectionRow {
    public static let databaseTableName = "replicas"
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

    func bind(to statement: inout QuickStatement) {
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

/// A row of `deadlines`.
public struct DeadlineRow: ProjectionRow {
    public static let databaseTableName = "deadlines"
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

    func bind(to statement: inout QuickStatement) {
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

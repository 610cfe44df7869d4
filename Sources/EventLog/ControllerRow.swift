import GRDB
import Lifecycle

/// A row of `controllers`.
public struct ControllerRow: ProjectionRow {
    public static let databaseTableName = "controllers"
    static let table = ProjectionTable.controllers
    static let sql = RowSQL(Self.self, CodingKeys.allCases.map(\.rawValue), keyCount: 1, counter: "version")

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

    func isCounted(from before: Self) -> Bool {
        var counted = before
        counted.version = version
        return counted == self
    }

    func bind(to statement: inout some ParameterBinding) {
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

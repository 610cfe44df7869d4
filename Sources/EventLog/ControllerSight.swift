import GRDB
import Lifecycle

/// What `status` tells of a controller besides what the tables hold, read off its last events.
public struct ControllerSight: Sendable {
    public var failedHooks: [FailedHook] = []
    /// The policy in force, of one that is idle; nil when the archive has it.
    public var policy: AutostopPolicy?
}

extension EventLog {
    /// How many runs of hooks are looked at: five kinds, and room for one that runs oftener than the others.
    private static let hookRunsLookedAt = 20

    static let policySQL = """
        SELECT version FROM events
        WHERE stream = ?1 AND type IN ('controller.starting', 'controller.policy_set') AND version <= ?2
        ORDER BY version DESC LIMIT 1
        """

    /// Of the life that it is in.
    static let hooksSQL = """
        SELECT version FROM events
        WHERE stream = ?1 AND type = 'controller.hook_ended' AND version <= ?2 AND version > coalesce((
            SELECT version FROM events
            WHERE stream = ?1 AND type = 'controller.starting' AND version <= ?2
            ORDER BY version DESC LIMIT 1), 0)
        ORDER BY version DESC LIMIT ?3
        """

    /// - Parameter rows: the controllers as they were at a moment, or are now.
    public func sights(of rows: [ControllerRow]) throws(LogFailure) -> [String: ControllerSight] {
        try reading { db in
            var sights: [String: ControllerSight] = [:]
            for row in rows { sights[row.name] = try Self.sight(of: row, db) }
            return sights
        }
    }

    /// Through indexes that hold nothing but what is looked for: a life may be long, and have been idle, or given another
    /// policy, a hundred thousand times.
    private static func sight(of row: ControllerRow, _ db: Database) throws -> ControllerSight {
        var latest = try QuickStatement(db, policySQL)
        latest.bind(row.name)
        latest.bind(row.version)
        let policy = try latest.first { $0.int(0) }
        var runs = try QuickStatement(db, hooksSQL)
        runs.bind(row.name)
        runs.bind(row.version)
        runs.bind(hookRunsLookedAt)
        let hooks = try runs.all { $0.int(0) }
        var sight = ControllerSight()
        let ended = try hooks.reversed().compactMap { try EventReader.event(of: row.name, version: $0, db) }
        sight.failedHooks = FailedHook.all(in: ended.map { StampedEvent(event: $0.event, stamp: $0.stamp) })
        guard row.status == ControllerStatus.idle.rawValue, let policy else { return sight }
        switch try EventReader.event(of: row.name, version: policy, db)?.event {
        case .controllerStarting(let event): sight.policy = event.policy
        case .controllerPolicySet(let event): sight.policy = event.policy
        default: break
        }
        return sight
    }
}

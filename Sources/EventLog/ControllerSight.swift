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

    /// - Parameter rows: the controllers as they were at a moment, or are now.
    public func sights(of rows: [ControllerRow]) throws(LogFailure) -> [String: ControllerSight] {
        try reading { db in
            var sights: [String: ControllerSight] = [:]
            for row in rows { sights[row.name] = try Self.sight(of: row, db) }
            return sights
        }
    }

    /// From the newest event back to the last start, through an index that holds all it takes.
    private static func sight(of row: ControllerRow, _ db: Database) throws -> ControllerSight {
        let rows = try Row.fetchCursor(
            db.cachedStatement(
                sql: """
                    SELECT version, type FROM events WHERE stream = ? AND type GLOB 'controller.*' AND version <= ?
                    ORDER BY version DESC
                    """), arguments: [row.name, row.version])
        var (hooks, policy): ([Int], Int?) = ([], nil)
        search: while let found = try rows.next() {
            let (version, type): (Int, String) = (found[0], found[1])
            switch EventType(rawValue: type) {
            case .controllerStarting:
                policy = policy ?? version
                break search
            case .controllerPolicySet: policy = policy ?? version
            case .controllerHookEnded: if hooks.count < hookRunsLookedAt { hooks.append(version) }
            default: continue
            }
        }
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

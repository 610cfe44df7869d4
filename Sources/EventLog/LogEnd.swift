import GRDB
import Lifecycle

/// Whether the log ends where the tables say it does. They are written with the events, so each controller's row and the
/// states kept of it know how many events they are the outcome of: when more than there are, the end of the log was taken
/// away. The chain of digests cannot tell, for nothing is chained to its last event.
struct LogEnd {
    /// Controllers of whose events the end is missing.
    private(set) var ahead: Set<String> = []
    /// Positions of the events that are missing; nil when none is.
    private(set) var missing: ClosedRange<Int>?

    /// - Parameter witness: what was read of the bell before `db` began to be read. When it says that the last event there
    ///   is was the last one acknowledged, none is missing, and what says otherwise was changed.
    init(_ db: Database, witness: CommitBell.Witness?) throws {
        let last = try db.lastPosition()
        if let witness, witness.position == last, last > 0, try witness.logID == db.logID() { return }
        let archived = try db.tableExists("bases") ? "(SELECT version FROM bases WHERE stream = name)" : "NULL"
        let checkpoint =
            try db.tableExists("checkpoints")
            ? "coalesce((SELECT max(version) FROM checkpoints WHERE stream = name), 0)" : "0"
        // One of a controller that never was is ahead of nothing; that it is there is told by whoever folds.
        let rows = try QuickStatement(
            db,
            """
            SELECT name,
                max(version, coalesce((SELECT version FROM snapshots WHERE stream = name), 0), \(checkpoint)),
                coalesce((SELECT max(version) FROM events WHERE stream = name), \(archived), 0)
            FROM controllers
            """)
        var count = 0
        while let row = try rows.next() {
            let (wanted, there) = (row.int(1), row.int(2))
            // Of what cannot be a controller there never were events.
            guard wanted > there, let name = ControllerName(rawValue: row.shown(0)) else { continue }
            ahead.insert(name.rawValue)
            // Whatever somebody wrote there, it can be counted.
            count = min(count + min(wanted - max(0, there), Self.most), Self.most)
        }
        if count > 0 { missing = last + 1...last + count }
    }

    private static let most = 1 << 40

    /// The sentence that says so.
    static func sentence(missing: ClosedRange<Int>) -> String {
        let (events, them) =
            missing.count == 1
            ? ("event \(missing.lowerBound) is", "it")
            : ("events \(missing.lowerBound) to \(missing.upperBound) are", "them")
        let end = missing.lowerBound == 1 ? "is empty" : "ends at event \(missing.lowerBound - 1)"
        return "\(events) missing: the tables know of \(them), and the log \(end)"
    }
}

extension CommitBell.Witness {
    /// What tells a log from the one that was written last, as far as can be known; nil when it is that one.
    func problem(with db: Database) throws -> String? {
        let id = try db.logID()
        // One whose id alone was changed is the same; that is told by whoever looks at `meta`.
        if let id, id != logID, try db.firstLogID() != logID {
            return "it is log \(id), and log \(logID) was written here last"
        }
        guard let digest else { return nil }
        let start = try LogStart(db).position
        guard position >= start else {
            return "its events up to \(start) are archived, and event \(position) was the last acknowledged here"
        }
        guard try db.digest(at: position).map({ $0 != digest }) ?? false else { return nil }
        return "its event \(position) is not the one that was acknowledged"
    }
}

extension Database {
    /// Of an event, where it is known: of those that were archived it is of the last one.
    fileprivate func digest(at position: Int) throws -> Digest? {
        var statement = try QuickStatement(self, "SELECT digest FROM events WHERE position = ?")
        statement.bind(position)
        if let digest = try statement.first({ Digest(bytes: $0.data(0)) }) { return digest }
        let start = try LogStart(self)
        return position > 0 && position == start.position ? start.digest : nil
    }
}

extension EventLog {
    /// The same before the first write of this process, when it is not known yet how far the log goes.
    func requireEndAtFirst(_ db: Database) throws {
        if knownEnd.withLock({ $0 == nil }) { try requireEnd(db.lastPosition(), db) }
    }

    /// Throws when the end of the log was taken away: what is written on it would be taken for the events that are
    /// missing, and the tables that still tell of them would be overwritten. Call it in the transaction that writes.
    ///
    /// The tables are asked the first time. From then on this process knows an event the log must reach: every one
    /// that it saw in a transaction of its own was committed, and stays in the file for as long as the machine runs.
    func requireEnd(_ last: Int, _ db: Database) throws {
        if let known = knownEnd.withLock({ $0 }) {
            guard last >= known else { throw LogFailure.eventsLost(path: path, there: last, acknowledged: known) }
            return
        }
        let witness = bell.witness
        if let witness, witness.logID != logID {
            throw LogFailure.anotherLog(
                path: path, "it is log \(logID), and log \(witness.logID) was written here last")
        }
        if let missing = try LogEnd(db, witness: witness).missing { throw LogFailure.endMissing(missing) }
        knownEnd.withLock { $0 = last }
    }

    /// Keeps the position of an event that was committed.
    func rememberEnd(_ position: Int) { knownEnd.withLock { $0 = max($0 ?? 0, position) } }
}

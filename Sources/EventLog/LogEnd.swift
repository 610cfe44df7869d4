import GRDB

/// Whether the log ends where the tables say it does. They are written with the events, so each controller's row knows
/// how many events it is the outcome of: when more than there are, the end of the log was taken away. The chain of
/// digests cannot tell, for nothing is chained to its last event.
struct LogEnd {
    /// Controllers whose row comes of more events than there are.
    private(set) var ahead: Set<String> = []
    /// Positions of the events that are missing; nil when none is.
    private(set) var missing: ClosedRange<Int>?

    init(_ db: Database) throws {
        let archived = try db.tableExists("bases") ? "(SELECT version FROM bases WHERE stream = name)" : "NULL"
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT name, version, coalesce((SELECT max(version) FROM events WHERE stream = name), \(archived), 0)
                FROM controllers
                """)
        var count = 0
        for row in rows {
            let (wanted, there): (Int, Int) = (row[1], row[2])
            guard wanted > there else { continue }
            ahead.insert(row[0])
            // Whatever somebody wrote there, it can be counted.
            count = min(count + min(wanted - max(0, there), Self.most), Self.most)
        }
        let last = try db.lastPosition()
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

import GRDB
import Lifecycle

/// Which events somebody wants to see. What is nil or empty limits nothing.
public struct EventQuery: Hashable, Sendable {
    /// Positions after this.
    public var after = 0
    /// Positions up to this.
    public var through: Int?
    /// Wall times from this on, and before that; microseconds since 1970.
    public var sinceMicroseconds: Int64?
    public var untilMicroseconds: Int64?
    public var controller: String?
    public var service: String?
    public var replica: Int?
    /// Types, or patterns for them such as `replica.*`.
    public var types: [String] = []
    /// Who: `user@host`, the user alone, or a component such as `cli`; or a pattern for one of them.
    public var actor: String?
    /// At most so many: the last of those that match.
    public var limit: Int?

    public init() {}

    /// The condition on `events`, with its arguments.
    private var condition: (sql: String, arguments: StatementArguments) {
        var parts = ["position > ?"]
        var arguments: StatementArguments = [after]
        func add(_ part: String, _ values: (any DatabaseValueConvertible)?...) {
            parts.append(part)
            arguments += StatementArguments(values)
        }
        if let through { add("position <= ?", through) }
        if let sinceMicroseconds { add("at_us >= ?", sinceMicroseconds) }
        if let untilMicroseconds { add("at_us < ?", untilMicroseconds) }
        if let controller { add(Self.matches("stream", controller), controller) }
        if let service { add(Self.matches("service", service), service) }
        if let replica { add("replica = ?", replica) }
        if !types.isEmpty {
            add("(" + types.map { Self.matches("type", $0) }.joined(separator: " OR ") + ")")
            arguments += StatementArguments(types)
        }
        if let actor { add("(actor GLOB ? OR actor GLOB ? OR component GLOB ?)", actor, actor + "@*", actor) }
        return (parts.joined(separator: " AND "), arguments)
    }

    /// An index finds what is equal at once; a pattern is tried on every row.
    static func matches(_ column: String, _ text: String) -> String {
        text.contains { "*?[".contains($0) } ? "\(column) GLOB ?" : "\(column) = ?"
    }

    /// Positions of the events that match, in order; `count` at most, the first or the last of them.
    func positions(_ count: Int, last: Bool, _ db: Database) throws -> [Int] {
        let (sql, arguments) = condition
        let found = try Int.fetchAll(
            db, sql: "SELECT position FROM events WHERE \(sql) ORDER BY position \(last ? "DESC" : "ASC") LIMIT ?",
            arguments: arguments + [count])
        return last ? found.reversed() : found
    }
}

extension EventLog {
    /// Calls `body` with the events that match, as people read them, a part at a time so that a log of any size
    /// needs no more memory than a short one.
    ///
    /// - Parameter reversed: the newest first.
    /// - Returns: the position up to which the log was looked at: what comes later comes after it.
    @discardableResult
    public func audit(
        _ query: EventQuery, reversed: Bool = false, _ body: ([AuditRow]) -> Void
    ) throws(LogFailure) -> Int {
        var query = query
        let end = try lastPosition()
        query.through = min(query.through ?? end, end)
        var left = query.limit ?? .max
        // The last so many, oldest first: where they begin is found once.
        if query.limit != nil, !reversed {
            let first = try reading { [query] db in try query.positions(left, last: true, db).first }
            guard let first else { return end }
            query.after = first - 1
        }
        while left > 0 {
            let rows = try reading { [query] db in
                let positions = try query.positions(min(left, Self.partSize), last: reversed, db)
                return try AuditRow.at(positions, db)
            }
            guard let first = rows.first, let last = rows.last else { break }
            left -= rows.count
            body(reversed ? rows.reversed() : rows)
            if reversed { query.through = first.position - 1 } else { query.after = last.position }
            if rows.count < Self.partSize { break }
        }
        return end
    }

    private static let partSize = 500
}

extension AuditRow {
    /// The rows at these positions, in their order.
    fileprivate static func at(_ positions: [Int], _ db: Database) throws -> [AuditRow] {
        guard !positions.isEmpty else { return [] }
        let marks = databaseQuestionMarks(count: positions.count)
        return try fetchAll(
            db, sql: "SELECT * FROM audit_log WHERE position IN (\(marks)) ORDER BY position",
            arguments: StatementArguments(positions))
    }
}

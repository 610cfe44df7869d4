import GRDB
import Lifecycle

// The log at a moment of the past. Law L2 makes what it says exact: what the tables held then is what the fold
// of the events up to then gives.

extension EventLog {
    /// The last event at or before a moment; 0 when there is none. Throws when the moment lies in what was archived.
    ///
    /// - Parameter microseconds: wall time, since 1970.
    public func position(atMicroseconds microseconds: Int64) throws(LogFailure) -> Int {
        try reading { db in
            let position = try Int.fetchOne(
                db, sql: "SELECT position FROM events WHERE at_us <= ? ORDER BY at_us DESC, position DESC LIMIT 1",
                arguments: [microseconds])
            if let position { return position }
            let start = try LogStart(db)
            try start.requireReached(byMicroseconds: microseconds, db)
            return start.position
        }
    }

    /// Wall time of an event, microseconds since 1970; nil when there is none at that position. Throws when it was
    /// archived.
    public func time(atPosition position: Int) throws(LogFailure) -> Int64? {
        try reading { db in
            let start = try LogStart(db)
            try start.requireReached(by: position, db)
            if position > 0, position == start.position { return start.atMicroseconds }
            return try Int64.fetchOne(db, sql: "SELECT at_us FROM events WHERE position = ?", arguments: [position])
        }
    }

    /// What ``status()`` said when `position` was the last event.
    ///
    /// - Parameter now: the moment it is seen at, for what is left and how long it has been.
    public func status(atPosition position: Int, now: Instant) throws(LogFailure) -> StatusReport {
        try reading { db in
            try LogStart(db).requireReached(by: position, db)
            var report = StatusReport(now: now, controllers: [], services: [], replicas: [], deadlines: [])
            let begun = try String.fetchAll(db, sql: Self.streamsSQL, arguments: [position])
            for name in Set(begun).union(try Base.streams(db)).sorted() {
                guard let controller = ControllerName(rawValue: name) else { continue }
                let projection = try Projection(try Self.state(of: controller, atPosition: position, db))
                report.controllers += projection.controllers
                report.services += projection.services
                report.replicas += projection.replicas
                report.deadlines += projection.deadlines
            }
            return report
        }
    }

    /// What happened to controllers and services as such, oldest first: without what happened to replicas, which is
    /// most of a log.
    ///
    /// - Parameter controller: only of this one; nil for all.
    public func lifecycleEvents(of controller: ControllerName? = nil) throws(LogFailure) -> [RecordedEvent] {
        try reading { db in
            var events: [RecordedEvent] = []
            for pattern in ["controller.*", "service.*"] {
                // Spelled out, so that the index of just those is used.
                try EventReader.forEach(where: "type GLOB '\(pattern)'", in: controller, db) { events.append($0) }
            }
            return events.sorted { $0.position < $1.position }
        }
    }

    /// The controller's state when `position` was the last event.
    public func state(of controller: ControllerName, atPosition position: Int) throws(LogFailure) -> ControllerState {
        try reading { db in
            try LogStart(db).requireReached(by: position, db)
            return try Self.state(of: controller, atPosition: position, db)
        }
    }

    private static func state(
        of controller: ControllerName, atPosition position: Int, _ db: Database
    ) throws -> ControllerState {
        var state =
            try Checkpoints.load(controller, notAfter: position, db) ?? ControllerState(beginning: controller, db)
        let events = try StoredEvents(
            db, where: "stream = ? AND version > ? ORDER BY version", arguments: [controller.rawValue, state.version])
        // Positions rise with versions. The index is by version, so it is not asked for a range of positions.
        while let event = try events.next(), event.position <= position {
            state.apply(try events.event(event), event.stamp)
        }
        return state
    }

    /// Streams that had begun. Each by a step through the index, whatever their length.
    private static let streamsSQL = """
        WITH RECURSIVE streams(stream) AS (
            SELECT min(stream) FROM events
            UNION ALL
            SELECT (SELECT min(stream) FROM events WHERE stream > streams.stream) FROM streams
            WHERE streams.stream IS NOT NULL
        )
        SELECT stream FROM streams WHERE stream IS NOT NULL
            AND (SELECT position FROM events WHERE events.stream = streams.stream ORDER BY version LIMIT 1) <= ?
        """
}

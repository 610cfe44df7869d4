import Foundation
import GRDB
import Lifecycle

/// What a log keeps of its archived events, compared with the archive that holds them.
struct ArchiveComparison {
    let log: Database
    let archive: Database

    /// A sentence for each thing that the archive tells otherwise; the states in `bases` are not looked at here.
    var problems: [String] {
        get throws { try rowOfArchives() + earlierArchives() + heads() + causes() + commands() }
    }

    private func rowOfArchives() throws -> [String] {
        let start = try LogStart(log)
        let at = try Int64.fetchOne(archive, sql: "SELECT at_us FROM events ORDER BY position DESC LIMIT 1")
        return at == start.atMicroseconds ? [] : ["archives: the time of event \(start.position) is another"]
    }

    /// The archive was made from the log, so it knows those that were made before.
    private func earlierArchives() throws -> [String] {
        let sql = "SELECT * FROM archives ORDER BY position"
        let known = try Row.fetchAll(archive, sql: sql)
        let here = try Row.fetchAll(log, sql: sql)
        return Array(here.dropLast()) == known ? [] : ["archives: what was archived earlier is told otherwise"]
    }

    /// The last archived event of each controller.
    private func heads() throws -> [String] {
        try Base.streams(log).compactMap { stream in
            guard let name = ControllerName(rawValue: stream) else { return "bases: \(stream) is no controller's name" }
            var statement = try QuickStatement(log, "SELECT version, digest FROM bases WHERE stream = ?")
            statement.bind(stream)
            let base = try statement.first { StreamHead(version: $0.int(0), digest: Digest(bytes: $0.data(1))) }
            guard let base, let head = try StreamHead.fetch(name, archive) else {
                return "bases: there is a row of \(stream), and no event of it was archived"
            }
            return head.version == base.version && head.digest == base.digest
                ? nil : "bases: the last archived event of \(stream) is another"
        }
    }

    private func causes() throws -> [String] {
        let here = try ArchivedCause.all(log)
        var missing = Set(try ArchivedCause.all(archive).map(\.name))
        var problems: [String] = []
        for cause in here {
            missing.remove(cause.name)
            let position = try Int.fetchOne(
                archive,
                sql: """
                    SELECT position FROM events WHERE stream = ?1 AND version = ?2
                    UNION ALL
                    SELECT position FROM archived_causes WHERE stream = ?1 AND version = ?2
                    """, arguments: [cause.stream, cause.version])
            if position != cause.position {
                problems.append("archived_causes: number \(cause.name) lay elsewhere")
            }
        }
        return problems + missing.sorted().map { "archived_causes: where number \($0) lay is missing" }
    }

    /// Each command that was carried out before the cut must be known, or it could be carried out again (law L6).
    private func commands() throws -> [String] {
        let known = Set(
            try QuickStatement(log, "SELECT stream, command_id FROM commands_without_events")
                .all { "\($0.shown(0)) \($0.shown(1))" })
        let archived = try QuickStatement(
            archive,
            """
            SELECT stream, command_id FROM events WHERE command_id IS NOT NULL
            UNION
            SELECT stream, command_id FROM commands_without_events
            """)
        var missing = 0
        while let row = try archived.next() {
            if !known.contains("\(row.shown(0)) \(row.shown(1))") { missing += 1 }
        }
        return missing == 0 ? [] : ["commands_without_events: \(missing) that the archive tells of are missing"]
    }
}

/// Where an archived event lay that a later one follows from.
struct ArchivedCause {
    var stream: String
    var version: Int
    var position: Int

    /// `3 of dev`.
    var name: String { "\(version) of \(stream)" }

    /// By stream and version.
    static func all(_ db: Database) throws -> [ArchivedCause] {
        try QuickStatement(db, "SELECT stream, version, position FROM archived_causes ORDER BY stream, version")
            .all { ArchivedCause(stream: $0.shown(0), version: $0.int(1), position: $0.int(2)) }
    }
}

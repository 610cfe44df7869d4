import Foundation
import GRDB
import Lifecycle

/// Whether what a log keeps of its archived events fits together. The chain of digests covers the digest that the first
/// event goes on from, and the fold the states in `bases`; this is what else can be known without the archive.
enum LogStartExamination {
    private static let lostCauses = "archived_causes_lost"

    /// Notes that a repair could not save where archived events lay.
    static func noteLostCauses(_ db: Database) throws {
        try db.execute(sql: "INSERT OR REPLACE INTO meta (key, value) VALUES (?, '1')", arguments: [lostCauses])
    }

    private static func areCausesLost(_ db: Database) throws -> Bool {
        try String.fetchOne(db, sql: "SELECT value FROM meta WHERE key = ?", arguments: [lostCauses]) != nil
    }

    /// A sentence for each thing that is not as `dwell archive` wrote it.
    static func problems(_ db: Database) throws -> [String] {
        guard try db.tableExists("bases") else { return [] }
        let start = try LogStart(db)
        let bases = try QuickStatement(db, "SELECT stream, version, digest, state FROM bases ORDER BY stream").all {
            (stream: $0.shown(0), version: $0.int(1), digest: Digest(bytes: $0.data(2)), state: $0.data(3))
        }
        let causes = try ArchivedCause.all(db)
        var problems: [String] = []
        var heads: [String: Int] = [:]
        let areLost = try areCausesLost(db)
        let known = Set(causes.map(\.name))
        for (stream, version, _, state) in bases {
            heads[stream] = version
            guard let state: ControllerState = try? EventCodec.value(stored: state) else {
                problems.append("bases: the state of \(stream) cannot be read")
                continue
            }
            if state.name.rawValue != stream {
                problems.append("bases: the state of \(stream) is that of \(state.name)")
            } else if state.version != version {
                problems.append(
                    "bases: \(stream) is said to be at version \(version), and its state is at \(state.version)")
            }
            // A repair that could not save them has said so.
            let referredVersions = areLost ? [] : state.referredVersions.sorted()
            for referred in referredVersions where !known.contains("\(referred) of \(stream)") {
                problems.append("archived_causes: where number \(referred) of \(stream) lay is missing")
            }
        }
        if start.position > 0, !bases.contains(where: { $0.digest == start.digest }) {
            problems.append("bases: no controller's last archived event has the digest of event \(start.position)")
        }
        var before: ArchivedCause?
        for cause in causes {
            let follows = before?.stream == cause.stream ? before?.position ?? 0 : 0
            if cause.version > heads[cause.stream] ?? 0 || cause.position > start.position || cause.position <= follows
            {
                problems.append(
                    "archived_causes: number \(cause.name) cannot have lain at event \(cause.position)")
            }
            before = cause
        }
        return problems
    }
}

/// Where the chain of digests breaks, and at what.
public struct BrokenChain: Sendable, CustomStringConvertible {
    /// The first position that is not as it was recorded, or what follows the archived events.
    public let position: Int
    /// Whether what is wrong is not the event, but what is kept of those that were archived.
    public let isArchivesRow: Bool
    public let description: String

    init(at position: Int, _ db: Database) throws {
        self.position = position
        let problem = try Self.problemOfArchives(position, db)
        isArchivesRow = problem != nil
        description =
            problem ?? "event \(position) is not as it was recorded: the chain of digests breaks there"
    }

    /// What is wrong with the row of the last archive, when it is that and not the first event.
    private static func problemOfArchives(_ position: Int, _ db: Database) throws -> String? {
        let start = try LogStart(db)
        guard position == start.position + 1, try db.tableExists("bases") else { return nil }
        let heads = try Data.fetchAll(db, sql: "SELECT digest FROM bases").map { Digest(bytes: $0) }
        guard !heads.isEmpty else { return nil }
        let first = try QuickStatement(db, StoredRow.sql + " LIMIT 1").first { row in
            let stored = StoredRow(row)
            let follows = heads.contains { Digest(after: $0, stored: row).map { $0 == stored.digest } ?? false }
            return (position: stored.position, follows: follows)
        }
        guard let first else { return nil }
        guard first.position == position else {
            let said = start.position == 0 ? "of no event" : "of events up to \(start.position)"
            return "archives: it tells \(said), and the log begins with event \(first.position)"
        }
        guard first.follows else { return nil }
        return "archives: its digest of event \(start.position) is not the one that event \(position) is chained to"
    }
}

extension EventLog {
    /// Checks the chain of digests and that positions have no holes.
    ///
    /// - Parameter progress: called with the position that was reached.
    /// - Returns: the first place that is wrong; nil when every one is right.
    public func brokenChain(progress: (Int) -> Void = { _ in }) throws(LogFailure) -> BrokenChain? {
        try reading { db in
            try DigestChain.firstBrokenPosition(db, progress: progress).map { try BrokenChain(at: $0, db) }
        }
    }

    /// What of the tables that tell of archived events is not as it was written: a sentence each.
    public func startProblems() throws(LogFailure) -> [String] {
        try reading { try LogStartExamination.problems($0) }
    }
}

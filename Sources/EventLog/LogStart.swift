import Foundation
import GRDB
import Lifecycle

/// Where the log in a file begins: before its first event ever, or after the last one that was archived.
public struct LogStart: Hashable, Sendable {
    /// Position of the last event before it; 0 when none was archived.
    public private(set) var position = 0
    /// That event's wall time, microseconds since 1970.
    public private(set) var atMicroseconds: Int64 = 0
    /// The file that event was moved to; it may have been moved since.
    public private(set) var file = ""
    /// What the first event is chained to.
    private(set) var digest = Digest.zero

    /// Where no log gets: a million events a second for thirty thousand years.
    private static let beyondAll = 1 << 60

    /// Before the first event ever.
    static let none = LogStart()

    private init() {}

    init(position: Int, atMicroseconds: Int64, file: String, digest: Digest) {
        (self.position, self.atMicroseconds, self.file, self.digest) = (position, atMicroseconds, file, digest)
    }

    init(_ db: Database) throws {
        // A file of an earlier schema is looked at as it is, too.
        guard try db.tableExists("archives"),
            let row = try Row.fetchOne(
                db, sql: "SELECT position, at_us, file, digest FROM archives ORDER BY position DESC LIMIT 1")
        else { return }
        guard let position = Int.fromDatabaseValue(row[0]), (0..<Self.beyondAll).contains(position),
            let at = Int64.fromDatabaseValue(row[1]),
            let file = String.fromDatabaseValue(row[2]), let digest = Data.fromDatabaseValue(row[3])
        else {
            throw DatabaseError(
                resultCode: .SQLITE_CORRUPT, message: "the last row of archives holds what no archive has")
        }
        (self.position, atMicroseconds, self.file) = (position, at, file)
        self.digest = Digest(bytes: digest)
    }

    /// Throws when the event lies in what was archived, and names the file that holds it.
    func requireReached(by position: Int, _ db: Database) throws {
        guard self.position > 0, position < self.position else { return }
        throw try archived(db, where: "position >= ?", Int64(position))
    }

    /// The same of a moment, wall time since 1970.
    func requireReached(byMicroseconds microseconds: Int64, _ db: Database) throws {
        guard position > 0, microseconds < atMicroseconds else { return }
        throw try archived(db, where: "at_us >= ?", microseconds)
    }

    private func archived(
        _ db: Database, where condition: String, _ value: Int64
    ) throws -> LogFailure {
        var statement = try QuickStatement(
            db, "SELECT position, at_us, file FROM archives WHERE \(condition) ORDER BY position LIMIT 1")
        statement.bind(value)
        return try statement.first {
            .archived(through: $0.int(0), atMicroseconds: Int64($0.int(1)), file: $0.text(2))
        } ?? .archived(through: position, atMicroseconds: atMicroseconds, file: file)
    }
}

/// What the archived events of a controller led to: where its fold begins.
struct Base {
    var state: ControllerState
    /// Of the controller's last archived event.
    var digest: Digest

    static func load(_ stream: ControllerName, _ db: Database) throws -> Base? {
        guard try db.tableExists("bases"),
            let row = try Row.fetchOne(
                db.cachedStatement(sql: "SELECT state, digest, format FROM bases WHERE stream = ?"),
                arguments: [stream.rawValue])
        else { return nil }
        guard let stored = String.fromDatabaseValue(row[0]), let digest = Data.fromDatabaseValue(row[1]),
            let state: ControllerState = try? EventCodec.value(stored)
        else {
            throw LogFailure.unreadableBase(stream: stream.rawValue, format: Int.fromDatabaseValue(row[2]) ?? 0)
        }
        return Base(state: state, digest: Digest(bytes: digest))
    }

    /// What the events in a file led to, of every controller there is: where a log begins that goes on from it.
    static func ends(of db: Database, path: String) throws -> [Base] {
        try db.streams().compactMap(ControllerName.init(rawValue:)).map { name in
            guard let head = try StreamHead.fetch(name, db),
                let state = try Snapshots.load(name, notAfter: head.version, db)
            else { throw LogFailure.other(path: path, reason: "it holds no state of controller \(name)") }
            return Base(state: state, digest: head.digest)
        }
    }

    /// As it is kept in `bases`: stream, version, digest, format, state.
    var row: [any DatabaseValueConvertible] {
        get throws { [state.name.rawValue, state.version, digest.bytes, Snapshots.format, try EventCodec.json(state)] }
    }

    /// Names of the controllers that have archived events.
    static func streams(_ db: Database) throws -> [String] {
        guard try db.tableExists("bases") else { return [] }
        return try String.fetchAll(db, sql: "SELECT stream FROM bases ORDER BY stream")
    }
}

extension ControllerState {
    /// The state that a controller's events in this file begin with.
    init(beginning stream: ControllerName, _ db: Database) throws {
        self = try Base.load(stream, db)?.state ?? ControllerState(name: stream)
    }
}

extension Database {
    /// Position of the last event, be it in this file or archived; 0 before the first.
    func lastPosition() throws -> Int {
        try Int.fetchOne(self, sql: "SELECT max(position) FROM events") ?? LogStart(self).position
    }

    /// The same with its digest, which the next is chained to.
    func lastEvent() throws -> (position: Int, digest: Digest) {
        let last = try QuickStatement(self, "SELECT position, digest FROM events ORDER BY position DESC LIMIT 1")
            .first { (position: $0.int(0), digest: Digest(bytes: $0.data(1))) }
        if let last { return last }
        let start = try LogStart(self)
        return (start.position, start.digest)
    }

    /// Every controller that has events, be they in this file or archived.
    func streams() throws -> [String] {
        Set(try String.fetchAll(self, sql: "SELECT DISTINCT stream FROM events")).union(try Base.streams(self)).sorted()
    }
}

extension EventLog {
    /// Where the log in this file begins.
    public func start() throws(LogFailure) -> LogStart { try reading { try LogStart($0) } }

    /// What keeps an archive from being what this log goes on from: a sentence for each thing; empty when it is.
    ///
    /// An archive made earlier than the last one is what that one goes on from, and not this log.
    public func differences(fromArchive archive: EventLog) throws(LogFailure) -> [String] {
        try reading { db in
            let start = try LogStart(db)
            return try archive.queue.read { old in
                guard try old.logID() == db.logID() else { return ["it is of another log"] }
                let end = try Row.fetchOne(
                    old, sql: "SELECT position, digest FROM events ORDER BY position DESC LIMIT 1")
                guard let end, start.position == end[0] else {
                    let last = try old.lastPosition()
                    return ["it ends at event \(last), and the log begins after event \(start.position)"]
                }
                guard start.digest == Digest(bytes: end[1]) else {
                    return ["its last event is not the one that the log's first is chained to"]
                }
                let states = try db.streams().compactMap(ControllerName.init(rawValue:)).compactMap {
                    name -> String? in
                    let base = try ControllerState(beginning: name, db)
                    let folded = try Snapshots.load(name, notAfter: .max, old) ?? ControllerState(name: name)
                    return folded == base ? nil : "its events of \(name) did not lead to what the log begins with"
                }
                return try states + ArchiveComparison(log: db, archive: old).problems
            }
        }
    }

    /// Files that hold the archived events after a position, in order, each with the last position it holds.
    public func archives(after position: Int) throws(LogFailure) -> [(file: String, through: Int)] {
        try reading { db in
            try Row.fetchAll(
                db, sql: "SELECT file, position FROM archives WHERE position > ? ORDER BY position",
                arguments: [position]
            ).map { ($0[0], $0[1]) }
        }
    }

    /// How long the starts of each controller took, microseconds, oldest first, of those in this file.
    public func startsMicroseconds() throws(LogFailure) -> [ControllerName: [Int64]] {
        try reading { db in
            let rows = try QuickStatement(
                db,
                """
                SELECT stream, json_extract(payload, '$.tookMicroseconds') FROM events
                WHERE type = 'controller.started' ORDER BY position
                """)
            var starts: [ControllerName: [Int64]] = [:]
            while let row = try rows.next() {
                guard let name = ControllerName(rawValue: row.shown(0)) else { continue }
                starts[name, default: []].append(Int64(row.int(1)))
            }
            return starts
        }
    }

    /// The same of the starts that were archived. Files that are not where they were written tell nothing.
    ///
    /// - Returns: also which files those are.
    public func archivedStartsMicroseconds() throws(LogFailure) -> (
        starts: [ControllerName: [Int64]], notThere: [String]
    ) {
        var starts: [ControllerName: [Int64]] = [:]
        var notThere: [String] = []
        for archive in try archives(after: 0) {
            guard let file = try? EventLog.reading(file: archive.file), file.logID == logID,
                let found = try? file.startsMicroseconds()
            else {
                notThere.append(archive.file)
                continue
            }
            starts.merge(found) { $0 + $1 }
        }
        return (starts, notThere)
    }

    /// The states that the events in this file begin with, of the controllers that have archived events.
    ///
    /// - Parameter controller: only of this one; nil for all.
    public func bases(of controller: ControllerName? = nil) throws(LogFailure) -> [ControllerName: ControllerState] {
        try reading { db in
            let names = try controller.map { [$0] } ?? Base.streams(db).compactMap(ControllerName.init(rawValue:))
            return Dictionary(
                uniqueKeysWithValues: try names.compactMap { try Base.load($0, db)?.state }.map { ($0.name, $0) })
        }
    }
}

import CGatheredWrites
import Foundation
import GRDB
import Lifecycle
import Synchronization

/// The log: one SQLite file that several processes append to and read at once.
///
/// What it promises: an event that ``submit(_:to:by:commandID:)`` returned is on disk
/// (`synchronous=FULL`, law L1); positions and stream versions have no holes; every event carries the
/// digest of the one before it; projections, deadlines and snapshots are written in the transaction of
/// the events they follow from, so no reader ever sees one without the other (law L2).
///
/// What can go wrong: the database is locked by somebody else, the disk is full or read-only, the file
/// is not a database or belongs to a newer dwell. Each is a ``LogFailure`` in words, and leaves nothing
/// half done; ``LogFailure/perhapsRecorded(because:)`` is of a command that another process may have written.
public final class EventLog: Sendable {
    let queue: DatabaseQueue
    /// Rung after every commit, so that whoever waits need not poll.
    public let bell: CommitBell
    /// Whose log it is; nil for one that is only read.
    let home: Home?
    /// Identifies this log in the cookies of the processes started from it.
    public let logID: String
    /// What its events are called elsewhere.
    public let source: EventSource
    /// Path of its file.
    public let path: String
    /// What was opened, to see whether it is still what is there.
    let files: OpenFiles
    let transaction: DurableTransaction
    /// How long what was decided before its turn may be under way.
    let greatestAgeOfOffersMicroseconds: Int64
    /// What of its home was open to others until it was opened, in sentences.
    public let closed: [String]
    let cache = Mutex<[ControllerName: CachedState]>([:])
    /// Position of an event that the log must hold; nil before the first write. See ``requireEnd(_:_:)``.
    let knownEnd = Mutex<Int?>(nil)

    /// Opens the log in `home`, creating and migrating it as needed.
    ///
    /// - Parameter busyTimeoutSeconds: how long to wait for a lock somebody else holds.
    /// - Throws: ``LogFailure``.
    public convenience init(home: Home, busyTimeoutSeconds: Double = 5) throws(LogFailure) {
        try self.init(home: home, busyTimeoutSeconds: busyTimeoutSeconds, turnPatienceMilliseconds: 1_000)
    }

    /// - Parameter turnPatienceMilliseconds: how long to stand in the line of writers behind one that does not move.
    init(home: Home, busyTimeoutSeconds: Double, turnPatienceMilliseconds: CInt) throws(LogFailure) {
        do {
            let path = home.database
            self.path = path
            self.home = home
            if let failure = Self.missingEvents(home) { throw failure }
            // Read before the log: it may be behind what is read then, and never ahead.
            let witness = CommitBell(path: home.commitBell).witness
            closed = try home.prepare()
            gathered_writes_install()
            queue = try Self.open(path, busyTimeoutSeconds)
            try queue.writeWithoutTransaction { db in
                // Until it is known to be whole: `repair` reads more of a WAL than SQLite does.
                gathered_writes_keep_wal(db.pointer, 1)
                // What looks like nothing is not to be written to either.
                if let witness, witness.position > 0, try !db.tableExists("events") {
                    throw LogFailure.eventsLost(path: path, there: 0, acknowledged: witness.position)
                }
                // A database that was just made is not to be in its WAL alone.
                if try Migrator(path: path).migrate(db) { _ = try? db.checkpoint() }
            }
            // Without it the processes of two homes could not be told apart.
            let (id, source, last, problem) = try queue.readAtOneMoment { db in
                let id = try db.requiredLogID(path: path)
                return (id, try EventSource(logID: id, db), try db.lastPosition(), try witness?.problem(with: db))
            }
            logID = id
            self.source = source
            bell = CommitBell(path: home.commitBell)
            greatestAgeOfOffersMicroseconds = Int64(turnPatienceMilliseconds) * 1_000 + 4_000_000
            transaction = DurableTransaction(home: home, turnPatienceMilliseconds: turnPatienceMilliseconds)
            files = try OpenFiles(path, isWritten: true)
            if let witness {
                // One that is empty may have been begun anew in the place of one that is lost.
                if witness.logID == logID ? witness.position > last : last == 0 {
                    throw LogFailure.eventsLost(path: path, there: last, acknowledged: witness.position)
                }
                if let problem { throw LogFailure.anotherLog(path: path, problem) }
            }
            queue.writeWithoutTransaction { gathered_writes_keep_wal($0.pointer, 0) }
        } catch {
            throw LogFailure(error, path: home.database)
        }
    }

    /// A log that is only read; see ``reading(file:)``.
    init(reading queue: DatabaseQueue, path: String) throws {
        self.queue = queue
        (logID, source) = try queue.readAtOneMoment { db in
            let id = try db.requiredLogID(path: path)
            return (id, try EventSource(logID: id, db))
        }
        self.path = path
        home = nil
        // Nobody writes through it, so there is no bell to ring.
        bell = CommitBell(path: "")
        closed = []
        transaction = DurableTransaction(readOnly: path)
        greatestAgeOfOffersMicroseconds = 0
        files = try OpenFiles(path, isWritten: false)
    }

    /// Opens the database. Turning WAL on does not wait for a lock by itself, so when several programs
    /// find no database and make one at the same moment, those that come second try again.
    private static func open(_ path: String, _ busyTimeoutSeconds: Double) throws -> DatabaseQueue {
        let limit = ContinuousClock.now + .seconds(busyTimeoutSeconds)
        while true {
            do {
                return try DatabaseQueue(path: path, configuration: configuration(busyTimeoutSeconds))
            } catch let error as DatabaseError
                where error.resultCode == .SQLITE_BUSY && ContinuousClock.now < limit
            {
                usleep(10_000)
            }
        }
    }

    /// Of a page of a log that is begun; half of SQLite's own choice, with which earlier dwells began theirs. An event changes a
    /// few bytes of each of eight pages, and every page goes to the WAL whole: with a checksum, a copy and its part of the sync.
    static let pageBytes = 2_048

    private static func configuration(_ busyTimeoutSeconds: Double) -> Configuration {
        var configuration = Configuration()
        configuration.busyMode = BusyWait(seconds: busyTimeoutSeconds).mode
        configuration.label = "dwell"
        configuration.prepareDatabase { db in
            // Set here and not by GRDB, which would choose synchronous=NORMAL together with WAL: an
            // acknowledged event could then vanish at a power cut (law L1).
            try db.execute(
                sql: """
                    PRAGMA page_size = \(pageBytes); PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
                    PRAGMA wal_autocheckpoint = \(DurableTransaction.checkpointFrames)
                    """)
            guard try Int.fetchOne(db, sql: "PRAGMA synchronous") == 2 else { throw LogFailure.notDurable }
        }
        return configuration
    }

    /// Everything that is written to the log after it was opened is written here: in a transaction that holds the lock
    /// from its beginning, when its turn has come, and durable when this returns.
    func writing<Value>(_ body: (Database) throws -> Value) throws(LogFailure) -> Value {
        do {
            try files.check()
            let value = try queue.writeWithoutTransaction { db in try transaction.run(db) { try body(db) } }
            // Once more: what went to a file that is not there any more is not acknowledged.
            try files.check()
            return value
        } catch {
            throw LogFailure(error, path: queue.path)
        }
    }

    /// The same, together with others who stand in the line; see ``DurableTransaction``.
    ///
    /// - Parameter offering: makes the bytes of an ``Offer`` of what is read at one moment, while it waits. Why it cannot does not
    ///   matter: `body` will tell.
    func writing<Value>(
        offering: (Database) throws -> [UInt8]?,
        telling: (DurableTransaction.Written<Value>, OfferAnswer?) -> Void, _ body: (Database) throws -> Value
    ) throws(LogFailure) -> DurableTransaction.Written<Value> {
        do {
            try files.check()
            var isChecked = false
            let written = try queue.writeWithoutTransaction { db in
                try transaction.run(
                    db, offering: { try? db.atOneMoment { try offering(db) } }, writing: { try write($0, db) },
                    telling: {
                        // What went to a file that is not there any more is told to nobody.
                        try files.check()
                        isChecked = true
                        telling($0, $1)
                    }
                ) { try body(db) }
            }
            // Whoever has written it has looked at what it had open itself.
            if !isChecked { try files.check() }
            return written
        } catch {
            throw LogFailure(error, path: queue.path)
        }
    }

    /// What was read so far is on disk when this returns. A command is read by others a moment before it is on disk and
    /// acknowledged; who tells somebody outside of what they read calls this first.
    public func sync() throws(LogFailure) {
        do {
            try queue.writeWithoutTransaction { db in try transaction.sync(db) }
        } catch {
            throw LogFailure(error, path: path)
        }
    }

    /// Rings for the last event there is, whoever wrote it. Once it is on disk: the bell is never ahead of that.
    func ringForLastEvent() throws(LogFailure) {
        let last = try reading { try $0.lastEvent() }
        try sync()
        bell.ring(position: last.position, digest: last.digest, logID: logID)
    }
}

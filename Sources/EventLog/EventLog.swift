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
/// half done.
public final class EventLog: Sendable {
    let queue: DatabaseQueue
    /// Rung after every commit, so that whoever waits need not poll.
    public let bell: CommitBell
    /// Whose log it is; nil for one that is only read.
    private let home: Home?
    /// Identifies this log in the cookies of the processes started from it.
    public let logID: String
    /// What its events are called elsewhere.
    public let source: EventSource
    /// Path of its file.
    public let path: String
    /// What was opened, to see whether it is still what is there.
    let files: OpenFiles
    let transaction: DurableTransaction
    /// What of its home was open to others until it was opened, in sentences.
    public let closed: [String]
    private let cache = Mutex<[ControllerName: CachedState]>([:])
    /// Position of an event that the log must hold; nil before the first write. See ``requireEnd(_:_:)``.
    let knownEnd = Mutex<Int?>(nil)

    /// A state this process has folded already, valid while the stream's head has this digest.
    private struct CachedState {
        var state: ControllerState
        var digest: Digest
    }

    /// Opens the log in `home`, creating and migrating it as needed.
    ///
    /// - Parameter busyTimeoutSeconds: how long to wait for a lock somebody else holds.
    /// - Throws: ``LogFailure``.
    public init(home: Home, busyTimeoutSeconds: Double = 5) throws(LogFailure) {
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
            transaction = DurableTransaction(home: home)
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

    private static func configuration(_ busyTimeoutSeconds: Double) -> Configuration {
        var configuration = Configuration()
        configuration.busyMode = BusyWait(seconds: busyTimeoutSeconds).mode
        configuration.label = "dwell"
        configuration.prepareDatabase { db in
            // Set here and not by GRDB, which would choose synchronous=NORMAL together with WAL: an
            // acknowledged event could then vanish at a power cut (law L1).
            try db.execute(
                sql: """
                    PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
                    PRAGMA wal_autocheckpoint = \(DurableTransaction.checkpointFrames)
                    """)
            guard try Int.fetchOne(db, sql: "PRAGMA synchronous") == 2 else { throw LogFailure.notDurable }
        }
        return configuration
    }

    /// The one door through which events enter the log: reads the state, decides, appends, projects,
    /// commits, rings. When it returns, the events are durable.
    ///
    /// - Parameter commandID: the same id twice is one command (law L6): the second time nothing is
    ///   decided, and the receipt says so.
    /// - Throws: ``SubmitError``: a rejection by the rules, or a failure of the log.
    @discardableResult
    public func submit(
        _ command: Command, to controller: ControllerName, by author: Author, commandID: String? = nil
    ) throws(SubmitError) -> Receipt {
        let outcome: Result<Receipt, Rejection>
        do throws(LogFailure) {
            outcome = try submitTogether([Submission(command, commandID: commandID)], to: controller, by: author)[0]
        } catch {
            throw .failed(error)
        }
        do throws(Rejection) {
            return try outcome.get()
        } catch {
            throw .rejected(error)
        }
    }

    /// The same for several commands, one after the other in one transaction: a disk takes as long to sync one as to
    /// sync ten. Each is decided on what those before it led to; one that is rejected writes nothing.
    ///
    /// - Returns: what became of each, in their order; not before all is durable.
    public func submitTogether(
        _ submissions: [Submission], to controller: ControllerName, by author: Author
    ) throws(LogFailure) -> [Result<Receipt, Rejection>] {
        let (outcomes, last) = try writing { db in
            // Taken inside the transaction: what is decided is decided at this moment and no earlier.
            try append(submissions, to: controller, by: author, at: try Clock.now(), db)
        }
        if let last { remember(last.state, last.head) }
        let position = outcomes.lazy.compactMap { (try? $0.get())?.events.last?.position }.max()
        if let position {
            rememberEnd(position)
            bell.ring(position: position, digest: last?.head, logID: logID)
        }
        if let home { ServiceBell.ring(home: home, outcomes.compactMap { try? $0.get() }) }
        return outcomes
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

    private func append(
        _ submissions: [Submission], to controller: ControllerName, by author: Author, at now: Instant, _ db: Database
    ) throws -> ([Result<Receipt, Rejection>], last: (state: ControllerState, head: Digest)?) {
        var last: (state: ControllerState, head: Digest)?
        let outcomes: [Result<Receipt, Rejection>] = try submissions.enumerated().map { index, submission in
            do {
                let (receipt, head) = try append(
                    submission.command, on: try last?.state ?? loadState(of: controller, db), by: author,
                    commandID: submission.commandID, at: now, isLast: index == submissions.endIndex - 1, db)
                if let head { last = (receipt.state, head) }
                return .success(receipt)
            } catch let rejection as Rejection {
                return .failure(rejection)
            }
        }
        return (outcomes, last)
    }

    /// Decides one command on `state`, the one at the head of its stream, and writes down what it leads to.
    ///
    /// - Parameter isLast: whether nothing else is decided in its transaction.
    func append(
        _ command: Command, on state: ControllerState, by author: Author, commandID: String?, at now: Instant,
        isLast: Bool = false, _ db: Database
    ) throws -> (Receipt, head: Digest?) {
        let controller = state.name
        // Before anything is decided: what was asked for may be refused for want of what is missing.
        try requireEndAtFirst(db)
        if let commandID, try wasSubmitted(commandID, to: controller, db) {
            return (Receipt(state: state, events: [], isRepeated: true), head: nil)
        }
        let surroundings = Surroundings(
            now: now, portsTakenElsewhere: try portsTaken(besides: controller, for: command, db),
            actor: author.actor, timeZones: .system)
        let decision = try state.decide(command, surroundings)
        guard !decision.events.isEmpty else {
            if let commandID, !command.isReport {
                try CommandsWithoutEvents(db: db).insert(
                    commandID, to: controller, atMicroseconds: surroundings.now.wallMicroseconds)
            }
            return (Receipt(state: state, events: [], isRepeated: false), head: nil)
        }
        var writer = try EventWriter(
            stream: controller, author: author, commandID: commandID,
            cause: try command.causeVersion.flatMap { try position(of: controller, version: $0, db) }, db)
        try requireEnd(writer.lastPosition, db)
        if isLast { transaction.callNext(db) }
        let recorded = try decision.events.map { try writer.write($0, db) }
        try Projector(db: db).project(decision.state, from: state, changedBy: decision.events)
        try Snapshots.store(decision.state, after: decision.events.count, db)
        try Checkpoints.store(
            decision.state, after: decision.events.count, position: recorded.last?.position ?? 0, db)
        return (Receipt(state: decision.state, events: recorded, isRepeated: false), head: writer.lastDigest)
    }

    /// Keeps the state of a stream whose head has this digest.
    func remember(_ state: ControllerState, _ head: Digest) {
        cache.withLock { $0[state.name] = CachedState(state: state, digest: head) }
    }

    /// The controller's state at the head of its stream: cached, or snapshot and tail.
    func loadState(of controller: ControllerName, _ db: Database) throws -> ControllerState {
        guard let head = try StreamHead.fetch(controller, db) else {
            return ControllerState(name: controller)
        }
        let cached = cache.withLock { $0[controller] }
        if let cached, cached.digest == head.digest { return cached.state }
        var state =
            try cached.flatMap { try isPrefix($0, of: head, db) ? $0.state : nil }
            ?? Snapshots.load(controller, notAfter: head.version, db) ?? ControllerState(beginning: controller, db)
        let events = try StoredEvents(
            db, where: "stream = ? AND version > ? ORDER BY version", arguments: [controller.rawValue, state.version])
        while let event = try events.next() { state.apply(try events.event(event), event.stamp) }
        guard state.version == head.version else {
            throw LogFailure.corrupt(
                path: queue.path,
                reason: "the events of \(controller) lead to number \(state.version), and its last is \(head.version)")
        }
        cache.withLock { $0[controller] = CachedState(state: state, digest: head.digest) }
        return state
    }

    /// Whether the stream goes on where the cached state ends, and not so far that a snapshot would be quicker. To read
    /// a snapshot takes a time that grows with the services there are, and every process of a controller would take
    /// it after each event.
    private func isPrefix(_ cached: CachedState, of head: StreamHead, _ db: Database) throws -> Bool {
        let behind = head.version &- cached.state.version
        guard behind > 0, behind <= 2 * Snapshots.interval else { return false }
        return try StreamHead.digest(of: cached.state.name, at: cached.state.version, db) == cached.digest
    }

    private func wasSubmitted(_ commandID: String, to controller: ControllerName, _ db: Database) throws -> Bool {
        try Bool.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT EXISTS (SELECT 1 FROM events WHERE stream = ?1 AND command_id = ?2)
                        OR EXISTS (SELECT 1 FROM commands_without_events WHERE stream = ?1 AND command_id = ?2)
                    """),
            arguments: [controller.rawValue, commandID]) ?? false
    }

    private func position(of controller: ControllerName, version: Int, _ db: Database) throws -> Int? {
        for sql in [
            "SELECT position FROM events WHERE stream = ? AND version = ?",
            "SELECT position FROM archived_causes WHERE stream = ? AND version = ?",
        ] {
            var statement = try QuickStatement(db, sql)
            statement.bind(controller.rawValue)
            statement.bind(version)
            if let position = try statement.first({ $0.int(0) }) { return position }
        }
        return nil
    }
}

import CGatheredWrites
import Foundation
import GRDB
import GRDBSQLite

/// How what is written gets to the disk: in a transaction that is committed in its turn, which shows it to others and
/// lets the next writer in, and is synced when the lock is free again. Nobody is told of it before that (law L1), and
/// whoever acts outside of this machine on what others have written syncs it first. So many who write at once share the
/// syncs of the disk, and wait for each other only for as long as they write. Whoever has written for others has them
/// wait until it is synced, and then tells them.
///
/// Whoever is let in meanwhile and builds upon it syncs the same file, and with it all that lies before; see
/// `CGatheredWrites`.
struct DurableTransaction: Sendable {
    private let path: String
    private let turn: WritersTurn
    /// A file that is there while a sync has failed and what it was to bring to the disk was not written anew: for
    /// those who open the log later, whom the kernel does not tell.
    private let doubt: String

    init(home: Home, turnPatienceMilliseconds: CInt) {
        path = home.database
        turn = WritersTurn(path: home.writersTurn, patienceMilliseconds: turnPatienceMilliseconds)
        doubt = home.doubt
    }

    /// For a log that is only read.
    init(readOnly path: String) {
        self.path = path
        turn = WritersTurn(path: "", patienceMilliseconds: 0)
        doubt = ""
    }

    /// Runs `body` in a transaction that holds the write lock from its beginning, so that what it reads is what it
    /// writes upon. On disk when this returns.
    ///
    /// - Throws: what `body` throws, and then nothing is written; ``LogFailure/unsynced(path:)``, and then it is.
    func run<Value>(_ db: Database, _ body: () throws -> Value) throws -> Value {
        try requireNoDoubt(db)
        let value = try turn.taken { try commit(db, body) }
        try sync(db)
        return value
    }

    /// The same, together with others: `body` need not run when what it leads to was decided while it waited, and is written
    /// as an offer, by somebody in front of it in the line or by itself. So are offers of those behind it.
    ///
    /// - Parameters:
    ///   - offering: the bytes of an ``Offer``, made when it has to wait.
    ///   - writing: writes offers in this transaction; for each its answer, or nil when it could not be written now. When it
    ///     throws nothing of the transaction stays, and `body` runs again by itself.
    ///   - telling: called when all is on disk and before anybody is told, with the answer to the last of those offers. When it
    ///     throws nobody is told, and they look for themselves.
    func run<Value>(
        _ db: Database, offering: () -> [UInt8]?, writing: ([[UInt8]]) throws -> [OfferAnswer?],
        telling: (Written<Value>, OfferAnswer?) throws -> Void, _ body: () throws -> Value
    ) throws -> Written<Value> {
        try requireNoDoubt(db)
        var own: [UInt8]?
        let coming = turn.take {
            own = offering()
            return own
        }
        defer { turn.giveBack() }
        switch coming {
        case .isAnswered(let answer): return .asOffered(answer)
        case .hasTurn: break
        case .hasNoPatience: own = nil
        }
        var answers: [(offer: PostedOffer, answer: OfferAnswer)] = []
        var isAtOffers = false
        var written: Written<Value>
        do {
            written = try commit(db) {
                // First, for they were decided before what is decided now.
                isAtOffers = true
                let others = turn.offers()
                if own != nil { callNext(db) }
                let found = try writing(others.map(\.bytes) + (own.map { [$0] } ?? []))
                answers = zip(others, found).compactMap { offer, answer in answer.map { (offer, $0) } }
                if own != nil, let answer = found.last ?? nil { return .asOffered(answer) }
                isAtOffers = false
                return .byUs(try body())
            }
        } catch  where isAtOffers {
            answers = []
            written = .byUs(try commit(db, body))
        }
        // With nobody to be told, others may write while this is synced.
        if answers.isEmpty { turn.giveBack() }
        try sync(db)
        try telling(written, answers.map(\.answer).max { $0.firstPosition < $1.firstPosition })
        turn.answer(answers)
        return written
    }

    /// How what was to be written has been.
    enum Written<Value> {
        case byUs(Value)
        case asOffered(OfferAnswer)
    }

    private func requireNoDoubt(_ db: Database) throws {
        guard gathered_writes_is_in_doubt(db.pointer) != 0 || access(doubt, F_OK) == 0 else { return }
        switch writeAnew(db) {
        case .isOnDisk: break
        case .isInDoubt:
            throw LogFailure.inputOutput(path: path, reason: "it does not sync what was recorded before")
        case .isLocked(let error): throw error
        }
    }

    /// Called within a transaction when all that remains is to write: lets the next in line wake up meanwhile, which takes
    /// about as long. It finds SQLite's lock held for a moment still; see ``BusyWait``.
    ///
    /// Not when the commit may do a checkpoint. Nobody else is to write meanwhile, or the WAL cannot begin anew, and grows.
    func callNext(_ db: Database) {
        if (0..<Self.checkpointFrames - Self.mostOfACommit).contains(gathered_writes_frames(db.pointer)) {
            turn.giveBackEarly()
        }
    }

    /// A commit after which the WAL has so many frames does a checkpoint (wal_autocheckpoint, SQLite's own choice).
    static let checkpointFrames: Int64 = 1_000
    /// Larger ones are few: the checkpoint of one may be in vain, and the next commit does it.
    private static let mostOfACommit: Int64 = 100

    /// The first step: shown to others, and perhaps not on disk.
    func commit<Value>(_ db: Database, _ body: () throws -> Value) throws -> Value {
        try QuickStatement(db, "BEGIN IMMEDIATE").run()
        // Allowed because the sync follows, and because SQLite asks for one at every commit: synchronous=FULL.
        gathered_writes_begin(db.pointer)
        do {
            let value = try body()
            try QuickStatement(db, "COMMIT").run()
            gathered_writes_end(db.pointer, 1)
            return value
        } catch {
            gathered_writes_end(db.pointer, 0)
            // Some errors have ended it already; why it failed is told, and not that it could not be rolled back.
            if db.isInsideTransaction { try? QuickStatement(db, "ROLLBACK").run() }
            throw error
        }
    }

    /// The second: what this connection has committed is on disk, and what it has read. Also a transaction that wrote
    /// nothing ends with it: that a service is down already may be the word of somebody who has not come to his sync.
    func sync(_ db: Database) throws {
        guard gathered_writes_sync(db.pointer) != SQLITE_OK else { return }
        guard case .isOnDisk = writeAnew(db) else { throw LogFailure.unsynced(path: path) }
    }

    /// What has become of what a sync that failed was to bring to the disk.
    private enum Rewriting {
        case isOnDisk
        case isInDoubt
        /// It was not tried, for somebody else has the lock.
        case isLocked(any Error)
    }

    /// A sync that fails leaves pages that the kernel takes for written, so that to sync again would succeed and mean
    /// nothing. They are written again first, with nobody else at the file.
    private func writeAnew(_ db: Database) -> Rewriting {
        // Those who wait for what was to be synced are not told, and come to the line anew as this one does.
        turn.giveBack()
        return turn.taken {
            var outcome = Rewriting.isInDoubt
            do {
                try QuickStatement(db, "BEGIN IMMEDIATE").run()
                defer { try? QuickStatement(db, "ROLLBACK").run() }
                if gathered_writes_sync_anew(db.pointer) == SQLITE_OK {
                    unlink(doubt)
                    return .isOnDisk
                }
            } catch {
                // It stays in doubt, and the next one tries.
                outcome = .isLocked(error)
            }
            if let descriptor = try? HomeFile.open(doubt, O_WRONLY | O_CREAT) { close(descriptor) }
            return outcome
        }
    }
}

extension Database {
    var pointer: UnsafeMutableRawPointer? { sqliteConnection.map { UnsafeMutableRawPointer($0) } }
}

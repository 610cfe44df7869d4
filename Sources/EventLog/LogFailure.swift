import Foundation
import GRDB
import GRDBSQLite

/// What can go wrong with the log, in words for the person at the terminal: what, where, what to do.
public enum LogFailure: Error, Hashable, Sendable {
    case busy(path: String)
    case full(path: String)
    case readOnly(path: String)
    case cannotOpen(path: String, reason: String)
    case inputOutput(path: String, reason: String)
    /// The disk would not sync what was recorded.
    case unsynced(path: String)
    /// Of a command that another process may have written, or may write still; why it could not be looked.
    indirect case perhapsRecorded(because: LogFailure)
    case corrupt(path: String, reason: String)
    case notALog(path: String)
    /// Something else than a file is in the place of the home's log.
    case notAFile(path: String, reason: String)
    case newerSchema(path: String, found: Int, known: Int)
    case changedMigration(path: String, number: Int)
    case unreadableEvent(position: Int, reason: String)
    /// What the archived events of a controller led to was kept by another build.
    case unreadableBase(stream: String, format: Int)
    /// No event is before the moment that was named; `first`: the wall time of the first there is.
    case nothingToArchive(first: Int64?)
    /// A receiver of notices is still to be told of an event.
    case undelivered(position: Int, receiver: String)
    /// Somebody else archived the same events.
    case archivedMeanwhile
    /// What was asked for is in another file.
    case archived(through: Int, atMicroseconds: Int64, file: String)
    /// Its file, or its WAL, was moved or removed while it was open.
    case replaced(path: String)
    /// Its WAL is shorter than those who use it know it to be.
    case cutWAL(path: String)
    /// Its file, or one beside it, is closed to who asks.
    case closed(path: String, mode: UInt32)
    /// Nobody knows whether events that are in an archive are still in the log.
    case archiveKept(file: String, reason: String)
    /// It ends before what was acknowledged.
    case eventsLost(path: String, there: Int, acknowledged: Int)
    /// It is not the log that was written last in this home.
    case anotherLog(path: String, String)
    /// The tables know of events that the log does not hold any more.
    case endMissing(ClosedRange<Int>)
    /// An event, or what is kept of those that were archived, is not as it was written.
    case changed(String)
    /// There is no file, and events were acknowledged.
    case gone(path: String, acknowledged: Int, bell: String)
    case notDurable
    case noBootID
    case other(path: String, reason: String)

    /// Translates whatever was thrown below into the user's words.
    init(_ error: any Error, path: String) {
        switch error {
        case let failure as LogFailure: self = failure
        case let failure as HomeFailure:
            self = Self.closed([failure.path]) ?? .cannotOpen(path: failure.path, reason: failure.reason)
        case let error as DatabaseError: self = Self.translate(error, path: path)
        case is RowDecodingError:
            self = .corrupt(path: path, reason: "a value is none of its column's kind; dwell verify says where")
        default: self = .other(path: path, reason: Self.firstLine("\(error)"))
        }
    }

    private static func translate(_ error: DatabaseError, path: String) -> LogFailure {
        // A VFS that fails in a way of its own may leave no message behind.
        let message = error.message.flatMap { $0 == "not an error" ? nil : $0 }
        let reason = firstLine(message ?? String(cString: sqlite3_errstr(error.extendedResultCode.rawValue)))
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED: return .busy(path: path)
        case .SQLITE_FULL: return .full(path: path)
        case .SQLITE_READONLY, .SQLITE_PERM: return .readOnly(path: path)
        case .SQLITE_CANTOPEN:
            return closed(LogFile.suffixes.map { path + $0 }) ?? .cannotOpen(path: path, reason: reason)
        // Of the database's own file a page that is not there is empty: it is one of the WAL.
        case .SQLITE_IOERR where error.extendedResultCode == .SQLITE_IOERR_SHORT_READ: return .cutWAL(path: path)
        case .SQLITE_IOERR:
            // A short write is how a full disk looks when it fills in the middle of one.
            return [.SQLITE_IOERR_WRITE, .SQLITE_IOERR_SHMSIZE].contains(error.extendedResultCode) && isFull(path)
                ? .full(path: path) : .inputOutput(path: path, reason: reason)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: return .corrupt(path: path, reason: reason)
        default: return .other(path: path, reason: reason)
        }
    }

    /// The first of the files that is there, and that may not be read and written.
    private static func closed(_ paths: [String]) -> LogFailure? {
        for path in paths {
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, access(path, R_OK) != 0,
                status.st_uid == geteuid()
            else { continue }
            return .closed(path: path, mode: UInt32(status.st_mode & 0o777))
        }
        return nil
    }

    /// What some errors say of themselves goes on for many lines.
    private static func firstLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).first.map(String.init) ?? text
    }

    private static func isFull(_ path: String) -> Bool {
        var statistics = statvfs()
        return statvfs(path, &statistics) == 0 && statistics.f_bavail == 0
    }
}

extension LogFailure {
    /// Whether the log itself may be damaged, so that a backup or a repair would help.
    public var isDamage: Bool {
        switch self {
        case .busy, .full, .readOnly, .newerSchema, .changedMigration, .notDurable, .noBootID, .notALog, .notAFile,
            .archived, .nothingToArchive, .archivedMeanwhile, .undelivered, .unreadableBase, .closed, .archiveKept:
            false
        case .cannotOpen, .inputOutput, .unsynced, .corrupt, .unreadableEvent, .replaced, .cutWAL, .eventsLost,
            .anotherLog, .endMissing, .changed, .gone, .other:
            true
        case .perhapsRecorded(let cause): cause.isDamage
        }
    }
}

extension LogFailure {
    /// Whether its sentence ends with what to do.
    public var saysTheWayOn: Bool {
        switch self {
        case .cutWAL, .eventsLost, .anotherLog, .endMissing, .changed, .gone, .closed, .notAFile, .perhapsRecorded:
            true
        case .busy, .full, .readOnly, .cannotOpen, .inputOutput, .unsynced, .corrupt, .notALog, .newerSchema,
            .changedMigration, .unreadableEvent, .unreadableBase, .nothingToArchive, .undelivered, .archivedMeanwhile,
            .archived, .replaced, .archiveKept, .notDurable, .noBootID, .other:
            false
        }
    }
}

extension LogFailure {
    /// Whether the file is another than was meant: not there, no log, or a log of another build.
    public var isOfTheWrongFile: Bool {
        switch self {
        case .cannotOpen, .corrupt, .notALog, .notAFile, .closed, .newerSchema, .changedMigration: true
        case .busy, .full, .readOnly, .inputOutput, .unsynced, .perhapsRecorded, .unreadableEvent, .unreadableBase,
            .nothingToArchive,
            .undelivered, .archivedMeanwhile, .archived, .archiveKept, .replaced, .cutWAL, .eventsLost, .anotherLog,
            .endMissing, .changed, .gone, .notDurable, .noBootID, .other:
            false
        }
    }
}

extension LogFailure {
    /// Whether its sentence is that nothing was changed, or is understood so.
    var saysNothingWasChanged: Bool {
        switch self {
        case .busy, .full, .inputOutput: true
        default: false
        }
    }

    /// What has happened, and not what follows from it.
    private var withoutItsOutcome: String {
        switch self {
        case .busy(let path): "\(path) is locked by another program, perhaps an open transaction in a sqlite3 shell"
        case .full(let path): "no space left on the disk that holds \(path)"
        case .inputOutput(let path, let reason): "the disk that holds \(path) failed: \(reason)"
        case .archivedMeanwhile: "another archive was made meanwhile"
        default: description
        }
    }
}

extension LogFailure: CustomStringConvertible {
    public var description: String {
        switch self {
        case .busy:
            "\(withoutItsOutcome); end it and try again"
        case .full:
            "\(withoutItsOutcome); nothing was changed; make room and try again"
        case .readOnly(let path):
            "cannot write \(path): it, or the folder it is in, is read-only for you"
        case .cannotOpen(let path, let reason): "cannot open \(path): \(reason)"
        case .inputOutput: "\(withoutItsOutcome); nothing was changed"
        case .perhapsRecorded(let cause):
            "it is not known whether this was recorded, for \(cause.withoutItsOutcome); see dwell events before you try again"
        case .unsynced(let path):
            "the disk that holds \(path) failed to sync; what was asked for is recorded, and may be gone after a loss of power; "
                + "look after the disk, then see whether it is there (dwell events)"
        case .corrupt(let path, let reason): "\(path) is damaged or not a database: \(reason)"
        case .notALog(let path): "\(path) is a database, but not one of dwell's"
        case .notAFile(let path, let reason):
            "\(path) is where the log should be, and \(reason); move it away: mv \(path) \(path).away"
        case .newerSchema(let path, let found, let known):
            "\(path) belongs to a newer dwell (schema \(found), this one knows up to \(known)); install that version"
        case .changedMigration(let path, let number):
            "\(path) was made by another build of dwell: migration \(number) has another checksum"
        case .unreadableEvent(let position, let reason): "event \(position) cannot be read: \(reason)"
        case .unreadableBase(let stream, let format):
            format == Snapshots.format
                ? "what the archived events of \(stream) led to is damaged; restore a backup (dwell restore FILE), "
                    + "or take it from the file that they are in: dwell repair --archive FILE"
                : "what the archived events of \(stream) led to cannot be read (format \(format), this build writes \(Snapshots.format)); "
                    + "ask with the dwell that archived them"
        case .nothingToArchive(let first):
            first == nil ? "nothing to archive: the log holds no event" : "nothing to archive: no event is before that"
        case .archivedMeanwhile: "\(withoutItsOutcome); nothing was archived"
        case .undelivered(let position, let receiver):
            "\(receiver) is still to be told of event \(position): archive what is before it, or take the receiver out of config.yaml"
        case .archived(let position, _, let file):
            "events up to \(position) are archived; ask that file: --log \(file)"
        case .replaced(let path):
            "\(path) was moved, removed or replaced while it was open; nothing was recorded; give the command again"
        case .cutWAL(let path):
            "the WAL of \(path) was removed or cut while it was used, and what it alone held is lost; restore a backup "
                + "(dwell restore FILE --stop), or go on with what is there (dwell repair --stop)"
        case .closed(let path, let mode):
            "cannot open \(path): it is closed to you (mode \(String(mode, radix: 8))); to allow it: chmod u+rw \(path)"
        case .archiveKept(let file, let reason):
            "\(reason); \(file) holds the events: keep it until `dwell verify` says whether the log still does"
        case .eventsLost(let path, let there, let acknowledged):
            "\(path) ends at event \(there), but event \(acknowledged) was acknowledged: its WAL was removed, cut or damaged, or it is an older copy; "
                + "restore a backup that holds more (dwell restore FILE), or go on with what is there (dwell repair)"
        case .anotherLog(let path, let problem):
            "\(path) is not the log that this home wrote last: \(problem); put that one back, "
                + "or take this one: move it elsewhere, then dwell restore FILE"
        case .endMissing(let positions):
            LogEnd.sentence(missing: positions)
                + "; restore a backup that holds more (dwell restore FILE), or go on with what is there (dwell repair)"
        case .changed(let sentence):
            "\(sentence); the tables are left as they are, for they were written before it was changed; "
                + "restore a backup (dwell restore FILE), or go on with what is right (dwell repair)"
        case .gone(let path, let acknowledged, let bell):
            "\(path) is gone, and \(acknowledged) events were acknowledged; "
                + "put it back, or restore a backup (dwell restore FILE); to begin anew, remove \(bell)"
        case .notDurable: "SQLite did not accept synchronous=FULL, so nothing would be safe on disk"
        case .noBootID: "cannot read /proc/sys/kernel/random/boot_id, which tells one boot of the machine from another"
        case .other(let path, let reason): "\(path): \(reason)"
        }
    }
}

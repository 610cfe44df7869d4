import Foundation
import GRDB

/// Which file or folder it is, whatever its name. One that is moved or removed while it is open is still open, and what is written
/// to it then is read by nobody; so whoever has the log open looks whether it is still the one that is there.
public struct FileIdentity: Hashable, Sendable {
    private let device: UInt
    let inode: UInt

    public init(_ status: stat) {
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
    }

    /// Nil when there is no such file.
    public init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    public init?(_ descriptor: CInt) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }
}

/// The files of an open log: the database, and its WAL, which stays the same for as long as anybody has the
/// database open.
struct OpenFiles: Sendable {
    private let path: String
    private let walPath: String
    private let database: FileIdentity?
    /// Nil when it is only read, and nobody else has it open: then there may be none.
    private let wal: FileIdentity?

    /// - Parameter isWritten: whether it was opened to be written: then there is a WAL from that moment on, and one that is
    ///   not there was removed meanwhile.
    init(_ path: String, isWritten: Bool) throws(LogFailure) {
        self.path = path
        // SQLite has it beside the file that a link leads to.
        let resolved = realpath(path, nil)
        defer { free(resolved) }
        walPath = (resolved.map { String(cString: $0) } ?? path) + "-wal"
        database = FileIdentity(path)
        wal = FileIdentity(walPath)
        if isWritten, wal == nil { throw LogFailure.replaced(path: path) }
    }

    /// Of the database: tells it from another of the same content.
    var inode: Int { database.map { Int(truncatingIfNeeded: $0.inode) } ?? 0 }

    /// Of the WAL.
    var walInode: Int { wal.map { Int(truncatingIfNeeded: $0.inode) } ?? 0 }

    /// Fails when they are not the ones that are there.
    func check() throws(LogFailure) {
        guard FileIdentity(path) == database, wal == nil || FileIdentity(walPath) == wal else {
            throw LogFailure.replaced(path: path)
        }
    }
}

extension EventLog {
    /// Events that were acknowledged in a home whose database is not there: it must not be begun anew unasked.
    public static func missingEvents(_ home: Home) -> LogFailure? {
        guard access(home.database, F_OK) != 0, let witness = CommitBell(path: home.commitBell).witness else {
            return nil
        }
        return .gone(path: home.database, acknowledged: witness.position, bell: home.commitBell)
    }
}

extension EventLog {
    /// Whether a log was to be made here and was not, for want of room: the file is empty, and no event was ever
    /// acknowledged.
    public static func isUnbegun(_ home: Home) -> Bool {
        var status = stat()
        guard stat(home.database, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size == 0 else {
            return false
        }
        let hasWAL = stat(home.database + "-wal", &status) == 0 && status.st_size > 0
        return !hasWAL && CommitBell(path: home.commitBell).witness == nil
    }
}

extension EventLog {
    /// Whether the file that is there now holds this log, be it another copy of it: what this log started, somebody who
    /// opens that one knows of. Where it cannot be read just now, it is taken to be there.
    public func isThere() -> Bool {
        guard access(queue.path, F_OK) == 0 else { return false }
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(1)
        let found = try? DatabaseQueue(path: queue.path, configuration: configuration).read { db in
            try String.fetchOne(db, sql: "SELECT value FROM meta WHERE key = 'log_id'")
        }
        return found.map { $0 == logID } ?? true
    }
}

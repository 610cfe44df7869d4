import Foundation
import GRDB
import Lifecycle

/// Making a log's file, and putting one in the place of another: what backup, restore and repair share.
enum LogFile {
    /// What the names of a database's files end with: its own, and those that SQLite keeps beside it.
    static let suffixes = ["", "-wal", "-shm", "-journal"]

    /// Sees to it that nothing is there, nor anything that SQLite would take for part of what is written there.
    static func requireNone(_ path: String) throws(HomeFailure) {
        for suffix in suffixes {
            var status = stat()
            guard lstat(path + suffix, &status) == 0 else { continue }
            let reason =
                suffix.isEmpty ? "it exists already" : "\(path + suffix) would be taken for part of it; remove that"
            throw HomeFailure(path: path, reason: reason + ", or name another file")
        }
    }

    /// Removes a log and what SQLite keeps beside it, also what it left there when something failed.
    static func remove(_ path: String) {
        for suffix in suffixes { unlink(path + suffix) }
    }

    /// Makes an empty file for nobody else to read; one that an earlier attempt left is removed.
    static func create(_ path: String) throws {
        remove(path)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw HomeFailure(path) }
        close(descriptor)
    }

    /// Copies a database with SQLite's backup API, as of one moment, while others may write to it. The copy is one
    /// file, without a WAL.
    static func copy(_ source: DatabaseQueue, to path: String) throws(LogFailure) {
        // What is read is on another disk perhaps, and what fails is more often the one that is written to.
        do {
            try create(path)
            let copy = try DatabaseQueue(path: path)
            try source.backup(to: copy)
            try copy.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = DELETE") }
            try copy.close()
            try sync(path)
        } catch {
            throw LogFailure(error, path: path)
        }
    }

    /// Gives what is written under another name its own, and has that on disk; nothing is there when it fails. Unlike
    /// rename, it does not overwrite what somebody has made meanwhile.
    static func publish(_ unfinished: String, as path: String) throws {
        guard link(unfinished, path) == 0 else { throw HomeFailure(path) }
        do {
            try syncFolder(of: path)
        } catch {
            unlink(path)
            throw error
        }
    }

    /// Has what the log in the file goes on with called otherwise than what may have come there before.
    static func beginBranch(_ path: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { try EventSource.beginBranch($0) }
        try queue.close()
        try sync(path)
    }

    /// Has the file on disk when it returns.
    static func sync(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw HomeFailure(path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw LogFailure.inputOutput(path: path, reason: "\(String(cString: strerror(errno))) (fsync)")
        }
    }

    static func syncFolder(of path: String) throws {
        try sync(URL(fileURLWithPath: path).standardizedFileURL.deletingLastPathComponent().path)
    }

    /// Puts `new` in the place of the home's database, which is kept beside it under a name that says why.
    ///
    /// - Returns: where the old one is kept; nil when there was none.
    static func replace(_ home: Home, with new: String, keepingAs why: String) throws -> String? {
        let path = home.database
        let end = try end(of: new)
        var kept: String?
        if access(path, F_OK) == 0 {
            let name = freeName(path + "." + why)
            for suffix in ["", "-wal"] where access(path + suffix, F_OK) == 0 {
                guard link(path + suffix, name + suffix) == 0 else { throw HomeFailure(name + suffix) }
            }
            kept = name
            try syncFolder(of: path)
        }
        // SQLite would take the WAL of the old database for that of the new one.
        for suffix in ["-wal", "-shm"] { unlink(path + suffix) }
        guard rename(new, path) == 0 else { throw HomeFailure(path) }
        try syncFolder(of: path)
        // It tells of the log that was replaced.
        let bell = CommitBell(path: home.commitBell)
        bell.forget()
        if let logID = end.logID { bell.ring(position: end.position, digest: end.digest, logID: logID) }
        ServiceBell.ringAll(home: home)
        return kept
    }

    /// How far a log goes.
    private static func end(of path: String) throws -> (position: Int, digest: Digest, logID: String?) {
        var configuration = Configuration()
        configuration.readonly = true
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? queue.close() }
        return try queue.read { db in
            let last = try db.lastEvent()
            return (last.position, last.digest, try db.logID())
        }
    }

    /// `name`, or `name.2`, `name.3` …: the first that nobody has, nor a file beside it.
    static func freeName(_ name: String) -> String {
        var candidate = name
        var number = 1
        while suffixes.contains(where: { access(candidate + $0, F_OK) == 0 }) {
            number += 1
            candidate = "\(name).\(number)"
        }
        return candidate
    }
}

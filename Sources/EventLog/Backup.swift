import Foundation
import GRDB

/// A copy of the database as it was last committed, made while somebody may hold its write lock: who
/// holds the lock and makes a copy has one of exactly the moment before.
struct Backup {
    private let source: String

    init(of source: String) { self.source = source }

    /// Writes the copy, for nobody else to read; it is there whole and on disk, or not at all.
    func write(to destination: String) throws {
        let unfinished = destination + ".unfinished"
        try? FileManager.default.removeItem(atPath: unfinished)
        defer { try? FileManager.default.removeItem(atPath: unfinished) }
        // Made empty first, for SQLite would let the umask decide who may read it.
        let descriptor = open(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw HomeFailure(unfinished) }
        defer { close(descriptor) }
        var configuration = Configuration()
        configuration.readonly = true
        let reader = try DatabaseQueue(path: source, configuration: configuration)
        try reader.writeWithoutTransaction { db in
            try db.execute(sql: "VACUUM INTO ?", arguments: [unfinished])
        }
        try reader.close()
        guard fsync(descriptor) == 0, rename(unfinished, destination) == 0 else { throw HomeFailure(destination) }
        // A new name is on disk once its folder is.
        try LogFile.syncFolder(of: destination)
    }
}

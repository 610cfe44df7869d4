import Foundation
import GRDB

extension Database {
    /// What tells this log from others; nil when its row is lost.
    func logID() throws -> String? { try String.fetchOne(self, sql: "SELECT value FROM meta WHERE key = 'log_id'") }

    /// The id it had when it was begun.
    func firstLogID() throws -> String? {
        try String.fetchOne(self, sql: "SELECT value FROM meta WHERE key = 'first_log_id'")
    }

    func requiredLogID(path: String) throws -> String {
        guard let logID = try logID() else {
            throw LogFailure.other(path: path, reason: "it has no log_id in its table meta")
        }
        return logID
    }
}

extension EventLog {
    /// Opens a file that holds a log, be it a backup or a home's database, to read it. The file is not changed: one
    /// that an older dwell wrote is brought to this build's schema in a copy in memory.
    ///
    /// - Throws: ``LogFailure``.
    public static func reading(file path: String) throws(LogFailure) -> EventLog {
        do {
            try HomeFile.mustBeAFile(path)
            var configuration = Configuration()
            configuration.readonly = true
            configuration.busyMode = .timeout(5)
            configuration.label = "dwell"
            var queue = try DatabaseQueue(path: path, configuration: configuration)
            if let copy = try Migrator(path: path).currentCopy(of: queue) {
                try queue.close()
                queue = copy
            }
            return try EventLog(reading: queue, path: path)
        } catch {
            throw LogFailure(error, path: path)
        }
    }
}

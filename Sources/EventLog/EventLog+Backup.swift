import Foundation
import GRDB

extension EventLog {
    /// Fails when a file of that name, or one that SQLite would take for part of it, is there: what archives and backups
    /// are written to.
    public static func requireNone(_ path: String) throws(HomeFailure) { try LogFile.requireNone(path) }

    /// Writes a copy of the whole log to `path`, as of one moment, while it is used; mode 0600. The copy is
    /// examined before it gets its name, so a file of that name is a whole log.
    ///
    /// - Returns: what the copy holds.
    /// - Throws: ``LogFailure``; also when there is a file of that name, or the log itself is damaged.
    public func backUp(to path: String) throws(LogFailure) -> LogExamination {
        do {
            try LogFile.requireNone(path)
            let unfinished = LogFile.freeName(path + ".unfinished")
            defer { LogFile.remove(unfinished) }
            try LogFile.copy(queue, to: unfinished)
            let examination = LogExamination(path: unfinished)
            if let problem = examination.problems.first {
                throw LogFailure.corrupt(path: queue.path, reason: "no backup was made: \(problem)")
            }
            try LogFile.publish(unfinished, as: path)
            return examination
        } catch {
            throw LogFailure(error, path: path)
        }
    }
}

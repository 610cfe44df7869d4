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
            let unfinished = path + ".unfinished"
            defer { unlink(unfinished) }
            try LogFile.copy(queue, to: unfinished)
            let examination = LogExamination(path: unfinished)
            if let problem = examination.problems.first {
                throw LogFailure.corrupt(path: queue.path, reason: "no backup was made: \(problem)")
            }
            // Unlike rename, it does not overwrite what somebody has made meanwhile.
            guard link(unfinished, path) == 0 else { throw HomeFailure(path) }
            try LogFile.syncFolder(of: path)
            return examination
        } catch {
            throw LogFailure(error, path: path)
        }
    }

    /// Puts the backup at `path` in the place of the home's database. Nothing of dwell may run in the home.
    ///
    /// - Returns: what it holds, and where the database that was there is kept.
    /// - Throws: ``LogFailure``; then the home is as it was.
    public static func restore(
        _ home: Home, from path: String
    ) throws(LogFailure) -> (examination: LogExamination, kept: String?) {
        do {
            let examination = LogExamination(path: path)
            if let problem = examination.problems.first {
                throw LogFailure.corrupt(path: path, reason: "nothing was restored: \(problem)")
            }
            // What is in it goes on elsewhere: two logs would tell different things of the same positions.
            guard !examination.isArchive else {
                throw LogFailure.other(
                    path: path,
                    reason: "is an archive and no backup: a log goes on from where it ends; ask it with --log")
            }
            try home.prepare(touchingDatabase: false)
            let new = home.database + ".restoring"
            defer { unlink(new) }
            var configuration = Configuration()
            configuration.readonly = true
            let source = try DatabaseQueue(path: path, configuration: configuration)
            try LogFile.copy(source, to: new)
            try source.close()
            try LogFile.beginBranch(new)
            let kept = try LogFile.replace(home, with: new, keepingAs: "before-restore")
            return (examination, kept)
        } catch {
            throw LogFailure(error, path: path)
        }
    }
}

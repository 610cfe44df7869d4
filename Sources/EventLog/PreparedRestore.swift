import Foundation
import GRDB

/// A backup that is in the home, whole and on disk, and only has to get the name of the home's log. That it can be read,
/// that the home can be written and has room for it, is known then, before anything is ended for it.
public final class PreparedRestore {
    /// What the backup holds.
    public let examination: LogExamination
    private let home: Home
    private let new: String

    /// Copies the backup at `path` into the home. Whatever runs in the home takes no notice of it.
    public init(_ home: Home, from path: String) throws(LogFailure) {
        self.home = home
        new = home.database + ".restoring"
        examination = LogExamination(path: path)
        if let problem = examination.problems.first {
            throw LogFailure.corrupt(path: path, reason: "nothing was restored: \(problem)")
        }
        // What is in it goes on elsewhere: two logs would tell different things of the same positions.
        guard !examination.isArchive else {
            throw LogFailure.other(
                path: path, reason: "is an archive and no backup: a log goes on from where it ends; ask it with --log")
        }
        try EventLog.requireOwnFile(home)
        do {
            try home.prepare(touchingDatabase: false)
            var configuration = Configuration()
            configuration.readonly = true
            let source = try DatabaseQueue(path: path, configuration: configuration)
            try LogFile.copy(source, to: new)
            try source.close()
            try LogFile.beginBranch(new)
        } catch {
            LogFile.remove(new)
            // The backup was read to its end above: what goes wrong now is where it is written to.
            throw LogFailure(error, path: home.database)
        }
    }

    /// Puts it in the place of the home's database. Nothing of dwell may run in the home.
    ///
    /// - Returns: where the database that was there is kept.
    public func takePlace() throws(LogFailure) -> String? {
        do {
            return try LogFile.replace(home, with: new, keepingAs: "before-restore")
        } catch {
            throw LogFailure(error, path: home.database)
        }
    }

    deinit { LogFile.remove(new) }
}

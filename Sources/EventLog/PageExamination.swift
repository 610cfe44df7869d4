import Foundation
import GRDB

/// SQLite's own check of the pages, rows and indexes of a log's file. The chain of digests covers what the events say,
/// and not how they, or what is beside them, are stored.
enum PageExamination {
    /// A sentence for each thing that is damaged; empty when nothing is.
    static func problems(_ db: Database, path: String) throws -> [String] {
        let found = try String.fetchAll(db, sql: "PRAGMA integrity_check(5)")
        guard found != ["ok"] else { return [] }
        // SQLite goes on past a page that it does not get, and tells the code of why.
        let shortRead = "error code=\(ResultCode.SQLITE_IOERR_SHORT_READ.rawValue)"
        if found.contains(where: { $0.contains(shortRead) }) { throw LogFailure.cutWAL(path: path) }
        // The first may come with a heading.
        return found.flatMap { $0.split(separator: "\n") }.filter { !$0.hasPrefix("***") }
            .map { "SQLite finds \(path) damaged: \($0)" }
    }
}

extension EventLog {
    /// What SQLite finds damaged in the file: a sentence each.
    public func pageProblems() throws(LogFailure) -> [String] {
        try reading { try PageExamination.problems($0, path: self.path) }
    }
}

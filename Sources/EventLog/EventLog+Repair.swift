import Foundation

/// What a repair saved, and what it could not.
public struct RepairReport: Sendable {
    /// Events saved: all up to the first that cannot be read or is not as it was recorded.
    public var savedEvents = 0
    /// Position of the last of them, or of the last that was archived.
    public var lastPosition = 0
    /// Why it ended there; nil when every event there is was saved.
    public var firstLoss: String?
    /// What is lost besides events: a sentence for each thing.
    public var otherLosses: [String] = []
    /// The last position that was known to have been acknowledged, where that is known.
    public var acknowledgedPosition: Int?
    /// Where the damaged database is kept.
    public var kept: String?
}

extension EventLog {
    /// Makes a new database from what of the home's log can be read: the events up to the first that cannot, or that
    /// breaks the chain of digests, and tables folded from them. When there is none, the log begins anew, and the
    /// report says what is lost. Nothing of dwell may run in the home.
    ///
    /// - Parameters:
    ///   - archive: the file that was archived to last, when what the log keeps of it is damaged.
    ///   - wal: the log's WAL, taken before anything opened the log.
    /// - Throws: ``LogFailure``; then the home is as it was.
    public static func repair(
        _ home: Home, archive: String? = nil, _ wal: HeldWAL? = nil
    ) throws(LogFailure) -> RepairReport {
        do {
            try requireOwnFile(home)
            wal?.putBack()
            let witness = CommitBell(path: home.commitBell).witness
            let new = home.database + ".repaired"
            defer { LogFile.remove(new) }
            let salvage = try salvage(home, archive, witness, to: new)
            try LogFile.beginBranch(new)
            return RepairReport(
                savedEvents: salvage.savedEvents, lastPosition: salvage.next - 1, firstLoss: salvage.firstLoss,
                otherLosses: salvage.otherLosses, acknowledgedPosition: witness?.position,
                kept: try LogFile.replace(home, with: new, keepingAs: "damaged"))
        } catch {
            throw LogFailure(error, path: home.database)
        }
    }

    /// Does everything that a repair does but put the new log in its place: whether something can be saved, and whether
    /// there is room for it, is known before anything is ended for it.
    public static func rehearseRepair(_ home: Home, archive: String? = nil) throws(LogFailure) {
        do {
            try requireOwnFile(home)
            let new = home.database + ".repaired"
            defer { LogFile.remove(new) }
            _ = try salvage(home, archive, CommitBell(path: home.commitBell).witness, to: new)
        } catch {
            throw LogFailure(error, path: home.database)
        }
    }

    /// A new log of what can be saved.
    private static func salvage(
        _ home: Home, _ archive: String?, _ witness: CommitBell.Witness?, to new: String
    ) throws -> Salvage {
        let salvage = try Salvage(
            path: home.database, witness: witness, archived: archive.map(Beginning.init(archive:)))
        try salvage.write(to: new)
        if let problem = LogExamination(path: new).problems.first {
            throw LogFailure.other(path: new, reason: "what was saved is not whole: \(problem)")
        }
        return salvage
    }

    /// Fails when the home is another user's, or something in it, and when something else than a file is in the place of
    /// its database: no log can be put there, and a pipe would be read for ever.
    public static func requireOwnFile(_ home: Home) throws(LogFailure) {
        // What others put there is not saved: whoever gives a command runs what the log says.
        if let strange = home.problemsOfOwnership.first { throw LogFailure(strange, path: home.database) }
        guard access(home.database, F_OK) == 0 else { return }
        do {
            try HomeFile.mustBeAFile(home.database)
        } catch {
            throw .notAFile(path: home.database, reason: error.reason)
        }
    }
}

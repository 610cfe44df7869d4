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
    /// - Throws: ``LogFailure``; then the home is as it was.
    public static func repair(_ home: Home) throws(LogFailure) -> RepairReport {
        do {
            let witness = CommitBell(path: home.commitBell).witness
            let salvage = try Salvage(path: home.database, witness: witness)
            let new = home.database + ".repaired"
            defer { unlink(new) }
            try salvage.write(to: new)
            if let problem = LogExamination(path: new).problems.first {
                throw LogFailure.other(path: new, reason: "what was saved is not whole: \(problem)")
            }
            try LogFile.beginBranch(new)
            return RepairReport(
                savedEvents: salvage.savedEvents, lastPosition: salvage.next - 1, firstLoss: salvage.firstLoss,
                otherLosses: salvage.otherLosses, acknowledgedPosition: witness?.position,
                kept: try LogFile.replace(home, with: new, keepingAs: "damaged"))
        } catch {
            throw LogFailure(error, path: home.database)
        }
    }
}

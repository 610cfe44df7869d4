import GRDB

/// What the events of a log are called elsewhere: CloudEvents' `source`, which names an event together with its position.
///
/// A log that was put in the place of another (`restore`, `repair`) goes on at positions where other events may have been,
/// which somebody was told of. So it goes on as a branch with a name of its own, which is part of the source of what
/// comes from there on; what came before is called what it was. Branches are kept in `meta`.
public struct EventSource: Hashable, Sendable {
    private let logID: String
    /// In their order.
    private let branches: [Branch]

    private struct Branch: Hashable, Sendable {
        /// Position of the last event before it.
        var position: Int
        var name: String
    }

    init(logID: String, _ db: Database) throws {
        self.logID = logID
        branches = try Self.stored(db).map(Self.parse) ?? []
    }

    /// The `source` of an event.
    public func name(ofEventAt position: Int, of controller: String) -> String {
        let branch = branches.last { $0.position < position }
        return "/dwell/\(logID)\(branch.map { ".\($0.name)" } ?? "")/controllers/\(controller)"
    }

    /// What comes after the last event is of a branch that begins here.
    static func beginBranch(_ db: Database) throws {
        let name = try String.fetchOne(db, sql: "SELECT lower(hex(randomblob(4)))") ?? ""
        try store((stored(db).map { $0 + "\n" } ?? "") + "\(db.lastPosition()) \(name)", db)
    }

    /// As they are kept: a line each.
    static func stored(_ db: Database) throws -> String? {
        try String.fetchOne(db, sql: "SELECT value FROM meta WHERE key = 'branches'")
    }

    static func store(_ text: String, _ db: Database) throws {
        try db.execute(sql: "INSERT OR REPLACE INTO meta VALUES ('branches', ?)", arguments: [text])
    }

    /// Leaves out what begins behind the last event, as in an archive, or where not all events could be saved; and what
    /// cannot be read.
    static func cutBranches(_ db: Database) throws {
        guard let text = try stored(db) else { return }
        let last = try db.lastPosition()
        let kept = parse(text).filter { (0...last).contains($0.position) }
        guard !kept.isEmpty else { return try db.execute(sql: "DELETE FROM meta WHERE key = 'branches'") }
        try store(kept.map { "\($0.position) \($0.name)" }.joined(separator: "\n"), db)
    }

    /// What is wrong with those that are kept; nil when nothing is.
    static func problem(_ db: Database) throws -> String? {
        guard let text = try stored(db) else { return nil }
        let branches = parse(text)
        let last = try db.lastPosition()
        let rises = zip(branches, branches.dropFirst()).allSatisfy { $0.position <= $1.position }
        let isWhole =
            branches.count == text.split(separator: "\n", omittingEmptySubsequences: false).count && rises
            && branches.allSatisfy { (0...last).contains($0.position) }
        return isWhole ? nil : "meta: branches, after which events the log was restored, is not as it was written"
    }

    private static func parse(_ text: String) -> [Branch] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard words.count == 2, let position = Int(words[0]), words[1].count == 8,
                words[1].allSatisfy(\.isHexDigit)
            else { return nil }
            return Branch(position: position, name: String(words[1]))
        }
    }
}

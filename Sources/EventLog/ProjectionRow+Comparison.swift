import GRDB
import Lifecycle

extension ProjectionRow {
    /// What of the stored rows of a controller is not, to the byte, what these are: a sentence each. SQLite compares, for
    /// what GRDB reads of a text ends at its first NUL.
    static func differences(of controller: ControllerName, from wanted: [Self], _ db: Database) throws -> [String] {
        var strangers: Set<String> = []
        var keys = try QuickStatement(db, sql.keys)
        keys.bind(controller.rawValue)
        while let row = try keys.next() {
            strangers.insert(called((0..<CInt(sql.keyCount)).map { row.shown($0) }))
        }
        var sentences: [String] = []
        for row in wanted {
            let name = called(row.key)
            guard let differences = try row.differencesFromStored(db) else {
                sentences.append("\(databaseTableName): \(name) is missing")
                continue
            }
            strangers.remove(name)
            if !differences.isEmpty {
                sentences.append("\(databaseTableName): \(name): \(differences.joined(separator: "; "))")
            }
        }
        for name in strangers.sorted() {
            sentences.append("\(databaseTableName): \(name) is there, and the log knows nothing of it")
        }
        return sentences
    }

    /// What is otherwise in the row with its key, by the names of the columns; nil when there is no such row.
    private func differencesFromStored(_ db: Database) throws -> [String]? {
        var statement = try QuickStatement(db, Self.sql.comparison)
        bind(to: &statement)
        return try statement.first { row in
            let differing = Self.sql.columns.indices.filter { row.int(CInt(3 * $0)) == 0 }
            return differing.map { index in
                let (found, wanted) = (row.shown(CInt(3 * index + 1)), row.shown(CInt(3 * index + 2)))
                let more = found == wanted ? ", in other bytes" : ""
                return "\(Self.sql.columns[index]) is \(found)\(more), the log says \(wanted)"
            }.sorted()
        }
    }
}

import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// The file: how it comes to be, who may read it, and which are refused.
@Suite struct MigratorTests {
    private let temporary = TemporaryHome()

    @Test func whatWasAppliedIsRecorded() throws {
        _ = try EventLog(home: temporary.home)
        #expect(try temporary.value("SELECT count(*) FROM schema_migrations") == Migration.shipped.count)
        #expect(try temporary.value("SELECT name FROM schema_migrations WHERE number = 1") == "event_log")
        let checksum: String = try #require(try temporary.value("SELECT checksum FROM schema_migrations LIMIT 1"))
        #expect(checksum.count == 64)
        #expect(checksum.allSatisfy { $0.isHexDigit && !$0.isUppercase })
    }

    @Test func openingAgainChangesNothing() throws {
        let first = try EventLog(home: temporary.home)
        try first.given(.start)
        let applied: Int? = try temporary.value("SELECT applied_at_us FROM schema_migrations")
        let second = try EventLog(home: temporary.home)
        #expect(try temporary.value("SELECT applied_at_us FROM schema_migrations") == applied)
        #expect(second.logID == first.logID)
        #expect(first.logID.count == 16)
        #expect(try second.state(of: .dev).status == .starting)
    }

    @Test func everyLogHasAnIDOfItsOwn() throws {
        let other = TemporaryHome()
        #expect(try EventLog(home: temporary.home).logID != EventLog(home: other.home).logID)
    }

    @Test func everyTableIsStrict() throws {
        _ = try EventLog(home: temporary.home)
        let lax = try temporary.shell().read {
            try String.fetchAll(
                $0, sql: "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT strict")
        }
        #expect(lax == ["sqlite_schema"])
    }

    @Test func aChangedChecksumIsRefused() throws {
        _ = try EventLog(home: temporary.home)
        try temporary.execute("UPDATE schema_migrations SET checksum = 'abc'")
        let failure = #expect(throws: LogFailure.self) { try EventLog(home: temporary.home) }
        #expect(failure == .changedMigration(path: temporary.home.database, number: 1), "the first that differs")
        checkSentence(failure, names: temporary.home.database)
    }

    @Test func aNewerDatabaseIsRefused() throws {
        _ = try EventLog(home: temporary.home)
        try temporary.execute("INSERT INTO schema_migrations VALUES (99, 'to_come', 'abc', 0)")
        let before = try Data(contentsOf: URL(fileURLWithPath: temporary.home.database))
        let failure = #expect(throws: LogFailure.self) { try EventLog(home: temporary.home) }
        #expect(failure == .newerSchema(path: temporary.home.database, found: 99, known: Migration.shipped.count))
        #expect(failure?.description.contains("newer dwell") == true)
        checkSentence(failure, names: temporary.home.database)
        #expect(try Data(contentsOf: URL(fileURLWithPath: temporary.home.database)) == before)
    }

    @Test func somebodyElsesDatabaseIsRefusedAndLeftAlone() throws {
        try FileManager.default.createDirectory(atPath: temporary.home.path, withIntermediateDirectories: true)
        try temporary.execute("CREATE TABLE recipes (name TEXT)")
        let failure = #expect(throws: LogFailure.self) { try EventLog(home: temporary.home) }
        #expect(failure == .notALog(path: temporary.home.database))
        checkSentence(failure, names: temporary.home.database)
        #expect(try temporary.value("SELECT count(*) FROM sqlite_schema") == 1)
    }

    @Test func aFileThatIsNoDatabaseIsRefusedAndLeftAlone() throws {
        try FileManager.default.createDirectory(atPath: temporary.home.path, withIntermediateDirectories: true)
        let text = Data(repeating: UInt8(ascii: "x"), count: 8_192)
        try text.write(to: URL(fileURLWithPath: temporary.home.database))
        let failure = #expect(throws: LogFailure.self) { try EventLog(home: temporary.home) }
        guard case .corrupt = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        checkSentence(failure, names: temporary.home.database)
        #expect(try Data(contentsOf: URL(fileURLWithPath: temporary.home.database)) == text)
    }

    // Who may read it.

    @Test func onlyTheOwnerMayReadTheHome() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start)
        func mode(_ path: String) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        }
        let home = temporary.home
        #expect(try mode(home.path) == 0o700)
        #expect(try mode(home.run) == 0o700)
        for file in [home.database, home.database + "-wal", home.database + "-shm", home.commitBell] {
            #expect(try mode(file) == 0o600, "\(file)")
        }
    }

    @Test func aHomeIsMadeWithTheFoldersAboveIt() throws {
        let deep = Home(path: temporary.home.path + "/some/where/else")
        try EventLog(home: deep).given(.start)
        #expect(FileManager.default.fileExists(atPath: deep.database))
    }

    @Test(arguments: [
        (["DWELL_HOME": "/srv/dwell"], "/srv/dwell"), (["DWELL_HOME": "/srv/x/../dwell/"], "/srv/dwell"),
        (["DWELL_HOME": ""], NSHomeDirectory() + "/.dwell"), ([:], NSHomeDirectory() + "/.dwell"),
    ])
    func theEnvironmentNamesTheHome(_ environment: [String: String], path: String) {
        #expect(Home(environment: environment).path == path)
    }
}

/// A failure is one sentence for a person: on one line, about what it is about.
func checkSentence(_ failure: LogFailure?, names path: String, sourceLocation: SourceLocation = #_sourceLocation) {
    let text = failure?.description ?? ""
    #expect(text.contains(path), sourceLocation: sourceLocation)
    #expect(
        !text.contains("\n") && !text.contains("Error") && text.count < 300, "\(text)", sourceLocation: sourceLocation)
}

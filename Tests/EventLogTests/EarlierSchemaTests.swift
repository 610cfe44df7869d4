import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// Real logs that earlier dwells wrote (`Databases/`) are brought to this schema: nothing is lost, everything is read,
/// and the file as it was is kept.
@Suite struct EarlierSchemaTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Databases")

    static let schemas = Array(1..<Migration.shipped.count)

    @Test(arguments: schemas)
    func aLogOfAnEarlierSchemaIsBroughtToThisOne(_ schema: Int) throws {
        let temporary = TemporaryHome()
        try FileManager.default.createDirectory(atPath: temporary.home.path, withIntermediateDirectories: true)
        let fixture = Self.folder.appendingPathComponent("schema-\(schema).sqlite")
        try FileManager.default.copyItem(atPath: fixture.path, toPath: temporary.home.database)
        #expect(try temporary.value("SELECT max(number) FROM schema_migrations") == schema)
        let events: [Row] = try temporary.shell().read { try Row.fetchAll($0, sql: "SELECT * FROM events") }
        #expect(events.count > 50)

        let log = try EventLog(home: temporary.home)
        #expect(try temporary.value("SELECT max(number) FROM schema_migrations") == Migration.shipped.count)
        #expect(try temporary.shell().read { try Row.fetchAll($0, sql: "SELECT * FROM events") } == events)
        #expect(try log.firstBrokenPosition() == nil)
        #expect(try log.events(after: 0).count == events.count, "every event is read")
        #expect(try log.auditRows(after: 0).count == events.count)
        #expect(try log.replay { _, _ in }.differences == [])
        #expect(try log.status().controllers.map(\.name) == ["local", "prod"])
        #expect(try log.status(atPosition: events.count / 2, now: try Clock.now()).controllers.isEmpty == false)
        // Life goes on in it.
        try log.given(.start, controller: .prod)
        #expect(try log.state(of: .prod).status == .starting)

        let kept = temporary.home.database + ".before-000\(schema + 1)"
        let keptEvents = try DatabaseQueue(path: kept).read { try Int.fetchOne($0, sql: "SELECT count(*) FROM events") }
        #expect(keptEvents == events.count, "the log as it was is kept")
    }

    @Test(arguments: schemas)
    func aBackupOfAnEarlierSchemaIsRestored(_ schema: Int) throws {
        let temporary = TemporaryHome()
        let fixture = Self.folder.appendingPathComponent("schema-\(schema).sqlite").path
        let examination = LogExamination(path: fixture)
        #expect(examination.problems == [] && examination.wholeEvents > 50)
        _ = try PreparedRestore(temporary.home, from: fixture).takePlace()
        #expect(LogExamination(home: temporary.home).problems == [], "as doctor looks at it, before anybody opens it")
        try EventLog(home: temporary.home).given(.start, controller: .prod)
        #expect(LogExamination(home: temporary.home).isWhole)
    }

    @Test func thereIsOneOfEverySchema() throws {
        for schema in Self.schemas {
            let path = Self.folder.appendingPathComponent("schema-\(schema).sqlite").path
            #expect(FileManager.default.fileExists(atPath: path), "\(path)")
        }
    }
}

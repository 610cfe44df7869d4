import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// How SQLite goes about what every append writes. Each of these was slow once; how long it takes is measured by `make bench`.
@Suite struct WritePlanTests {
    private let temporary = TemporaryHome()

    private func steps(_ sql: String) throws -> [String] {
        try EventLog(home: temporary.home).queue.read { db in
            let statement = try db.makeStatement(sql: "EXPLAIN " + sql)
            statement.setUncheckedArguments([])
            return try Row.fetchAll(statement).map { $0["opcode"] }
        }
    }

    static let statements = [
        EventWriter.insertion, ControllerRow.sql[.update] ?? "", ControllerRow.sql[.counting] ?? "",
        ControllerRow.sql[.replacement] ?? "", ServiceRow.sql[.update] ?? "", ServiceRow.sql[.replacement] ?? "",
        ReplicaRow.sql[.update] ?? "", ReplicaRow.sql[.replacement] ?? "", DeadlineRow.sql[.replacement] ?? "",
    ]

    /// As it would for IN with more than two, in what is checked of a column or in the condition of an index.
    @Test(arguments: statements)
    func noTableIsMadeForIt(_ sql: String) throws {
        let steps = try steps(sql)
        #expect(steps.count > 5)
        #expect(!steps.contains("OpenEphemeral"), "\(sql)")
    }

    @Test func whatOnlyReadsCannotWrite() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start)
        #expect(throws: LogFailure.self) {
            try log.reading { try $0.execute(sql: "UPDATE controllers SET recoveries = 7") }
        }
        #expect(try temporary.value("SELECT max(recoveries) FROM controllers") == 0)
    }

    /// What an event is written by is undone together with its transaction: to undo it alone, SQLite would copy each page
    /// before it is changed.
    @Test func anEventIsUndoneWithItsTransaction() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start)
        let before = try log.lastPosition()
        // The first has a place that is taken, the second a version that is.
        for position in [1, before + 1] {
            let row = EventRow(
                position: position, stream: "dev", version: 1, type: "controller.started", schemaVersion: 1,
                atMicroseconds: 1, actor: "ann", component: "cli", payload: "{}")
            try log.queue.writeWithoutTransaction { db in
                try db.execute(sql: "BEGIN")
                #expect(throws: DatabaseError.self) { try EventWriter.insert(row, .zero, db) }
                #expect(!db.isInsideTransaction)
                if db.isInsideTransaction { try db.execute(sql: "ROLLBACK") }
            }
        }
        #expect(try log.lastPosition() == before)
        try log.given(.stop)
        #expect(try log.lastPosition() > before, "and the log goes on")
    }
}

import Foundation
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// A file that is not a home's log is asked without being changed.
@Suite struct LogFileReadingTests {
    private let temporary = TemporaryHome()

    @Test func aBackupSaysWhatTheLogSaid() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start, .takeOver(process: "a"), .up(.api))
        let path = temporary.home.path + "/copy.db"
        _ = try log.backUp(to: path)
        let before = try Data(contentsOf: URL(fileURLWithPath: path))
        try log.given(.stop)

        let copy = try EventLog.reading(file: path)
        #expect(copy.logID == log.logID)
        #expect(try copy.status().controllers.map(\.status) == ["UP"])
        #expect(try copy.replay().differences == [])
        #expect(try copy.firstBrokenPosition() == nil)
        #expect(throws: SubmitError.self) {
            try copy.submit(.stop, to: .dev, by: Author(actor: "ann@desk", component: "cli"))
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before, "it is only read")
    }

    @Test func whatIsNoLogIsRefused() throws {
        let path = temporary.home.path + ".empty"
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(throws: LogFailure.self) { try EventLog.reading(file: path) }
        try Data().write(to: URL(fileURLWithPath: path))
        #expect(throws: LogFailure.notALog(path: path)) { try EventLog.reading(file: path) }
    }
}

import Foundation
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// Every question of `tools/audit`, put by the real `sqlite3` program to a made-up history; the answers are worked
/// out here from the events alone, without SQL.
@Suite struct AuditCookbookTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("tools/audit")

    static let files: [String] = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
        .filter { $0.hasSuffix(".sql") }.sorted()

    /// One history for all questions: it is only read.
    private static let history = Result { try History() }

    private struct History {
        let temporary = TemporaryHome()
        let events: [RecordedEvent]
        let answers: [String: [String]]

        init() throws {
            let log = try EventLog(home: temporary.home)
            var history = MadeUpHistory(
                seed: 11, controllers: (1...4).map { .sample("c\($0)") }, beginMicroseconds: 1_767_225_600_000_000)
            try history.write(6_000, to: log)
            events = try log.events(after: 0)
            answers = CookbookAnswers(events).byFile
        }
    }

    @Test func thereAreFifteenAtLeast() { #expect(Self.files.count >= 15) }

    @Test(arguments: files)
    func theAnswerIsRight(_ file: String) throws {
        let history = try Self.history.get()
        let wanted = try #require(history.answers[file], "no answer to \(file) is worked out here")
        let output = try Self.sqlite3(history.temporary.home.database, Self.folder.appendingPathComponent(file))
        #expect(output == wanted)
        // But for one that asks what should not happen, and does not here.
        if file != "late_deadlines.sql" { #expect(!wanted.isEmpty, "a question without an answer proves nothing") }
    }

    @Test func theREADMENamesEach() throws {
        let text = try String(contentsOf: Self.folder.appendingPathComponent("README.md"), encoding: .utf8)
        for file in Self.files { #expect(text.contains("[\(file)](\(file))")) }
    }

    /// Rows as the program prints them, without the columns that hold clock times.
    static func sqlite3(_ database: String, _ file: URL, before: String? = nil) throws -> [String] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "sqlite3", "-readonly", "-cmd", ".timeout 10000", "-bail", "-header", "-separator", "|",
        ]
        process.arguments? += (before.map { ["-cmd", $0] } ?? []) + [database]
        process.standardInput = try FileHandle(forReadingFrom: file)
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let text = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let rows = text.split(separator: "\n").map { $0.split(separator: "|", omittingEmptySubsequences: false) }
        guard let header = rows.first else { return [] }
        let kept = header.indices.filter { !["time", "began", "ended"].contains(header[$0]) }
        return rows.dropFirst().map { row in kept.map { String(row[$0]) }.joined(separator: "|") }
    }
}

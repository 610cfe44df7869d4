import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// Rows that no dwell wrote: values of other types, payloads cut, changed and mixed up, numbers at their ends. Whatever
/// is in the database, reading it ends in a value or in a sentence; nothing traps, and nothing hangs.
///
/// `DWELL_FUZZ=N` tries N (`make fuzz`); without it a hundred are tried.
@Suite struct RowFuzzTests {
    private let temporary = TemporaryHome()
    private static let rounds = ProcessInfo.processInfo.environment["DWELL_FUZZ"].flatMap { Int($0) } ?? 100

    private static let columns: [(table: String, names: [String])] = [
        (
            "events",
            [
                "stream", "version", "type", "schema_version", "at_us", "service", "replica", "actor", "command_id",
                "cause", "payload", "payload", "payload", "payload", "digest",
            ]
        ),
        ("snapshots", ["version", "format", "state", "state"]),
        ("controllers", ["status", "version", "idle_timeout_seconds", "started_at_us", "process", "needs_process"]),
        ("services", ["status", "port", "host", "spec", "live", "replicas"]),
        ("replicas", ["status", "endpoint", "handle", "id", "generation"]),
        ("deadlines", ["due_at_us", "due_at_boot_us", "boot_id", "generation", "span_us"]),
        ("meta", ["value"]),
    ]

    @Test func whateverARowHoldsIsReadOrRefused() throws {
        let original = try EventLog(home: temporary.home)
        while try original.state(of: .dev).version <= Snapshots.interval + 20 {
            try original.drawHistory(seed: UInt64(try original.lastPosition()) + 3, commands: 40)
        }
        try original.drawHistory(seed: 5, commands: 40, on: [.prod])
        let whole = temporary.home.path + "/whole.db"
        _ = try original.backUp(to: whole)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: whole))
        var random = SeededGenerator(seed: 42)
        var refusals = 0
        for round in 0..<Self.rounds {
            let victim = TemporaryHome()
            try victim.home.prepare()
            try bytes.write(to: URL(fileURLWithPath: victim.home.database))
            let change = try damage(victim, &random)
            do throws(LogFailure) {
                try lookAtEverything(victim.home)
            } catch {
                refusals += 1
                #expect(!error.description.isEmpty && !error.description.contains("\n"), "round \(round): \(change)")
            }
            // It must not trap either; whatever it says is right.
            _ = LogExamination(path: victim.home.database)
            if round.isMultiple(of: 8) { _ = try? EventLog.repair(victim.home) }
        }
        #expect(refusals > 0, "some of it was noticed")
    }

    /// Cases that trapped, or went on for ever, once.
    @Test(arguments: [
        "UPDATE events SET version = 9223372036854775807 WHERE stream = 'dev' AND version = (SELECT max(version) FROM events WHERE stream = 'dev')",
        "UPDATE events SET payload = json_set(payload, '$.incarnation', 9223372036854775807) WHERE type = 'controller.starting'",
        "UPDATE events SET payload = json_set(payload, '$.spec.replicas', 9223372036854775807) WHERE type = 'service.up_requested'",
        "UPDATE events SET payload = json_set(payload, '$.replica', 9223372036854775807) WHERE type = 'replica.added'",
        "UPDATE events SET at_us = -9223372036854775808",
        "UPDATE snapshots SET version = -9223372036854775808",
    ])
    func whatTrappedOnceIsReadOrRefused(_ sql: String) throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start, .takeOver(process: "a"), .up(.api))
        try temporary.execute("DROP TRIGGER events_are_never_updated; \(sql)")
        do throws(LogFailure) {
            try lookAtEverything(temporary.home)
        } catch {
            #expect(!error.description.contains("\n"))
        }
    }

    private func lookAtEverything(_ home: Home) throws(LogFailure) {
        let log = try EventLog(home: home)
        let report = try log.status()
        _ = report.deadlines.map { $0.deadline.remainingMicroseconds(at: report.now) }
        _ = try log.controllersNeedingProcess()
        for controller in [ControllerName.dev, .prod] {
            let state = try log.state(of: controller)
            _ = state.outstanding
            _ = state.pendingDeadlines.map { $0.deadline.latenessMicroseconds(at: report.now) }
            var loop = ControllerLoop(process: "fuzz")
            _ = loop.wake(state, now: report.now)
            _ = try log.differences(of: controller)
            for command in [Command.start, .up(.api), .takeOver(process: "x"), .down([.chat]), .stop] {
                do {
                    try log.submit(command, to: controller, by: .ann)
                } catch .failed(let failure) {
                    throw failure
                } catch {}
            }
        }
        _ = try log.events(after: 0)
        try log.audit(EventQuery()) { _ in }
        _ = try log.status(atPosition: .max, now: try Clock.now())
        _ = try log.replay { _, _ in }
    }

    /// Changes one to three values of a row by going around the schema.
    private func damage(_ victim: TemporaryHome, _ random: inout SeededGenerator) throws -> String {
        var said: [String] = []
        var configuration = Configuration()
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA ignore_check_constraints = ON") }
        let shell = try DatabaseQueue(path: victim.home.database, configuration: configuration)
        try shell.writeWithoutTransaction { db in
            try db.execute(sql: "DROP TRIGGER events_are_never_updated")
            for _ in 0...random.below(3) {
                let (table, names) = random.pick(Self.columns)
                let name = random.pick(names)
                let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table)") ?? 0
                guard count > 0 else { continue }
                let row = random.below(count)
                let before =
                    try DatabaseValue.fetchOne(db, sql: "SELECT \(name) FROM \(table) LIMIT 1 OFFSET \(row)") ?? .null
                let after = Self.mutated(before, &random)
                said.append("\(table).\(name) of row \(row): \(before) -> \(after)")
                // Without a rowid there is the first column, which every table has as a key or part of one.
                let key =
                    try String.fetchOne(db, sql: "SELECT name FROM pragma_table_info('\(table)') WHERE pk = 1")
                    ?? "rowid"
                let value =
                    try DatabaseValue.fetchOne(db, sql: "SELECT \(key) FROM \(table) LIMIT 1 OFFSET \(row)") ?? .null
                // A strict table refuses some; that is what it is for.
                try? db.execute(sql: "UPDATE \(table) SET \(name) = ? WHERE \(key) = ?", arguments: [after, value])
            }
        }
        try shell.close()
        return said.joined(separator: "; ")
    }

    private static let ends: [Int64] = [0, 1, -1, 255, 65_535, 65_536, .max, .min, .max - 1, 1 << 53, -(1 << 31)]

    private static func mutated(_ value: DatabaseValue, _ random: inout SeededGenerator) -> DatabaseValue {
        switch value.storage {
        case .int64(let number):
            return random.pick(ends + [number &+ 1, number &- 1, 0 &- number]).databaseValue
        case .double: return random.pick([0, -1, 1e308, -1e308, 1e-300, 1e19]).databaseValue
        case .string(let text): return mutated(text, &random).databaseValue
        case .blob(let data):
            var bytes = [UInt8](data)
            if !bytes.isEmpty { bytes[random.below(bytes.count)] ^= 1 }
            return Data(bytes.prefix(random.chance(50) ? 32 : random.below(40))).databaseValue
        case .null: return random.pick(["".databaseValue, 0.databaseValue, Int64.max.databaseValue])
        }
    }

    /// A JSON text with a number, a word or a key changed; or any text cut, doubled or with a byte flipped.
    private static func mutated(_ text: String, _ random: inout SeededGenerator) -> String {
        var bytes = Array(text.utf8)
        switch random.below(7) {
        case 0: return String(decoding: bytes.prefix(random.below(bytes.count + 1)), as: UTF8.self)
        case 1:
            return random.pick([
                "", "{}", "null", "[]", "\"x\"", "../..", "a\u{0}b", String(repeating: "[", count: 5_000),
            ])
        case 2:
            guard !bytes.isEmpty else { return "x" }
            bytes[random.below(bytes.count)] = UInt8(random.below(256))
            return String(decoding: bytes, as: UTF8.self)
        case 3, 4, 5:
            // A run of digits becomes another number.
            let starts = bytes.indices.filter { index in
                (48...57).contains(bytes[index]) && (index == 0 || !(48...57).contains(bytes[index - 1]))
            }
            guard !starts.isEmpty else { return text + "7" }
            let start = random.pick(starts)
            let end = bytes[start...].firstIndex { !(48...57).contains($0) } ?? bytes.endIndex
            let number =
                random.chance(20) ? random.pick(["1e400", "-0", "1.5", "true", "\"1\""]) : String(random.pick(ends))
            bytes.replaceSubrange(start..<end, with: number.utf8)
            return String(decoding: bytes, as: UTF8.self)
        default: return text + text
        }
    }
}

import Crypto
import Foundation
import GRDB
import Lifecycle

/// The ids of commands that no event of this file tells of: accepted and changed nothing, or archived. Repeated, they
/// must not do later what they need not do now (law L6), so a row that somebody put in would swallow a command.
///
/// No event is chained to a row of the table, so a sum of all of them is kept in `meta`, written with each: how many
/// there are, and their hashes added bit by bit. It does not matter in which order they came.
struct CommandsWithoutEvents {
    let db: Database

    /// Keeps the id of a command that was accepted and changed nothing.
    func insert(_ commandID: String, to controller: ControllerName, atMicroseconds at: Int64) throws {
        try db.cachedStatement(sql: "INSERT INTO commands_without_events (stream, command_id, at_us) VALUES (?, ?, ?)")
            .execute(arguments: [controller.rawValue, commandID, at])
        guard var sum = try kept() else { return }
        sum.add(Sum.hash(controller.rawValue, commandID, at))
        try keep(sum)
    }

    /// Keeps the sum of all rows there are.
    func seal() throws { try keep(Sum(db)) }

    /// The same, where none is kept yet.
    func sealIfNew() throws {
        if try value() == nil { try seal() }
    }

    /// What is wrong with the rows; nil when they are those that were written.
    func problem() throws -> String? {
        let there = try Sum(db)
        guard let kept = try self.kept() else {
            return "meta: commands, the sum of commands_without_events, is missing"
        }
        guard there != kept else { return nil }
        if there.count == kept.count + 1, let row = try self.row(hashing: there.bits ^ kept.bits) {
            return "commands_without_events: command \(row.id) of \(row.stream) was put in by somebody else"
        }
        return there.count == kept.count
            ? "commands_without_events: a row of it was changed"
            : "commands_without_events: there \(Self.rows(there.count)), and \(kept.count) were written"
    }

    private static func rows(_ count: Int) -> String { count == 1 ? "is 1 row" : "are \(count) rows" }

    private func row(hashing wanted: Sum.Bits) throws -> (stream: String, id: String)? {
        let rows = try QuickStatement(db, Sum.sql)
        while let row = try rows.next() {
            guard Sum.hash(row) == wanted else { continue }
            defer { rows.reset() }
            return (row.shown(0), row.shown(1))
        }
        return nil
    }

    private func value() throws -> String? {
        try String.fetchOne(db, sql: "SELECT value FROM meta WHERE key = 'commands'")
    }

    private func kept() throws -> Sum? { try value().flatMap(Sum.init(text:)) }

    private func keep(_ sum: Sum) throws {
        try db.execute(sql: "INSERT OR REPLACE INTO meta VALUES ('commands', ?)", arguments: [sum.text])
    }
}

/// How many rows there are, and their hashes added bit by bit.
private struct Sum: Hashable {
    typealias Bits = SIMD4<UInt64>

    var count = 0
    var bits = Bits.zero

    static let sql = "SELECT stream, command_id, at_us FROM commands_without_events"

    init(_ db: Database) throws {
        let rows = try QuickStatement(db, Self.sql)
        while let row = try rows.next() { add(Self.hash(row)) }
    }

    /// As ``text`` has it; nil for anything else.
    init?(text: String) {
        let words = text.split(separator: " ")
        guard words.count == 5, let count = Int(words[0]) else { return nil }
        self.count = count
        for (index, word) in words.dropFirst().enumerated() {
            guard let part = UInt64(word, radix: 16) else { return nil }
            bits[index] = part
        }
    }

    /// As it is kept.
    var text: String {
        "\(count) " + (0..<4).map { String(bits[$0], radix: 16) }.joined(separator: " ")
    }

    mutating func add(_ hash: Bits) {
        count += 1
        bits ^= hash
    }

    static func hash(_ row: QuickStatement.Columns) -> Bits { hash(row.text(0), row.text(1), Int64(row.int(2))) }

    static func hash(_ stream: String, _ commandID: String, _ at: Int64) -> Bits {
        // No name holds a line feed, and what comes after the id holds none.
        let digest = SHA256.hash(data: Data("\(stream)\n\(commandID)\n\(at)".utf8))
        return digest.withUnsafeBytes { bytes in
            var bits = Bits.zero
            for index in 0..<4 {
                bits[index] = bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self).bigEndian
            }
            return bits
        }
    }
}

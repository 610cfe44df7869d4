import CGatheredWrites
import Foundation
import GRDB
@testable import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// What is written the quick way is what the plain way writes.
@Suite struct QuickWritingTests {
    private static let texts = [
        "", "HTTP 200 in 0.8 ms", "a/b", "a\"b", "a\\b", "a\nb", "\u{1}", "\u{7f}", "é", "\u{2028}", "日本", "🙂", "\0",
    ]

    @Test func aFlatPayloadIsWhatTheEncoderWritesToTheByte() throws {
        let service = try #require(ServiceName(rawValue: "web"))
        func deadline(_ number: Int64, _ text: String) -> Deadline {
            Deadline(wallMicroseconds: number, bootMicroseconds: -number, bootID: text, spanMicroseconds: number / 3)
        }
        var written: Set<EventType> = []
        for text in Self.texts {
            for number in [0, 7, 10, -1, Int.max, Int.min + 1] {
                let due = deadline(Int64(number), text)
                let events: [Event] = [
                    .replicaAdded(ReplicaAdded(service: service, replica: number, version: 1, launchAt: nil)),
                    .replicaAdded(ReplicaAdded(service: service, replica: 1, version: number, launchAt: due)),
                    .replicaLaunched(
                        ReplicaLaunched(
                            service: service, replica: number, handle: Handle(rawValue: text),
                            endpoint: Endpoint(host: text, port: 65535))),
                    .replicaStarting(ReplicaStarting(service: service, replica: number, readyBy: due)),
                    .replicaProbeFailed(ReplicaProbeFailed(service: service, replica: number, evidence: text)),
                    .replicaReady(ReplicaReady(service: service, replica: number, evidence: text)),
                    .replicaNotReady(
                        ReplicaNotReady(service: service, replica: number, evidence: text, readyBy: due)),
                    .serviceStatusChanged(
                        ServiceStatusChanged(service: service, from: .ready, to: .notReady, reason: text)),
                    .serviceStatusChanged(
                        ServiceStatusChanged(service: service, from: .noReplica, to: .shuttingDown, reason: nil)),
                    .serviceGone(ServiceGone(service: service)),
                    .loadBalancerAdded(LoadBalancerAdded(service: service)),
                    .loadBalancerRemoving(LoadBalancerRemoving(service: service)),
                    .loadBalancerLaunched(
                        LoadBalancerLaunched(service: service, handle: Handle(rawValue: text))),
                ]
                for event in events {
                    guard let flat = event.flatPayload else { continue }
                    written.insert(event.type)
                    #expect(try String(decoding: flat, as: UTF8.self) == EventCodec.json(event.payload))
                }
            }
        }
        #expect(written.count == 11, "each of these types is written the quick way")
    }

    @Test func whatIsStoredOfEveryTypeIsWrittenTheSame() throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Golden/events.jsonl")
        struct Form: Decodable {
            var type: EventType
            var payload: String
        }
        for line in try String(contentsOf: path, encoding: .utf8).split(separator: "\n") {
            let form = try JSONDecoder().decode(Form.self, from: Data(line.utf8))
            let event = try EventCodec.decode(
                type: form.type.rawValue, schemaVersion: 1, payload: form.payload, position: 1)
            #expect(try EventCodec.encode(event) == EventCodec.json(event.payload))
        }
    }

    /// A row that somebody removed by hand is written whole again when it changes.
    @Test(arguments: ["controllers", "services", "replicas"])
    func aRowThatIsMissingIsWrittenAnew(table: String) throws {
        let temporary = TemporaryHome()
        let log = try EventLog(home: temporary.home)
        try log.given(.start, .takeOver(process: "a"), .up(.api))
        let replica = try #require(try log.state(of: .dev).services[.api]?.replicas[1]).reference(of: .api)
        try temporary.execute("DELETE FROM \(table)")
        try log.given(
            .replicaLaunched(replica, Handle(rawValue: "h"), Endpoint(host: "127.0.0.1", port: 9)),
            .replicaStarted(replica), .replicaProbed(replica, isReady: true, evidence: "HTTP 200"))
        #expect(try log.differences(of: .dev) == [])
    }
}

@Suite struct GatheredWritesTests {
    private let temporary = TemporaryHome()

    /// What a crash would leave is the files as they are at this moment.
    @Test func whatIsAcknowledgedIsInTheFilesAndNotOnlyGathered() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start)
        for round in 0..<20 {
            try log.given(round % 2 == 0 ? .pauseAutostop(seconds: nil, reason: nil) : .resumeAutostop)
            let copy = TemporaryHome()
            try copy.home.prepare()
            try? FileManager.default.removeItem(atPath: copy.home.database)
            for end in ["", "-wal"] {
                try FileManager.default.copyItem(
                    atPath: temporary.home.database + end, toPath: copy.home.database + end)
            }
            let found = try EventLog(home: copy.home).state(of: .dev)
            #expect(try found == log.state(of: .dev))
        }
    }

    /// More than is gathered at a time, and pages that are read again before they are committed.
    @Test func aLargeTransactionIsWrittenInPieces() throws {
        let log = try EventLog(home: temporary.home)
        try log.queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA cache_size = 10; CREATE TABLE large (text TEXT)")
        }
        try log.writing { db in
            for number in 0..<500 {
                try db.execute(
                    sql: "INSERT INTO large VALUES (?)",
                    arguments: [String(repeating: String(number), count: 5_000)])
            }
            try db.execute(sql: "UPDATE large SET text = text || 'x' WHERE rowid % 3 = 0")
        }
        let problems: String? = try temporary.value("PRAGMA integrity_check")
        let count: Int? = try temporary.value("SELECT count(*) FROM large WHERE text LIKE '%x'")
        #expect(problems == "ok")
        #expect(count == 166)
    }

    /// Pages of a transaction that is too large for the cache are written before it commits, and lie in the place in which
    /// others commit once it is rolled back.
    @Test func whatIsRolledBackIsNotWrittenOverWhatOthersCommit() throws {
        struct Undone: Error {}
        let (log, other) = (try EventLog(home: temporary.home), try EventLog(home: temporary.home))
        try log.queue.writeWithoutTransaction { db in
            try db.execute(sql: "CREATE TABLE large (text TEXT); PRAGMA cache_size = 10")
            try db.checkpoint(.truncate)
        }
        #expect(throws: LogFailure.self) {
            try log.writing { db in
                for _ in 0..<30 {
                    try db.execute(
                        sql: "INSERT INTO large VALUES (?)", arguments: [String(repeating: "x", count: 3_000)])
                }
                throw Undone()
            }
        }
        _ = try other.submit(.start, to: .dev, by: .ann)
        for number in 1...30 {
            _ = try other.submit(.setAutostop(.byHand(seconds: Double(number))), to: .dev, by: .ann)
        }
        let position = try other.lastPosition()
        _ = try log.lastPosition()
        try log.queue.close()
        // As the disk has it, were everything to end here.
        let image = TemporaryHome()
        try image.home.prepare()
        for name in ["dwell.db", "dwell.db-wal"] {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: temporary.home.path + "/" + name))
            try bytes.write(to: URL(fileURLWithPath: image.home.path + "/" + name))
        }
        let found = try EventLog(home: image.home)
        #expect(try found.lastPosition() == position)
        #expect(try found.firstBrokenPosition() == nil)
        #expect(try found.queue.read { try String.fetchOne($0, sql: "PRAGMA integrity_check") } == "ok")
    }

    /// What a sync failed to bring to the disk is written anew, all of a WAL that is longer than one write.
    @Test func aSyncThatFailedIsMadeGood() throws {
        _ = try Recording.of(temporary.home.path) { pen in
            let log = try EventLog(home: temporary.home)
            try log.queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA wal_autocheckpoint = 0") }
            try log.given(.start)
            for number in 1...40 { try log.given(.setAutostop(.byHand(seconds: Double(number)))) }
            let size = try FileManager.default.attributesOfItem(atPath: log.path + "-wal")[.size] as? Int ?? 0
            #expect(size > 300_000)
            pen.failSyncs(1)
            try log.given(.setAutostop(.byHand(seconds: 70)))
            #expect(access(temporary.home.doubt, F_OK) != 0)
            pen.failSyncs(2)
            #expect(throws: SubmitError.self) { try log.given(.setAutostop(.byHand(seconds: 71))) }
            #expect(access(temporary.home.doubt, F_OK) == 0)
            try log.queue.close()
            // Whoever comes later sees to it, and only then is anything acknowledged.
            let next = try EventLog(home: temporary.home)
            pen.failSyncs(1)
            #expect(throws: SubmitError.self) { try next.given(.setAutostop(.byHand(seconds: 72))) }
            try next.given(.setAutostop(.byHand(seconds: 73)))
            #expect(access(temporary.home.doubt, F_OK) != 0)
            #expect(try next.firstBrokenPosition() == nil)
            try next.queue.close()
        }
    }

    @Test func onlyAWALGathers() throws {
        let log = try EventLog(home: temporary.home)
        func gathers(_ queue: DatabaseQueue) throws -> Bool {
            try queue.writeWithoutTransaction { db in
                var gathers = false
                try db.inTransaction(.immediate) {
                    let connection = UnsafeMutableRawPointer(db.sqliteConnection)
                    gathers = gathered_writes_begin(connection) == 1
                    gathered_writes_end(connection, 0)
                    return .rollback
                }
                return gathers
            }
        }
        #expect(try gathers(log.queue))
        #expect(try !gathers(DatabaseQueue()))
    }
}

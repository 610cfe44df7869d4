import Foundation
import EventLog
import Lifecycle
import LoadBalancer
import Logging
import Testing

@testable import Controller

/// The file in which the controller reads what its load balancers see.
@Suite struct TrafficReporterTests {
    /// A folder of its own for the file, removed afterwards.
    private func withPath(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("dwell-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder.appendingPathComponent("traffic.json").path)
    }

    private func reporter(_ path: String, pause: Duration = .seconds(1)) -> TrafficReporter {
        TrafficReporter(
            path: path, generation: 7, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, pause: pause)
    }

    /// Waits for a report for which `isWanted` holds.
    private func report(
        _ path: String, _ what: String, where isWanted: (TrafficReport) -> Bool
    ) async throws -> TrafficReport {
        var report: TrafficReport?
        try await Patience.until(what) {
            report = TrafficReporter.read(path)
            return report.map(isWanted) ?? false
        }
        return try #require(report)
    }

    @Test func whatHappensIsWrittenDown() async throws {
        try await withPath { path in
            try await Stage.with { stage in
                let following = Task { await reporter(path).follow(stage.balancer) }
                defer { following.cancel() }
                let first = try await report(path, "a report of nothing") { _ in true }
                #expect(first.generation == 7)
                #expect(first.lastRequestAtMicroseconds == nil)
                #expect(first.totalRequests == 0)
                let client = try await stage.connect()
                try await client.send(Stage.get)
                let busy = try await report(path, "a request under way") { $0.inFlight == 1 }
                #expect(busy.perReplicaInFlight == [1: 1])
                #expect(busy.totalRequests == 1)
                #expect(busy.recent.map(\.count) == [1])
                let at = try #require(busy.lastRequestAtMicroseconds)
                #expect(at <= busy.writtenAtMicroseconds)
                #expect(busy.requests(inTheLast: 60, at: at / 1_000_000) == 1)
                let upstream = try await stage.replica.accept()
                _ = try await upstream.head()
                try await upstream.send(Stage.ok)
                let idle = try await report(path, "no request under way") { $0.inFlight == 0 }
                #expect(idle.perReplicaInFlight == [:])
                #expect(idle.lastRequestAtMicroseconds == at)
                #expect(first.isServing && idle.isServing)
                let quietSince = try #require(idle.quietSince)
                #expect(quietSince.wallMicroseconds >= at && quietSince != first.quietSince)
                let permissions = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
                #expect(permissions as? Int == 0o600)
                following.cancel()
                await following.value
                #expect(!FileManager.default.fileExists(atPath: path + ".new"))
            }
        }
    }

    /// A process that is started again goes on where the last one was killed, but for what it had under way.
    @Test func aReportIsCarriedOn() async throws {
        try await withPath { path in
            let now = Int64(Date().timeIntervalSince1970)
            let earlier = TrafficReport(
                generation: 7, writtenAtMicroseconds: now * 1_000_000,
                lastRequestAtMicroseconds: now * 1_000_000 - 5, totalRequests: 40, inFlight: 3, held: 2,
                perReplicaInFlight: [4: 3],
                // Of seconds to come, so that it does not matter how long this test takes.
                recent: [.init(second: now - 100, count: 30), .init(second: now + 300, count: 10)])
            try TrafficReporter.write(earlier, to: path)
            #expect(TrafficReporter.read(path) == earlier)
            try await Stage.with { stage in
                let following = Task { await reporter(path).follow(stage.balancer) }
                defer { following.cancel() }
                let first = try await report(path, "a report of its own") { $0.inFlight == 0 }
                #expect(first.lastRequestAtMicroseconds == earlier.lastRequestAtMicroseconds)
                #expect(first.totalRequests == 40)
                #expect(first.held == 0)
                #expect(first.quietSince != nil, "from when its requests ended with it")
                #expect(first.perReplicaInFlight == [:])
                #expect(first.recent == [.init(second: now + 300, count: 10)])
                _ = try await stage.warmUp()
                let next = try await report(path, "one more request") { $0.totalRequests == 41 }
                #expect(next.recent.map(\.count).reduce(0, +) == 11)
                #expect(try #require(next.lastRequestAtMicroseconds) >= now * 1_000_000)
            }
        }
    }

    /// The one that was there before has said for long that nobody asks: who goes by that hears of the next request before
    /// the pause is over, which here it never is.
    @Test func whatEndsASilenceIsToldAtOnce() async throws {
        try await withPath { path in
            let now = try Clock.now()
            var earlier = TrafficReport(generation: 7, writtenAtMicroseconds: 0, totalRequests: 40, isServing: true)
            earlier.quietSince = Instant(
                wallMicroseconds: now.wallMicroseconds - 9_000_000, bootMicroseconds: now.bootMicroseconds - 9_000_000,
                bootID: now.bootID)
            try TrafficReporter.write(earlier, to: path)
            try await Stage.with { stage in
                let following = Task { await reporter(path, pause: .seconds(3_600)).follow(stage.balancer) }
                defer { following.cancel() }
                let first = try await report(path, "a report of its own") { $0.writtenAtMicroseconds > 0 }
                #expect(first.quietSince == earlier.quietSince)
                _ = try await stage.warmUp()
                _ = try await report(path, "the request") { $0.totalRequests == 41 }
            }
        }
    }

    @Test(arguments: ["", "{", "[]", "{\"generation\": \"x\"}"]) func nonsenseIsNoReport(text: String) async throws {
        try await withPath { path in
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            #expect(TrafficReporter.read(path) == nil)
        }
    }

    @Test func aWindowOfSeconds() {
        let report = TrafficReport(
            generation: 1, writtenAtMicroseconds: 0,
            recent: [
                .init(second: 40, count: 1), .init(second: 41, count: 2), .init(second: 100, count: 4),
                .init(second: 101, count: 8),
            ])
        #expect(report.requests(inTheLast: 60, at: 100) == 6)
        #expect(report.requests(inTheLast: 60, at: 101) == 12)
        #expect(report.requests(inTheLast: 60, at: 200) == 0)
    }
}

import EventLog
import Foundation
import Lifecycle
import LoadBalancer
import Logging

/// Writes down what a load balancer sees of its traffic, for the controller to scale and drain by.
///
/// The file is replaced whole, so that a reader never sees half of it. It is written at once when something happens after
/// a quarter of a second of silence or somebody waits for it, and otherwise at most once a second; while nothing happens,
/// nothing is written.
public struct TrafficReporter: Sendable {
    let path: String
    let generation: Int
    let logger: Logger

    var pause = Duration.seconds(1)

    private enum Tick: Sendable {
        case changed(TrafficChange)
        /// The pause since the last report is over.
        case due
    }

    /// Writes reports until cancelled.
    func follow(_ balancer: LoadBalancer) async {
        let earlier = Self.read(path)
        // What an earlier process had under way ended with it.
        var last = await write(balancer, earlier, after: earlier)
        var lastWritten = ContinuousClock.now
        var isScheduled = false
        let (ticks, continuation) = AsyncStream.makeStream(of: Tick.self)
        let changes = Task {
            for await change in balancer.trafficChanges { continuation.yield(.changed(change)) }
            continuation.finish()
        }
        defer { changes.cancel() }
        // One that keeps nothing of its children: there is one a second for as long as the service lives.
        await withDiscardingTaskGroup { group in
            for await tick in ticks {
                switch tick {
                case .changed where Self.breaksSilence(after: last): break
                case .changed(.some) where isScheduled: continue
                case .changed(.some) where lastWritten + pause > .now:
                    isScheduled = true
                    let due = lastWritten + pause
                    group.addTask {
                        try? await Task.sleep(until: due)
                        continuation.yield(.due)
                    }
                    continue
                case .due: isScheduled = false
                case .changed: break
                }
                if Task.isCancelled { break }
                last = await write(balancer, earlier, after: last)
                lastWritten = .now
            }
            group.cancelAll()
        }
    }

    /// Whether what comes after a report ends a silence that somebody may go by.
    private static func breaksSilence(after last: TrafficReport?) -> Bool {
        guard let last, let now = try? Clock.now() else { return false }
        return last.isQuiet(forMicroseconds: 250_000, at: now)
    }

    /// Writes one report, what `earlier` processes of the load balancer have seen included, and gives it back.
    private func write(
        _ balancer: LoadBalancer, _ earlier: TrafficReport?, after last: TrafficReport?
    ) async -> TrafficReport? {
        // Without traffic it has ended, and without a clock there is no log either.
        guard let traffic = try? await balancer.traffic(), let now = try? Clock.now() else { return last }
        var report = Self.report(of: traffic, generation, earlier, at: now)
        report.carryOn(last, now: now)
        do {
            try Self.write(report, to: path)
        } catch {
            // The folder goes with the service, a moment before its load balancer does.
            let folder = (path as NSString).deletingLastPathComponent
            if FileManager.default.fileExists(atPath: folder) { logger.error("cannot write \(path): \(error)") }
        }
        return report
    }

    /// The report of `traffic`, and of what there was before it.
    private static func report(
        of traffic: Traffic, _ generation: Int, _ earlier: TrafficReport?, at now: Instant
    ) -> TrafficReport {
        var perSecond = traffic.perSecond
        for part in earlier?.recent ?? [] { perSecond[part.second, default: 0] += part.count }
        let oldest = now.wallMicroseconds / 1_000_000 - TrafficReport.recentSeconds
        let recent = perSecond.filter { $0.key > oldest }.sorted { $0.key < $1.key }
            .map { TrafficReport.SecondCount(second: $0.key, count: $0.value) }
        return TrafficReport(
            generation: generation, writtenAtMicroseconds: now.wallMicroseconds,
            lastRequestAtMicroseconds: traffic.lastRequestAtMicroseconds ?? earlier?.lastRequestAtMicroseconds,
            totalRequests: traffic.total + (earlier?.totalRequests ?? 0),
            inFlight: traffic.inFlight, held: traffic.held, perReplicaInFlight: traffic.perReplicaInFlight,
            routesVersion: traffic.routesVersion, isServing: traffic.isServing, recent: recent)
    }

    /// What the load balancer of a service has written last; nil when there is nothing, or nothing that can be read.
    public static func read(of service: ServiceName, in paths: ControllerPaths) -> TrafficReport? {
        read(paths.trafficReport(service))
    }

    /// The report in the file; nil when there is none, or none that can be read.
    static func read(_ path: String) -> TrafficReport? {
        guard let data = HomeFile.contents(path) else { return nil }
        return try? JSONDecoder().decode(TrafficReport.self, from: data)
    }

    /// Replaces the file. Not synced: after a power cut there is no traffic under way that it could tell of.
    static func write(_ report: TrafficReport, to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let data = try encoder.encode(report)
        let new = path + ".new"
        let file = Descriptor(owning: try HomeFile.open(new, O_WRONLY | O_CREAT | O_TRUNC))
        try file.write(data, to: new)
        guard rename(new, path) == 0 else { throw SystemError("rename \(new)") }
    }
}

import Dispatch
import EventLog
import Foundation
import Lifecycle
import LoadBalancer
import Logging

/// The process that a service's load balancer is. It reads its routes from the log and needs nobody
/// else, so it goes on serving when the controller process dies, and learns of a change within
/// milliseconds of the commit. When the log cannot be read it goes on with the routes it has.
public struct LoadBalancerProcess: Sendable {
    private let log: EventLog
    private let paths: ControllerPaths
    private var controller: ControllerName { paths.controller }
    private let reference: LoadBalancerReference
    private let logger: Logger

    public init(log: EventLog, paths: ControllerPaths, reference: LoadBalancerReference, logger: Logger) {
        self.log = log
        self.paths = paths
        self.reference = reference
        self.logger = logger
    }

    /// Serves on the listening socket `descriptor` until SIGTERM, or until the log says that this load
    /// balancer is not wanted any more.
    public func run(listening descriptor: CInt) async throws {
        let configuration = try configuration(listening: descriptor)
        let balancer = LoadBalancer(configuration: configuration, logger: logger)
        if case .table(let table) = readRoutes() { balancer.update(table) }
        try await balancer.start()
        let reporter = TrafficReporter(
            path: paths.trafficReport(reference.service), generation: reference.generation, logger: logger)
        // Until the last request has ended: whoever drains a replica waits for it.
        let reports = Task { await reporter.follow(balancer) }
        defer { reports.cancel() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await follow(balancer) }
            group.addTask { await Self.terminationSignal() }
            await group.next()
            group.cancelAll()
        }
        logger.info("draining")
        await balancer.shutDown(gracePeriodSeconds: LoadBalancerLauncher.drainSeconds)
    }

    private func configuration(listening descriptor: CInt) throws -> LoadBalancerConfiguration {
        let spec = try log.state(of: controller).services[reference.service]?.spec.loadBalancer ?? LoadBalancerSpec()
        let policy: BalancingPolicy =
            switch spec.policy {
            case .roundRobin: .roundRobin
            // Replicas of one machine have the same accelerators, so their loads are compared as they are.
            case .leastLoad, .instanceAwareLeastLoad: .leastLoad
            }
        return LoadBalancerConfiguration(
            listening: .inherited(descriptor: descriptor), policy: policy,
            streamTimeoutSeconds: spec.streamTimeoutSeconds)
    }

    /// Keeps the routes as the log says, until it says that there is nothing to serve.
    private func follow(_ balancer: LoadBalancer) async {
        var current: RoutingTable?
        for await _ in Commits.ticks(log.bell) {
            switch readRoutes() {
            case .notWanted: return
            case .unknown: continue
            case .table(let table):
                if table != current { balancer.update(table) }
                current = table
            }
        }
    }

    private enum Reading {
        case table(RoutingTable)
        /// The service is gone, or has another load balancer.
        case notWanted
        /// The log could not be read just now.
        case unknown
    }

    private func readRoutes() -> Reading {
        do {
            let state = try log.state(of: controller)
            guard let service = state.services[reference.service],
                service.loadBalancer?.generation == reference.generation
            else { return .notWanted }
            let ready = service.orderedReplicas.filter { $0.status == .ready }
            let table = RoutingTable(
                service: reference.service.rawValue,
                ready: ready.compactMap { replica in
                    replica.endpoint.map {
                        Route(replica: replica.id, host: $0.host, port: Int($0.port))
                    }
                },
                explanation: Self.explain(service))
            return .table(table)
        } catch LogFailure.replaced(let path) {
            // Its controller, which reads the log that is there now, starts another.
            logger.error("\(path) was replaced; ending")
            return .notWanted
        } catch {
            logger.error("\(error); going on with the routes there are")
            return .unknown
        }
    }

    /// What a client is told while no replica is ready.
    private static func explain(_ service: ServiceState) -> String {
        let counts = Dictionary(grouping: service.orderedReplicas, by: \.status).mapValues(\.count)
        let words = counts.sorted { $0.key.rawValue < $1.key.rawValue }.map { status, count in
            "\(count) replica\(count == 1 ? " is" : "s are") \(status.rawValue)"
        }
        return words.isEmpty ? "it has no replicas" : words.joined(separator: ", ")
    }

    private static func terminationSignal() async {
        signal(SIGTERM, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGTERM, queue: .global())
        let ticks = AsyncStream<Void> { continuation in
            source.setEventHandler { continuation.yield() }
            source.resume()
        }
        for await _ in ticks { return }
    }
}

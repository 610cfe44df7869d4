import CLinux
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
        let terminations = try Signals.ticks(of: SIGTERM)
        let configuration = LoadBalancerConfiguration(listening: .inherited(descriptor: descriptor))
        // A shell's usual 1,024 would be 448 clients. Nothing is started here that would inherit it.
        let openFiles = clinux_open_file_limit(Int64(configuration.wantedOpenFiles))
        logger.info("at most \(openFiles) open files")
        let balancer = LoadBalancer(configuration: configuration, logger: logger)
        if case .routes(let table, let rules, let spoken) = readRoutes() {
            balancer.update(rules)
            balancer.update(table)
            balancer.speak(spoken)
        } else {
            balancer.speak(.unknown)
        }
        try await balancer.start()
        let reporter = TrafficReporter(
            path: paths.trafficReport(reference.service), generation: reference.generation, logger: logger)
        // Until the last request has ended: whoever drains a replica waits for it.
        let reports = Task { await reporter.follow(balancer) }
        defer { reports.cancel() }
        let certificate = Task { await balancer.followCertificate() }
        defer { certificate.cancel() }
        let isTold = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await follow(balancer)
                return false
            }
            group.addTask {
                for await _ in terminations { break }
                return true
            }
            defer { group.cancelAll() }
            return await group.next() ?? true
        }
        if isTold, !isToEnd() {
            // Somebody else's signal: the next one takes its place, to which whoever connects from now on is let.
            logger.warning("told to end by somebody other than the controller")
            await balancer.stopAccepting()
            return await balancer.shutDown(gracePeriodSeconds: Self.unaskedSeconds)
        }
        logger.info("draining")
        await balancer.shutDown(gracePeriodSeconds: drainSeconds())
    }

    /// Keeps the routes as the log says, until it says that there is nothing to serve.
    private func follow(_ balancer: LoadBalancer) async {
        var current: (table: RoutingTable, rules: BalancingRules, spoken: FrontProtocol)?
        let bell = ServiceBell(home: paths.home, controller: controller, service: reference.service)
        do {
            try bell.hang()
        } catch {
            logger.error("changes are noticed late: \(error)")
        }
        for await _ in Commits.quietTicks(log, at: bell.path) {
            switch readRoutes() {
            case .notWanted: return
            case .replaced: return await balancer.stopAccepting()
            case .unknown: continue
            case .routes(let table, let rules, let spoken):
                if spoken != current?.spoken { balancer.speak(spoken) }
                // Its controller, which sees it end, says why nobody can connect, and starts another once somebody could.
                if balancer.lacksPair { return }
                if rules != current?.rules { balancer.update(rules) }
                if table != current?.table { balancer.update(table) }
                current = (table, rules, spoken)
            }
        }
    }

    /// Whether the log says that it is to end, or does not say.
    private func isToEnd() -> Bool {
        guard let service = (try? log.state(of: controller))?.services[reference.service],
            let balancer = service.loadBalancer, balancer.generation == reference.generation
        else { return true }
        if case .removing = balancer.phase { return true }
        return false
    }

    /// How long requests under way have to end when nobody is there yet for those that come.
    private static let unaskedSeconds: Double = 1

    /// How long requests under way have to end: as long as those of a replica that is drained.
    private func drainSeconds() -> Double {
        let service = (try? log.state(of: controller))?.services[reference.service]
        return service?.spec.replicaDrainDelaySeconds ?? ServiceSpec.standardDrainDelaySeconds
    }

    private enum Reading {
        case routes(RoutingTable, BalancingRules, FrontProtocol)
        /// The service is gone, or has another load balancer.
        case notWanted
        /// Another log is there, whose controller starts a load balancer of its own at the same port.
        case replaced
        /// The log could not be read just now.
        case unknown
    }

    private func readRoutes() -> Reading {
        do {
            let state = try log.state(of: controller)
            guard let service = state.services[reference.service],
                service.loadBalancer?.generation == reference.generation
            else { return .notWanted }
            return .routes(
                Routes.table(of: service, version: state.version), Routes.rules(of: service),
                Routes.spoken(of: service))
        } catch LogFailure.replaced(let path) {
            logger.error("\(path) was replaced; ending")
            return .replaced
        } catch {
            logger.error("\(error); going on with the routes there are")
            return .unknown
        }
    }
}

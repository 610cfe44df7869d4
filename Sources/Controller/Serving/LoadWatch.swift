import Foundation
import Lifecycle

/// Looks at what a load balancer reports of its traffic, and says when it asks for another number of replicas.
struct LoadWatch: Sendable {
    let balancer: LoadBalancerReference
    /// Where the load balancer writes its report.
    let reportPath: String
    let state: @Sendable () async -> ControllerState
    let report: @Sendable (Command) async -> Void

    /// Watches until cancelled.
    func run() async {
        var autoscaler = Autoscaler()
        var version: Int?
        var lastDecision: ContinuousClock.Instant?
        let folder = (reportPath as NSString).deletingLastPathComponent
        // A report that changes comes at once, which matters while there is no replica: somebody waits.
        for await _ in Changes.ticks(at: folder) {
            guard let service = await state().services[balancer.service] else { continue }
            await lookForUse(of: service)
            guard !service.spec.replicaPolicy.isFixed else { continue }
            let isAtZero = service.replicasForLoad == 0
            let traffic = TrafficReporter.read(reportPath)
            let isWaitedFor = isAtZero && (traffic?.held ?? 0) > 0
            let interval = service.spec.replicaPolicy.decisionIntervalSeconds(atZero: isAtZero)
            if let lastDecision, !isWaitedFor, ContinuousClock.now - lastDecision < .seconds(interval) { continue }
            guard let traffic, traffic.generation == balancer.generation else { continue }
            if version != service.version { autoscaler = Autoscaler() }
            version = service.version
            lastDecision = .now
            let now = Int64(Date().timeIntervalSince1970 * 1_000_000)
            guard let change = autoscaler.decide(traffic.load(of: service, atMicroseconds: now), for: service) else {
                continue
            }
            await report(
                .scale(
                    Command.Scale(
                        loadBalancer: balancer, version: service.version, from: service.replicasForLoad,
                        to: change.to, reason: change.reason)))
        }
    }

    /// Says so when nobody has asked for a service for as long as it says. What its load balancer has written
    /// down outlives this process and the load balancer's, so that a crash begins no new count.
    private func lookForUse(of service: ServiceState) async {
        guard let limit = service.spec.idleDownSeconds, let readySince = service.readySinceMicroseconds,
            let traffic = TrafficReporter.read(reportPath), traffic.generation == balancer.generation,
            traffic.inFlight == 0, traffic.held == 0
        else { return }
        let now = Int64(Date().timeIntervalSince1970 * 1_000_000)
        let idle = now &- max(traffic.lastRequestAtMicroseconds ?? readySince, readySince)
        guard Double(idle) / 1e6 >= limit else { return }
        await report(.serviceUnused(balancer, version: service.version, idleMicroseconds: idle))
    }
}

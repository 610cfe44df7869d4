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
}

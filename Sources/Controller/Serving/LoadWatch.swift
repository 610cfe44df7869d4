import EventLog
import Foundation
import Lifecycle

/// Looks at what a load balancer reports of its traffic, and says when it asks for another number of replicas, or
/// that nobody asks for the service any more.
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
            guard let service = await state().services[balancer.service], let now = try? Clock.now(),
                let traffic = TrafficReporter.read(reportPath), traffic.generation == balancer.generation
            else { continue }
            if let command = traffic.lackOfUse(of: service, by: balancer, at: now) { await report(command) }
            guard !service.launchedSpec.replicaPolicy.isFixed else { continue }
            let isAtZero = service.replicasForLoad == 0
            let isWaitedFor = isAtZero && traffic.held > 0
            let interval = service.launchedSpec.replicaPolicy.decisionIntervalSeconds(atZero: isAtZero)
            if let lastDecision, !isWaitedFor, ContinuousClock.now - lastDecision < .seconds(interval) { continue }
            // What it counts is of one policy.
            let launched = service.launchedVersion ?? service.version
            if version != launched { autoscaler = Autoscaler() }
            version = launched
            lastDecision = .now
            let load = traffic.load(of: service, atMicroseconds: now.wallMicroseconds)
            guard let change = autoscaler.decide(load, for: service) else { continue }
            await report(
                .scale(
                    Command.Scale(
                        loadBalancer: balancer, version: service.version, from: service.replicasForLoad,
                        to: change.to, reason: change.reason)))
        }
    }
}

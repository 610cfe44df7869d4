import EventLog
import Foundation
import Lifecycle

/// Starts, watches and ends load balancer processes. The socket is bound here and handed over, so that
/// a port that is taken is known at once and in words.
struct LoadBalancerLauncher: Sendable {
    let paths: ControllerPaths
    let logID: String
    let environment: [String: String]

    func launch(_ reference: LoadBalancerReference, _ endpoint: Endpoint) async throws -> Handle {
        if let existing = await tree(of: reference).alive().first {
            return ProcessIdentity(pid: existing.pid, startTicks: existing.startTicks, boot: Boot.current).handle
        }
        let listener = try Listener(endpoint)
        try paths.home.makeDirectory(paths.serviceLogDirectory(reference.service))
        try paths.home.makeDirectory(paths.runDirectory(reference.service))
        var environment = environment
        environment["DWELL_HOME"] = paths.home.path
        let pid = try Spawn(
            executable: Spawn.dwell,
            arguments: [
                "dwell", "load-balancer", "--controller", paths.controller.rawValue, "--service",
                reference.service.rawValue, "--generation", String(reference.generation),
            ],
            environment: environment, cookie: cookie(of: reference), workingDirectory: "/",
            log: paths.loadBalancerLog(reference.service),
            inherited: listener.descriptor.raw
        ).start()
        let startTicks = ProcessTable.entry(of: pid)?.startTicks ?? 0
        return ProcessIdentity(pid: pid, startTicks: startTicks, boot: Boot.current).handle
    }

    /// Waits for its end; nil when the task was cancelled first.
    func ended(_ reference: LoadBalancerReference, _ handle: Handle) async -> String? {
        guard let identity = ProcessIdentity(handle) else { return "its process is not known" }
        guard identity.boot == Boot.current else { return "the machine was booted again" }
        await identity.waitUntilEnded()
        return Task.isCancelled ? nil : "its process ended"
    }

    /// Ends it.
    ///
    /// - Parameter drainSeconds: how long it may take for the requests under way to end.
    func end(_ reference: LoadBalancerReference, drainSeconds: Double) async -> String? {
        if let leftovers = await tree(of: reference).end(gracePeriodSeconds: drainSeconds + 1) { return leftovers }
        paths.removeTrafficReport(reference.service)
        return nil
    }

    private func tree(of reference: LoadBalancerReference) -> ProcessTree {
        ProcessTree(cookie: cookie(of: reference))
    }

    private func cookie(of reference: LoadBalancerReference) -> Cookie {
        Cookie(
            logID: logID, controller: paths.controller, service: reference.service, replica: nil,
            generation: reference.generation)
    }
}

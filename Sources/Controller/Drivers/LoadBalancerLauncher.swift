import EventLog
import Foundation
import Lifecycle

/// Starts, watches and ends load balancer processes. The socket is bound here and handed over, and its certificate looked
/// at, so that a port that is taken, or a key that is gone, is known at once and in words.
struct LoadBalancerLauncher: Sendable {
    let paths: ControllerPaths
    let logID: String
    let environment: [String: String]
    private let listeners = KeptListeners()

    /// - Parameter tls: what it is to serve HTTPS with. Nothing is started that could serve nobody without it.
    func launch(_ reference: LoadBalancerReference, _ endpoint: Endpoint, tls: TLSFiles?) async throws -> Handle {
        if let existing = await tree(of: reference).alive().first {
            return ProcessIdentity(pid: existing.pid, startTicks: existing.startTicks, boot: Boot.current).handle
        }
        if let problem = tls.flatMap({ TLSExamination(reading: $0).problem }) {
            release(reference)
            throw LaunchFailure("TLS cannot be spoken: \(problem.message)")
        }
        let socket = try listeners.socket(of: reference, at: endpoint)
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
            inherited: socket.listener.descriptor.raw
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

    /// Has who connects refused until it is launched: it will be a while.
    func release(_ reference: LoadBalancerReference) { listeners.release(reference) }

    /// Ends it.
    ///
    /// - Parameter drainSeconds: how long it may take for the requests under way to end.
    func end(_ reference: LoadBalancerReference, drainSeconds: Double) async -> String? {
        // First, for what cannot be ended may be given up, and nobody would let go of it then.
        release(reference)
        if let leftovers = await tree(of: reference).end(gracePeriodSeconds: drainSeconds + 1) { return leftovers }
        paths.removeLoadBalancerFiles(reference.service)
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

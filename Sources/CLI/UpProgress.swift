import Controller
import EventLog
import Foundation
import Lifecycle

/// Shows what happens to a service from its `up` until it is READY or has failed.
struct UpProgress {
    let service: ServiceName
    let session: Session
    let begun: ContinuousClock.Instant

    /// Follows the log until the service is READY.
    ///
    /// - Parameters:
    ///   - position: events after it are shown.
    ///   - generation: when this life of the name was requested; another means it was taken down.
    /// - Throws: ``CommandFailure`` when it failed, with the reason and the tail of the replica's log.
    func follow(_ controller: ControllerName, after position: Int, generation: Int64) async throws(CommandFailure) {
        var seen = position
        var steps = UpSteps()
        var watch = ControllerWatch(session, controller)
        for await _ in Commits.promptTicks(session.log.bell, safetyPollSeconds: 0.5) {
            let state = try session.read { (log) throws(LogFailure) in try log.state(of: controller) }
            // Events up to that state, and perhaps later ones: never fewer than it was folded from.
            let events = try session.read { (log) throws(LogFailure) in try log.events(after: seen) }
            for event in events {
                seen = event.position
                guard event.controller == controller, event.event.service == nil || event.event.service == service
                else { continue }
                steps.note(event)
                if let line = steps.describe(event) { print("  \(elapsed)  \(line)") }
            }
            guard let now = state.services[service], now.requestedAtMicroseconds == generation else {
                throw CommandFailure("service \(service) was taken down before it was ready")
            }
            switch now.status {
            case .ready:
                try session.beSure()
                let part =
                    now.readyReplicas < now.targetReplicas
                    ? " (\(now.readyReplicas) of \(now.targetReplicas) replicas)" : ""
                print(
                    "Service \(service) is READY\(part) after \(TimeText.seconds(since: begun)): \(now.url)"
                )
                if let summary = steps.summary { print("  \(summary)") }
                return
            case .failed:
                throw failure(now, controller, steps)
            case .controllerFailed:
                throw CommandFailure(
                    "controller \(controller) could not be started: \(state.statusReason(of: now) ?? "no reason known")"
                )
            case .noReplica where now.targetReplicas == 0 && now.loadBalancer?.isRunning == true:
                try session.beSure()
                let waits =
                    now.mayHaveReplicas ? "; the first request starts one, and waits for it" : ", as its file asks"
                print("Service \(service) is up with no replica\(waits): \(now.url)")
                return
            case .noReplica, .shuttingDown, .failedCleanup, .controllerInit, .replicaInit, .notReady:
                break
            }
            if case .stopped = state.phase {
                throw CommandFailure(
                    "controller \(controller) was stopped before service \(service) was ready; `dwell start \(controller)` goes on"
                )
            }
            try watch.look(state)
        }
    }

    private var elapsed: String {
        let text = TimeText.seconds(since: begun)
        return String(repeating: " ", count: max(0, 8 - text.count)) + text
    }

    private func failure(_ service: ServiceState, _ controller: ControllerName, _ steps: UpSteps) -> CommandFailure {
        let reason = service.whyLaunchesStopped ?? "no reason known"
        steps.tellOfFailure(of: service, session.paths(controller))
        return CommandFailure(
            "service \(service.name) FAILED: \(reason); whole log: dwell logs \(service.name); remove it: dwell down \(service.name)"
        )
    }
}

/// What is worth showing of the events of an `up`, and how long each step took.
struct UpSteps {
    private var logTails: [Int: String] = [:]
    private var startMicroseconds: Int64?
    private var launchedAt: [Int: Int64] = [:]
    private var startedAt: [Int: Int64] = [:]
    private var hasSetup = false
    private var setupMicroseconds: Int64?
    private var readyMicroseconds: Int64?

    mutating func note(_ recorded: RecordedEvent) {
        let at = recorded.stamp.atMicroseconds
        switch recorded.event {
        case .controllerStarted(let event): startMicroseconds = event.tookMicroseconds
        case .serviceUpRequested(let event): hasSetup = event.spec.setup != nil
        case .serviceUpdated(let event): hasSetup = event.spec.setup != nil
        case .replicaLaunched(let event): launchedAt[event.replica] = at
        case .replicaStarting(let event):
            startedAt[event.replica] = at
            if setupMicroseconds == nil { setupMicroseconds = launchedAt[event.replica].map { at - $0 } }
        case .replicaReady(let event):
            if readyMicroseconds == nil { readyMicroseconds = startedAt[event.replica].map { at - $0 } }
        case .replicaEnded(let event): logTails[event.replica] = event.logTail
        default: break
        }
    }

    /// Shows the end of the log of the replica whose failure tells most of why the service does not come up.
    func tellOfFailure(of service: ServiceState, _ paths: ControllerPaths) {
        guard let replica = service.mostTellingFailure?.id,
            let tail = logTails[replica] ?? LogTail.read(paths.replicaLog(service.name, replica))
        else { return }
        print("--- the end of the log of replica \(replica) ---\n\(tail)\n---", to: .error)
    }

    /// A line for the person who waits; nil for what only the log needs to know.
    func describe(_ recorded: RecordedEvent) -> String? { sentence(recorded)?.printable }

    private func sentence(_ recorded: RecordedEvent) -> String? {
        switch recorded.event {
        case .controllerStarting(let event):
            event.heldUntil.map { held in
                "controller \(recorded.controller): \(HeldStartText.line(until: held, event.heldBecause ?? ""))"
            } ?? "controller \(recorded.controller): starting"
        case .controllerStartDue: "controller \(recorded.controller): starting"
        case .controllerStarted: "controller \(recorded.controller): up"
        case .controllerRecovered: "controller \(recorded.controller): recovered after a crash"
        case .controllerWoken: "controller \(recorded.controller): was idle and warm"
        case .controllerStartRequested: "controller \(recorded.controller): is stopping; will start again"
        case .controllerStopping(let event) where event.latenessMicroseconds != nil:
            "controller \(recorded.controller): its idle window was over; stopping"
        case .controllerStopped: "controller \(recorded.controller): stopped"
        case .controllerStartFailed(let event): "controller \(recorded.controller): could not start: \(event.reason)"
        case .loadBalancerLaunched: "load balancer: listening"
        case .loadBalancerEnded(let event): "load balancer: \(event.reason)"
        case .replicaLaunched(let event):
            "replica \(event.replica): launched at \(event.endpoint)\(hasSetup ? ", setup runs" : "")"
        case .replicaStarting(let event): hasSetup ? "replica \(event.replica): setup done, run starts" : nil
        case .replicaProbeFailed(let event): "replica \(event.replica): not ready yet: \(event.evidence)"
        case .replicaReady(let event): "replica \(event.replica): READY (\(event.evidence))"
        case .replicaRemoving(let event):
            if case .failed(let status, let reason) = event.reason {
                "replica \(event.replica): \(status.rawValue): \(reason)"
            } else {
                nil
            }
        default: nil
        }
    }

    /// How long each step took; nil when none is known.
    var summary: String? {
        var parts: [String] = []
        func add(_ name: String, _ microseconds: Int64?) {
            guard let microseconds else { return }
            parts.append(String(format: "%@ %.2f s", name, Double(microseconds) / 1_000_000))
        }
        add("controller start", startMicroseconds)
        if hasSetup { add("setup", setupMicroseconds) }
        add("run to first READY", readyMicroseconds)
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }
}

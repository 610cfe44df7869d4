import Controller
import EventLog
import Foundation
import Lifecycle

/// Shows how the replicas of a service give way to those of a new version.
struct UpdateProgress {
    let service: ServiceName
    let version: Int
    let session: Session
    let begun: ContinuousClock.Instant

    /// Follows the log until the new version serves alone.
    ///
    /// - Parameter position: events after it are shown.
    /// - Throws: ``CommandFailure`` when the version does not come up, or another takes its place.
    func follow(_ controller: ControllerName, after position: Int) async throws(CommandFailure) {
        var seen = position
        var steps = UpSteps()
        var watch = ControllerWatch(session, controller)
        for await _ in Commits.promptTicks(session.log.bell, safetyPollSeconds: 0.5) {
            let state = try session.read { (log) throws(LogFailure) in try log.state(of: controller) }
            let events = try session.read { (log) throws(LogFailure) in try log.events(after: seen) }
            for event in events {
                seen = event.position
                guard event.controller == controller, event.event.service == service else { continue }
                steps.note(event)
                if let line = steps.describe(event) { print("  \(TimeText.seconds(since: begun))  \(line)") }
            }
            guard let now = state.services[service], !now.isEnding else {
                throw CommandFailure("service \(service) was taken down before version \(version) was ready")
            }
            guard now.version == version else {
                throw CommandFailure("version \(version) of service \(service) gave way to version \(now.version)")
            }
            if let reason = now.whyLaunchesStopped { throw failure(reason, now, controller, steps) }
            if now.isServedByThisVersionAlone {
                try session.beSure()
                print(
                    "Service \(service) has version \(version) after \(TimeText.seconds(since: begun)): \(now.url)"
                )
                return
            }
            guard state.needsProcess else {
                throw CommandFailure(
                    "controller \(controller) was stopped before version \(version) was ready; `dwell start \(controller)` goes on"
                )
            }
            try watch.look(state)
        }
    }

    private func failure(
        _ reason: String, _ service: ServiceState, _ controller: ControllerName, _ steps: UpSteps
    ) -> CommandFailure {
        steps.tellOfFailure(of: service, session.paths(controller))
        let serving = service.lastGoodVersion.map { "version \($0) goes on serving" } ?? "nothing serves"
        return CommandFailure(
            "version \(version) of service \(service.name) does not come up: \(reason); \(serving); "
                + "update it again, or: dwell update \(service.name) --rollback")
    }
}

extension ServiceState {
    /// Whether what is wanted of this version is ready, and nothing of an earlier one takes requests.
    fileprivate var isServedByThisVersionAlone: Bool {
        readyReplicasOfThisVersion >= targetReplicas
            && !orderedReplicas.contains {
                switch $0.phase {
                case .pending, .provisioning, .starting, .ready, .notReady: $0.version != version
                case .draining, .removing, .failed: false
                }
            }
    }
}

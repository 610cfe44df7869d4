import ArgumentParser
import EventLog
import Foundation
import Lifecycle

struct Down: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down",
        abstract: "Take services down; their controller stays warm for its idle window.",
        discussion: """
            The replicas and the load balancer are gone when it returns. Replicas finish the requests they \
            have first, within `replica_drain_delay`. At a terminal it asks first; -y answers.

            Examples:
              dwell down hello
              dwell down hello llm
              dwell down 'web-*'
              dwell down hello --replica-id 2
              dwell down --all --stop-controller
            """)

    @Argument(help: "Names of services, or patterns such as 'web-*'.", completion: .services)
    var names: [String] = []

    @Flag(name: .shortAndLong, help: "Take every service down.")
    var all = false

    @Option(help: "Only services of this controller.", completion: .controllers)
    var controller: String?

    @Flag(help: "Stop the controller as well, without waiting for its idle window.")
    var stopController = false

    @Option(
        name: .customLong("replica-id"),
        help: ArgumentHelp("Take away this one replica; another takes its place if as many are wanted.", valueName: "N")
    )
    var replicaID: Int?

    @Flag(
        name: .shortAndLong, help: "Forget what cannot be removed, once that was tried; the log says what may be left.")
    var purge = false

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    func validate() throws {
        if replicaID != nil {
            if all || names.count != 1 { throw ValidationError("--replica-id needs the name of one service") }
            if purge || stopController {
                throw ValidationError(
                    "--replica-id cannot be used together with \(purge ? "--purge" : "--stop-controller")")
            }
        }
        if all != names.isEmpty {
            throw ValidationError(
                all ? "give names or --all, not both" : "which service? give a name, or --all for every one")
        }
    }

    func run() async throws {
        let names = try names.map { try ServicePattern($0) }
        let only = try controller.map { try NameArgument.controller($0) }
        let session = try Session()
        let services = try ServiceDirectory(session, controller: only)
        if let replicaID { return try await remove(replicaID, of: services.find(names), session) }
        let targets = try all ? services.everything : services.find(names)
        if targets.isEmpty {
            print("No services\(only.map { " on controller \($0)" } ?? "").")
            if stopController {
                for controller in try only.map({ [$0] }) ?? session.runningControllers() {
                    try await ControllerChange.stop(controller, session)
                }
            }
            try session.ensureAllRunning()
            return
        }
        if stopController { try services.refuseIfOthersLive(on: targets) }
        let doomed = targets.values.joined().sorted().map(\.rawValue).joined(separator: ", ")
        guard yes || Question.isAgreed("Take down \(doomed)?") else { throw CommandFailure("nothing was taken down") }
        let begun = ContinuousClock.now
        let position = try session.read { (log) throws(LogFailure) in try log.lastPosition() }
        for (controller, names) in targets.sorted(by: { $0.key < $1.key }) {
            _ = try session.submit(purge ? .purge(names) : .down(names), to: controller)
        }
        Interruption.explain("what was asked for goes on: dwell status")
        for (controller, names) in targets.sorted(by: { $0.key < $1.key }) {
            let place = targets.count > 1 ? " on controller \(controller)" : ""
            try await waitUntilGone(names, controller, place, session, begun)
            if purge { try tellLeftovers(names, controller, after: position, session) }
        }
        for controller in targets.keys.sorted() {
            if stopController {
                try await ControllerChange.stop(controller, session)
            } else {
                try report(controller, session)
            }
        }
        try session.ensureAllRunning()
    }

    /// Takes one replica away, and waits until nothing of it is left.
    private func remove(
        _ id: Int, of targets: [ControllerName: [ServiceName]], _ session: Session
    ) async throws(CommandFailure) {
        guard let (controller, names) = targets.first, targets.count == 1, let name = names.first, names.count == 1
        else {
            throw CommandFailure("--replica-id needs the name of one service", exitCode: 2)
        }
        guard yes || Question.isAgreed("Take away replica \(id) of \(name)?") else {
            throw CommandFailure("nothing was taken away")
        }
        let begun = ContinuousClock.now
        _ = try session.submit(.removeReplica(name, replica: id), to: controller)
        Interruption.explain("what was asked for goes on: dwell status \(name)")
        var patience = Patience()
        try await session.wait(for: controller) { (state) throws(CommandFailure) in
            guard let service = state.services[name], let replica = service.replicas[id] else { return true }
            if replica.status == .failedCleanup {
                try patience.look([service], advice: "look at what is left: dwell explain \(name)")
            }
            // Somebody else's failure came first: nothing of it is left either.
            if case .failed = replica.phase { return true }
            return false
        }
        let state = try session.read { (log) throws(LogFailure) in try log.state(of: controller) }
        let wanted = state.services[name]?.targetReplicas ?? 0
        print(
            "Replica \(id) of service \(name) is gone (\(TimeText.seconds(since: begun)))"
                + (wanted > 0 ? "; \(wanted) \(wanted == 1 ? "is" : "are") wanted, so another takes its place." : "."))
        try session.ensureAllRunning()
    }

    private func waitUntilGone(
        _ names: [ServiceName], _ controller: ControllerName, _ place: String, _ session: Session,
        _ begun: ContinuousClock.Instant
    ) async throws(CommandFailure) {
        var left = names
        var patience = Patience()
        try await session.wait(for: controller) { (state) throws(CommandFailure) in
            for name in left {
                if state.services[name]?.isEnding == true { continue }
                print("Service \(name)\(place) is down (\(TimeText.seconds(since: begun))).")
                left.removeAll { $0 == name }
            }
            try patience.look(
                left.compactMap { state.services[$0] }, advice: "what cannot be removed is given up with --purge")
            return left.isEmpty
        }
    }

    /// What was given up, which the user may have to see to.
    private func tellLeftovers(
        _ names: [ServiceName], _ controller: ControllerName, after position: Int, _ session: Session
    ) throws(CommandFailure) {
        let events = try session.read { (log) throws(LogFailure) in try log.events(after: position) }
        for recorded in events where recorded.controller == controller {
            switch recorded.event {
            case .replicaGone(let gone) where names.contains(gone.service):
                guard let left = gone.leftovers else { continue }
                print("  may be left of replica \(gone.replica) of \(gone.service): \(left)")
            case .loadBalancerGone(let gone) where names.contains(gone.service):
                guard let left = gone.leftovers else { continue }
                print("  may be left of the load balancer of \(gone.service): \(left)")
            default: continue
            }
        }
    }

    /// When the controller will stop, and how to stop it now.
    private func report(_ name: ControllerName, _ session: Session) throws(CommandFailure) {
        let state = try session.read { (log) throws(LogFailure) in try log.state(of: name) }
        switch state.phase {
        case .idle(let idle):
            let now = try session.read { (_) throws(LogFailure) in try Clock.now() }
            if let deadline = idle.deadline {
                let left = max(0, deadline.remainingMicroseconds(at: now))
                let ends = state.policy.down?.value == true ? "is terminated" : "stops"
                guard deadline.spanMicroseconds > 0 else {
                    return print("Controller \(name) is idle, and \(ends) at once.")
                }
                print(
                    "Controller \(name) is idle and stays warm: it \(ends) at \(TimeText.clock(inMicroseconds: left, now)) "
                        + "(in \(TimeText.shortSpan(microseconds: left))) unless a service is brought up.")
            } else {
                let why =
                    state.pause.map { "autostop is paused by \($0.by)" }
                    ?? (state.policy.idleTimeoutSeconds == nil ? "autostop is off" : "keep_warm is all the time")
                print("Controller \(name) is idle and does not stop by itself (\(why)).")
            }
            print("  stop it now: dwell stop \(name)")
        case .up:
            let holders = state.liveServices.map(\.rawValue) + state.activeUses.map { "\($0) (wait_for)" }
            print("Controller \(name) stays up for \(holders.joined(separator: ", ")).")
        case .stopped: print("Controller \(name) is stopped.")
        case .absent, .starting, .stopping, .failed, .terminating, .terminated:
            print("Controller \(name) is \(state.status.rawValue).")
        }
    }
}

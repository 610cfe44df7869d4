import ArgumentParser
import EventLog
import Foundation
import Lifecycle

struct Down: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down",
        abstract: "Take services down; their controller stays warm for its idle window.",
        discussion: """
            The replicas and the load balancer are gone when it returns.

            Examples:
              dwell down hello
              dwell down hello llm
              dwell down --all --stop-controller
            """)

    @Argument(help: "Names of services.")
    var names: [String] = []

    @Flag(help: "Take every service down.")
    var all = false

    @Option(help: "Only services of this controller.")
    var controller: String?

    @Flag(help: "Stop the controller as well, without waiting for its idle window.")
    var stopController = false

    func validate() throws {
        if all != names.isEmpty {
            throw ValidationError(
                all ? "give names or --all, not both" : "which service? give a name, or --all for every one")
        }
    }

    func run() async throws {
        let names = try names.map { try NameArgument.service($0) }
        let only = try controller.map { try NameArgument.controller($0) }
        let session = try Session()
        let services = try ServiceDirectory(session, controller: only)
        let targets = try all ? services.everything : services.find(names)
        if targets.isEmpty {
            print("No services\(only.map { " on controller \($0)" } ?? "").")
            if let only, stopController { try await ControllerChange.stop(only, session) }
            try session.ensureAllRunning()
            return
        }
        if stopController { try services.refuseIfOthersLive(on: targets) }
        let begun = ContinuousClock.now
        for (controller, names) in targets.sorted(by: { $0.key < $1.key }) {
            _ = try session.submit(.down(names), to: controller)
        }
        Interruption.explain("what was asked for goes on: dwell status")
        for (controller, names) in targets.sorted(by: { $0.key < $1.key }) {
            try await waitUntilGone(names, controller, session, begun)
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

    private func waitUntilGone(
        _ names: [ServiceName], _ controller: ControllerName, _ session: Session, _ begun: ContinuousClock.Instant
    ) async throws(CommandFailure) {
        var left = names
        var saidStuck: Set<String> = []
        try await session.wait(for: controller) { (state) throws(CommandFailure) in
            for name in left {
                guard let service = state.services[name], service.isEnding else {
                    print("Service \(name) is down (\(TimeText.seconds(since: begun))).")
                    left.removeAll { $0 == name }
                    continue
                }
                if service.status == .failedCleanup, let reason = state.statusReason(of: service),
                    saidStuck.insert("\(name) \(reason)").inserted
                {
                    print("service \(name): \(reason); trying again", to: .error)
                }
            }
            return left.isEmpty
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
                print(
                    "Controller \(name) is idle and stays warm: it stops at \(TimeText.clock(inMicroseconds: left, now)) "
                        + "(in \(TimeText.span(microseconds: left))) unless a service is brought up.")
            } else {
                print("Controller \(name) is idle and never stops by itself (autostop is off).")
            }
            print("  stop it now: dwell stop \(name)")
        case .up:
            let live = state.liveServices.map(\.rawValue).joined(separator: ", ")
            print("Controller \(name) stays up for \(live).")
        case .absent, .starting, .stopping, .stopped, .failed, .terminating, .terminated:
            print("Controller \(name) is \(state.status.rawValue).")
        }
    }
}

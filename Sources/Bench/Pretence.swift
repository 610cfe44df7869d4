import EventLog
import Foundation
import Lifecycle
import TestKit

/// The world, pretended: what would be reported on the work that a state asks for, at once and always well. With it a
/// log or a fleet of any size comes about by the real rules and without a process.
enum Pretence {
    static let process = "pid:1:1:made-up"

    /// What comes next by itself; nil when nothing is under way.
    static func next(for state: ControllerState, at wallMicroseconds: Int64) -> Command? {
        if state.needsProcess, state.process != process { return .takeOver(process: process, from: state.process) }
        let due = state.pendingDeadlines.first { $0.deadline.wallMicroseconds <= wallMicroseconds }
        if let due { return .deadlineReached(due.key, generation: due.generation) }
        for work in state.outstanding {
            if let command = report(on: work, state) { return command }
        }
        return nil
    }

    private static func report(on work: Work, _ state: ControllerState) -> Command? {
        switch work {
        case .launchReplica(let replica): .replicaLaunched(replica, .sample, .sample)
        case .launchLoadBalancer(let reference, _): .loadBalancerLaunched(reference, .sample)
        case .removeLoadBalancer(let reference): .loadBalancerRemoved(reference)
        case .removeReplica(let replica): .replicaRemoved(replica)
        case .drainReplica(let replica, _, _): .replicaDrained(replica)
        case .runHook(_, let version): .hookEnded(version, .exited(code: 0))
        case .finishStop: .stopFinished
        case .finishTermination: .terminationFinished
        case .watchLoadBalancer, .watchLoad, .watchUse: nil
        case .watchReplica(let replica, _, _, _):
            switch state.services[replica.service]?.replicas[replica.id]?.phase {
            case .provisioning: .replicaStarted(replica)
            case .starting, .notReady:
                .replicaProbed(replica, isReady: true, evidence: "HTTP 200 in 1.2 ms")
            default: nil
            }
        }
    }

    static func instant(_ microseconds: Int64) -> Instant {
        Instant(wallMicroseconds: microseconds, bootMicroseconds: microseconds, bootID: "made-up")
    }

    static func service(_ number: Int) -> ServiceName { .sample("s\(number)") }

    static func up(_ service: ServiceName, port: UInt16, replicas: Int = 1, policy: AutostopPolicy = .standard)
        -> Command
    {
        .up(
            Command.Up(
                service: service, spec: .sample(replicas: replicas), policy: policy, host: "127.0.0.1",
                candidatePorts: [port]))
    }

    static let author = Author(actor: "ann@desk", component: "controller")
}

/// Prints what was measured for the harness to read.
func printJSON(_ value: some Encodable) throws {
    print(String(decoding: try JSONEncoder().encode(value), as: UTF8.self))
}

/// Microseconds that `body` takes.
func microseconds(_ body: () throws -> Void) rethrows -> Double {
    let begun = ContinuousClock.now
    try body()
    return (ContinuousClock.now - begun) / .nanoseconds(1) / 1000
}

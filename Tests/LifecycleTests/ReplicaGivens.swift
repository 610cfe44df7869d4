import Lifecycle
import TestKit

/// The phases of a replica, each reached the way it is reached in life.
enum GivenReplica: String, CaseIterable, Sendable {
    case pending
    case backingOff = "backing off"
    case provisioning, starting, ready
    case notReady = "not ready"
    case draining
    case removingUnlaunched = "removing, unlaunched"
    case removingUnwanted = "removing, unwanted"
    case removingFailed = "removing, failed"
    case removingPreempted = "removing, preempted"
    case stuck
    case stuckTriedAgain = "stuck, tried again"
    case failed

    /// The replica the table is about; the third is the first to be backed off.
    var id: Int { self == .backingOff ? 3 : 1 }

    func scenario() throws(Rejection) -> Scenario {
        var it = try Scenario.up(setup: "make")
        try it.launchLoadBalancer()
        switch self {
        case .pending: break
        case .backingOff:
            try it.makeReady(1)
            try it.crash(1)
            try it.launch(2)
            try it.crash(2)
            try it.removeEverything()
        case .provisioning: try it.launch(1)
        case .starting:
            try it.launch(1)
            try it.given(.replicaStarted(it.replica(1)))
        case .ready: try it.makeReady(1)
        case .notReady:
            try it.makeReady(1)
            try it.given(.replicaProbed(it.replica(1), isReady: false, evidence: "HTTP 503"))
        case .removingUnlaunched: try it.given(.down([.api]))
        case .draining:
            try it.makeReady(1)
            try it.given(.down([.api]))
        case .removingUnwanted:
            try it.makeReady(1)
            try it.given(.down([.api]), .replicaDrained(it.replica(1)))
        case .removingFailed:
            try it.makeReady(1)
            try it.crash(1)
        case .removingPreempted:
            try it.makeReady(1)
            try it.given(.replicaEnded(it.replica(1), .rebooted, logTail: nil))
        case .stuck: try it.makeStuck()
        case .stuckTriedAgain:
            try it.makeStuck()
            it.clock.advance(seconds: 10)
            try it.whenReached(.cleanup(.api, replica: 1))
        case .failed:
            try it.makeReady(1)
            try it.crash(1)
            try it.given(.replicaRemoved(it.replica(1)))
        }
        return it
    }

    var status: ReplicaStatus {
        switch self {
        case .pending, .backingOff: .pending
        case .provisioning: .provisioning
        case .starting: .starting
        case .ready: .ready
        case .notReady: .notReady
        case .draining, .removingUnlaunched, .removingUnwanted, .removingFailed: .shuttingDown
        case .removingPreempted: .preempted
        case .stuck, .stuckTriedAgain: .failedCleanup
        case .failed: .failed
        }
    }
}

extension Scenario {
    fileprivate mutating func makeStuck() throws(Rejection) {
        try makeReady(1)
        try crash(1)
        try given(.replicaRemovalFailed(replica(1), leftovers: "pid 12"))
    }
}

enum WhenReplica: String, CaseIterable, Sendable {
    case launched
    case launchFailed = "launch failed"
    case setupDone = "setup done"
    case probedReady = "probed ready"
    case probedNotReady = "probed not ready"
    case exited, rebooted, removed
    case removalFailed = "removal failed"
    case launchDeadline = "launch deadline"
    case readinessDeadline = "readiness deadline"
    case cleanupDeadline = "cleanup deadline"
    case drained
    case drainDeadline = "drain deadline"

    func command(about id: Int, in it: Scenario) -> Command {
        let replica = it.replica(id)
        return switch self {
        case .launched: .replicaLaunched(replica, .sample, .sample)
        case .launchFailed: .replicaLaunchFailed(replica, reason: "no bash")
        case .setupDone: .replicaStarted(replica)
        case .probedReady: .replicaProbed(replica, isReady: true, evidence: "HTTP 200")
        case .probedNotReady: .replicaProbed(replica, isReady: false, evidence: "HTTP 503")
        case .exited: .replicaEnded(replica, .exited(code: 1, stage: .run), logTail: nil)
        case .rebooted: .replicaEnded(replica, .rebooted, logTail: nil)
        case .removed: .replicaRemoved(replica)
        case .removalFailed: .replicaRemovalFailed(replica, leftovers: "pid 12")
        case .launchDeadline: it.reached(.launch(.api, replica: id), else: replica.generation)
        case .readinessDeadline: it.reached(.readiness(.api, replica: id), else: replica.generation)
        case .cleanupDeadline: it.reached(.cleanup(.api, replica: id), else: replica.generation)
        case .drained: .replicaDrained(replica)
        case .drainDeadline: it.reached(.drain(.api, replica: id), else: replica.generation)
        }
    }
}

/// The phases of a load balancer.
enum GivenLoadBalancer: String, CaseIterable, Sendable {
    case none, pending
    case pendingReplicaReady = "pending, replica ready"
    case backingOff = "backing off"
    case running
    case runningReplicaReady = "running, replica ready"
    case removing
    case removingUnlaunched = "removing, unlaunched"
    case removingLast = "removing, last of its service"
    case stuck
    case stuckTriedAgain = "stuck, tried again"

    func scenario() throws(Rejection) -> Scenario {
        var it = try Scenario.up()
        switch self {
        case .none:
            it = Scenario()
            try it.given(.up(.api))
        case .pending: break
        case .pendingReplicaReady: try it.makeReady(1)
        case .backingOff:
            for _ in 1...2 { try it.given(.loadBalancerEnded(it.loadBalancer(), reason: "signal 9")) }
        case .running: try it.launchLoadBalancer()
        case .runningReplicaReady: it = try .serving()
        case .removing:
            try it.launchLoadBalancer()
            try it.given(.down([.api]))
        case .removingUnlaunched: try it.given(.down([.api]))
        case .stuck, .stuckTriedAgain:
            try it.launchLoadBalancer()
            try it.given(
                .down([.api]), .loadBalancerRemovalFailed(it.loadBalancer(), leftovers: "process 13 does not end"))
            guard self == .stuckTriedAgain else { break }
            it.clock.advance(seconds: 10)
            try it.whenReached(.loadBalancerCleanup(.api))
        case .removingLast: try it.given(.down([.api]), .replicaRemoved(it.replica(1)))
        }
        return it
    }
}

enum WhenLoadBalancer: String, CaseIterable, Sendable {
    case launched, ended, removed
    case removalFailed = "removal failed"
    case cleanupDeadline = "cleanup deadline"
    case launchDeadline = "launch deadline"

    func command(in it: Scenario) -> Command {
        let loadBalancer = it.loadBalancer()
        return switch self {
        case .launched: .loadBalancerLaunched(loadBalancer, .sample)
        case .ended: .loadBalancerEnded(loadBalancer, reason: "signal 9")
        case .removed: .loadBalancerRemoved(loadBalancer)
        case .removalFailed: .loadBalancerRemovalFailed(loadBalancer, leftovers: "process 13 does not end")
        case .cleanupDeadline: it.reached(.loadBalancerCleanup(.api), else: loadBalancer.generation)
        case .launchDeadline: it.reached(.loadBalancerLaunch(.api), else: loadBalancer.generation)
        }
    }
}

extension Scenario {
    /// The report that a deadline is reached; under `generation` when nobody waits for such a one.
    fileprivate func reached(_ key: PendingDeadline.Key, else generation: Int) -> Command {
        .deadlineReached(key, generation: pending(key)?.generation ?? generation)
    }
}

import Lifecycle
import TestKit

/// The states of a controller, each reached the way it is reached in life.
enum GivenController: String, CaseIterable, Sendable {
    case absent, starting
    case startingHeld = "starting, held"
    case startingDue = "starting, due"
    case up, idle
    case idleDue = "idle, due"
    case idleNever = "idle, never"
    case stopping
    case stoppingStartAgain = "stopping, start again"
    case stopped, failed, terminating, terminated

    func scenario() throws(Rejection) -> Scenario {
        var it = Scenario()
        switch self {
        case .absent: break
        case .starting: try it.given(.start)
        case .startingHeld: it = try .held(seconds: 86_400)
        case .startingDue: it = try .held(seconds: 60)
        case .up: it = try .up()
        case .idle: it = try .idle(policy: .configured(seconds: 86_400))
        case .idleDue: it = try .idle()
        case .idleNever: it = try .idle(policy: .never)
        case .stopping:
            it = try .idle()
            try it.given(.stop)
        case .stoppingStartAgain:
            it = try .idle()
            try it.given(.stop, .start)
        case .stopped:
            it = try .idle()
            try it.given(.stop, .stopFinished)
        case .failed: try it.given(.start, .startFailed(reason: "no room"))
        case .terminating:
            it = try .idle()
            try it.given(.terminate(force: false))
        case .terminated:
            it = try .idle()
            try it.given(.terminate(force: false), .terminationFinished)
        }
        return it
    }

    var status: ControllerStatus {
        switch self {
        case .absent: .absent
        case .starting, .startingHeld, .startingDue: .starting
        case .up: .up
        case .idle, .idleDue, .idleNever: .idle
        case .stopping, .stoppingStartAgain: .stopping
        case .stopped: .stopped
        case .failed: .failed
        case .terminating: .terminating
        case .terminated: .terminated
        }
    }
}

/// The commands, each in a plain form; those whose outcome hangs on what they carry, in several.
enum WhenCommand: String, CaseIterable, Sendable {
    case upAPI = "up api"
    case upChat = "up chat"
    case down = "down api"
    case purge = "down --purge"
    case downReplica = "down --replica-id"
    case start, stop, terminate
    case terminateByForce = "terminate --force"
    case hookStarted, hookEnded
    case setAutostop, pauseAutostop, resumeAutostop, takeOver, startFailed
    case idleDeadlineReached, stopFinished, terminationFinished
    case loadBalancerLaunched, loadBalancerEnded, loadBalancerRemoved
    case loadBalancerRemovalFailed = "loadBalancerStuck"
    case replicaLaunched, replicaLaunchFailed, replicaStarted, replicaProbed, replicaEnded, replicaRemoved
    case replicaRemovalFailed, update, replicaDrained, scale, serviceUnused, useSeen

    /// The command as it would reach `it`: reports are about what there is, deadlines about the one set.
    func command(in it: Scenario) -> Command {
        switch self {
        case .upAPI: .up(.api)
        case .upChat: .up(.chat)
        case .down: .down([.api])
        case .purge: .purge([.api])
        case .downReplica: .removeReplica(.api, replica: 1)
        case .start: .start
        case .stop: .stop
        case .terminate: .terminate(force: false)
        case .terminateByForce: .terminate(force: true)
        case .setAutostop: .setAutostop(.byHand(seconds: 60))
        case .pauseAutostop: .pauseAutostop(seconds: 60, reason: "demo")
        case .resumeAutostop: .resumeAutostop
        case .hookStarted: .hookStarted(1)
        case .hookEnded: .hookEnded(1, .exited(code: 0))
        case .takeOver: .takeOver(process: "another", from: it.state.process)
        case .startFailed: .startFailed(reason: "no room")
        case .idleDeadlineReached: .deadlineReached(.idle, generation: it.idleGeneration)
        case .stopFinished: .stopFinished
        case .terminationFinished: .terminationFinished
        case .loadBalancerLaunched: .loadBalancerLaunched(it.loadBalancer(), .sample)
        case .loadBalancerEnded: .loadBalancerEnded(it.loadBalancer(), reason: "signal 9")
        case .loadBalancerRemoved: .loadBalancerRemoved(it.loadBalancer())
        case .loadBalancerRemovalFailed: .loadBalancerRemovalFailed(it.loadBalancer(), leftovers: "pid 13")
        case .replicaLaunched: .replicaLaunched(it.replica(1), .sample, .sample)
        case .replicaLaunchFailed: .replicaLaunchFailed(it.replica(1), reason: "no bash")
        case .replicaStarted: .replicaStarted(it.replica(1))
        case .replicaProbed: .replicaProbed(it.replica(1), isReady: true, evidence: "HTTP 200")
        case .replicaEnded: .replicaEnded(it.replica(1), .exited(code: 1, stage: .run), logTail: nil)
        case .replicaRemoved: .replicaRemoved(it.replica(1))
        case .replicaRemovalFailed: .replicaRemovalFailed(it.replica(1), leftovers: "pid 12")
        case .update: .update(Command.Update(service: .api, target: .spec(.sample(run: "serve --new")), mode: .rolling))
        case .replicaDrained: .replicaDrained(it.replica(1))
        case .serviceUnused: .serviceUnused(it.loadBalancer(), version: 1, idleMicroseconds: 60_000_000)
        case .useSeen: .useSeen("ssh", isActive: true, evidence: "1 SSH session")
        case .scale:
            .scale(Command.Scale(loadBalancer: it.loadBalancer(), version: 1, from: 1, to: 2, reason: "load"))
        }
    }

    /// Which of these stands for a command. Exhaustive, so that a new command does not compile before
    /// it has lines in the table.
    static func standing(for command: Command) -> [WhenCommand] {
        switch command {
        case .up: [.upAPI, .upChat]
        case .down: [.down]
        case .purge: [.purge]
        case .removeReplica: [.downReplica]
        case .start: [.start]
        case .stop: [.stop]
        case .terminate: [.terminate, .terminateByForce]
        case .setAutostop: [.setAutostop]
        case .pauseAutostop: [.pauseAutostop]
        case .resumeAutostop: [.resumeAutostop]
        case .hookStarted: [.hookStarted]
        case .hookEnded: [.hookEnded]
        case .takeOver: [.takeOver]
        case .startFailed: [.startFailed]
        case .deadlineReached: [.idleDeadlineReached]
        case .stopFinished: [.stopFinished]
        case .terminationFinished: [.terminationFinished]
        case .loadBalancerLaunched: [.loadBalancerLaunched]
        case .loadBalancerEnded: [.loadBalancerEnded]
        case .loadBalancerRemoved: [.loadBalancerRemoved]
        case .loadBalancerRemovalFailed: [.loadBalancerRemovalFailed]
        case .replicaLaunched: [.replicaLaunched]
        case .replicaLaunchFailed: [.replicaLaunchFailed]
        case .replicaStarted: [.replicaStarted]
        case .replicaProbed: [.replicaProbed]
        case .replicaEnded: [.replicaEnded]
        case .replicaRemoved: [.replicaRemoved]
        case .replicaRemovalFailed: [.replicaRemovalFailed]
        case .update: [.update]
        case .replicaDrained: [.replicaDrained]
        case .scale: [.scale]
        case .serviceUnused: [.serviceUnused]
        case .useSeen: [.useSeen]
        }
    }
}

extension Scenario {
    /// The idle period there is, or else the last there was, or else any number.
    var idleGeneration: Int {
        history.last { $0.event.type == .controllerIdle }?.stamp.version ?? 1
    }
}

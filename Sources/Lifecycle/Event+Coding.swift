// How an event's columns and payload are taken from it, and how it is built again from them.
// One line for each type in each direction; the compiler finds a line that is missing.

extension Event {
    /// The payload: what is stored as JSON.
    public var payload: any Codable & Sendable {
        switch self {
        case .controllerStarting(let payload): payload
        case .controllerStartDue(let payload): payload
        case .controllerStarted(let payload): payload
        case .controllerStartFailed(let payload): payload
        case .controllerRecovered(let payload): payload
        case .controllerIdle(let payload): payload
        case .controllerWoken(let payload): payload
        case .controllerPolicySet(let payload): payload
        case .controllerAutostopPaused(let payload): payload
        case .controllerAutostopResumed(let payload): payload
        case .controllerUseChanged(let payload): payload
        case .controllerHookStarted(let payload): payload
        case .controllerHookEnded(let payload): payload
        case .controllerStopping(let payload): payload
        case .controllerStartRequested(let payload): payload
        case .controllerStopped(let payload): payload
        case .controllerTerminating(let payload): payload
        case .controllerTerminated(let payload): payload
        case .serviceUpRequested(let payload): payload
        case .serviceUpdated(let payload): payload
        case .serviceDownRequested(let payload): payload
        case .serviceScaled(let payload): payload
        case .serviceLaunchesStopped(let payload): payload
        case .serviceStatusChanged(let payload): payload
        case .serviceGone(let payload): payload
        case .loadBalancerAdded(let payload): payload
        case .loadBalancerLaunchDue(let payload): payload
        case .loadBalancerLaunched(let payload): payload
        case .loadBalancerEnded(let payload): payload
        case .loadBalancerRemoving(let payload): payload
        case .loadBalancerCleanupFailed(let payload): payload
        case .loadBalancerCleanupDue(let payload): payload
        case .loadBalancerGone(let payload): payload
        case .replicaAdded(let payload): payload
        case .replicaLaunchDue(let payload): payload
        case .replicaLaunched(let payload): payload
        case .replicaStarting(let payload): payload
        case .replicaProbeFailed(let payload): payload
        case .replicaReady(let payload): payload
        case .replicaNotReady(let payload): payload
        case .replicaEnded(let payload): payload
        case .replicaDraining(let payload): payload
        case .replicaRemoving(let payload): payload
        case .replicaCleanupFailed(let payload): payload
        case .replicaCleanupDue(let payload): payload
        case .replicaFailed(let payload): payload
        case .replicaGone(let payload): payload
        }
    }

    public var type: EventType {
        switch self {
        case .controllerStarting: .controllerStarting
        case .controllerStartDue: .controllerStartDue
        case .controllerStarted: .controllerStarted
        case .controllerStartFailed: .controllerStartFailed
        case .controllerRecovered: .controllerRecovered
        case .controllerIdle: .controllerIdle
        case .controllerWoken: .controllerWoken
        case .controllerPolicySet: .controllerPolicySet
        case .controllerAutostopPaused: .controllerAutostopPaused
        case .controllerAutostopResumed: .controllerAutostopResumed
        case .controllerUseChanged: .controllerUseChanged
        case .controllerHookStarted: .controllerHookStarted
        case .controllerHookEnded: .controllerHookEnded
        case .controllerStopping: .controllerStopping
        case .controllerStartRequested: .controllerStartRequested
        case .controllerStopped: .controllerStopped
        case .controllerTerminating: .controllerTerminating
        case .controllerTerminated: .controllerTerminated
        case .serviceUpRequested: .serviceUpRequested
        case .serviceUpdated: .serviceUpdated
        case .serviceDownRequested: .serviceDownRequested
        case .serviceScaled: .serviceScaled
        case .serviceLaunchesStopped: .serviceLaunchesStopped
        case .serviceStatusChanged: .serviceStatusChanged
        case .serviceGone: .serviceGone
        case .loadBalancerAdded: .loadBalancerAdded
        case .loadBalancerLaunchDue: .loadBalancerLaunchDue
        case .loadBalancerLaunched: .loadBalancerLaunched
        case .loadBalancerEnded: .loadBalancerEnded
        case .loadBalancerRemoving: .loadBalancerRemoving
        case .loadBalancerCleanupFailed: .loadBalancerCleanupFailed
        case .loadBalancerCleanupDue: .loadBalancerCleanupDue
        case .loadBalancerGone: .loadBalancerGone
        case .replicaAdded: .replicaAdded
        case .replicaLaunchDue: .replicaLaunchDue
        case .replicaLaunched: .replicaLaunched
        case .replicaStarting: .replicaStarting
        case .replicaProbeFailed: .replicaProbeFailed
        case .replicaReady: .replicaReady
        case .replicaNotReady: .replicaNotReady
        case .replicaEnded: .replicaEnded
        case .replicaDraining: .replicaDraining
        case .replicaRemoving: .replicaRemoving
        case .replicaCleanupFailed: .replicaCleanupFailed
        case .replicaCleanupDue: .replicaCleanupDue
        case .replicaFailed: .replicaFailed
        case .replicaGone: .replicaGone
        }
    }

    /// Builds an event of `type` from its payload, which `decode` reads as the type it is asked for.
    public init(_ type: EventType, decode: some Payloads) throws {
        self =
            switch type {
            case .controllerStarting: .controllerStarting(try decode())
            case .controllerStartDue: .controllerStartDue(try decode())
            case .controllerStarted: .controllerStarted(try decode())
            case .controllerStartFailed: .controllerStartFailed(try decode())
            case .controllerRecovered: .controllerRecovered(try decode())
            case .controllerIdle: .controllerIdle(try decode())
            case .controllerWoken: .controllerWoken(try decode())
            case .controllerPolicySet: .controllerPolicySet(try decode())
            case .controllerAutostopPaused: .controllerAutostopPaused(try decode())
            case .controllerAutostopResumed: .controllerAutostopResumed(try decode())
            case .controllerUseChanged: .controllerUseChanged(try decode())
            case .controllerHookStarted: .controllerHookStarted(try decode())
            case .controllerHookEnded: .controllerHookEnded(try decode())
            case .controllerStopping: .controllerStopping(try decode())
            case .controllerStartRequested: .controllerStartRequested(try decode())
            case .controllerStopped: .controllerStopped(try decode())
            case .controllerTerminating: .controllerTerminating(try decode())
            case .controllerTerminated: .controllerTerminated(try decode())
            case .serviceUpRequested: .serviceUpRequested(try decode())
            case .serviceUpdated: .serviceUpdated(try decode())
            case .serviceDownRequested: .serviceDownRequested(try decode())
            case .serviceScaled: .serviceScaled(try decode())
            case .serviceLaunchesStopped: .serviceLaunchesStopped(try decode())
            case .serviceStatusChanged: .serviceStatusChanged(try decode())
            case .serviceGone: .serviceGone(try decode())
            case .loadBalancerAdded: .loadBalancerAdded(try decode())
            case .loadBalancerLaunchDue: .loadBalancerLaunchDue(try decode())
            case .loadBalancerLaunched: .loadBalancerLaunched(try decode())
            case .loadBalancerEnded: .loadBalancerEnded(try decode())
            case .loadBalancerRemoving: .loadBalancerRemoving(try decode())
            case .loadBalancerCleanupFailed: .loadBalancerCleanupFailed(try decode())
            case .loadBalancerCleanupDue: .loadBalancerCleanupDue(try decode())
            case .loadBalancerGone: .loadBalancerGone(try decode())
            case .replicaAdded: .replicaAdded(try decode())
            case .replicaLaunchDue: .replicaLaunchDue(try decode())
            case .replicaLaunched: .replicaLaunched(try decode())
            case .replicaStarting: .replicaStarting(try decode())
            case .replicaProbeFailed: .replicaProbeFailed(try decode())
            case .replicaReady: .replicaReady(try decode())
            case .replicaNotReady: .replicaNotReady(try decode())
            case .replicaEnded: .replicaEnded(try decode())
            case .replicaDraining: .replicaDraining(try decode())
            case .replicaRemoving: .replicaRemoving(try decode())
            case .replicaCleanupFailed: .replicaCleanupFailed(try decode())
            case .replicaCleanupDue: .replicaCleanupDue(try decode())
            case .replicaFailed: .replicaFailed(try decode())
            case .replicaGone: .replicaGone(try decode())
            }
    }

    /// Reads one stored payload as whatever type it is asked for.
    public protocol Payloads {
        func callAsFunction<Payload: Codable>() throws -> Payload
    }

    /// The service it is about, for the column of that name.
    public var service: ServiceName? { subject.service }

    /// The replica it is about, for the column of that name.
    public var replica: Int? { subject.replica }

    private var subject: (service: ServiceName?, replica: Int?) {
        switch self {
        case .controllerStarting(let payload): (payload.service, nil)
        case .controllerWoken(let payload): (payload.service, nil)
        case .controllerStartRequested(let payload): (payload.service, nil)
        case .controllerStarted, .controllerStartFailed, .controllerRecovered, .controllerIdle, .controllerPolicySet,
            .controllerAutostopPaused, .controllerHookEnded, .controllerHookStarted, .controllerUseChanged,
            .controllerAutostopResumed, .controllerStartDue,
            .controllerStopping, .controllerStopped,
            .controllerTerminating,
            .controllerTerminated:
            (nil, nil)
        case .serviceUpRequested(let payload): (payload.service, nil)
        case .serviceUpdated(let payload): (payload.service, nil)
        case .serviceDownRequested(let payload): (payload.service, nil)
        case .serviceScaled(let payload): (payload.service, nil)
        case .serviceLaunchesStopped(let payload): (payload.service, nil)
        case .serviceStatusChanged(let payload): (payload.service, nil)
        case .serviceGone(let payload): (payload.service, nil)
        case .loadBalancerAdded(let payload): (payload.service, nil)
        case .loadBalancerLaunchDue(let payload): (payload.service, nil)
        case .loadBalancerLaunched(let payload): (payload.service, nil)
        case .loadBalancerEnded(let payload): (payload.service, nil)
        case .loadBalancerRemoving(let payload): (payload.service, nil)
        case .loadBalancerCleanupFailed(let payload): (payload.service, nil)
        case .loadBalancerCleanupDue(let payload): (payload.service, nil)
        case .loadBalancerGone(let payload): (payload.service, nil)
        case .replicaAdded(let payload): (payload.service, payload.replica)
        case .replicaLaunchDue(let payload): (payload.service, payload.replica)
        case .replicaLaunched(let payload): (payload.service, payload.replica)
        case .replicaStarting(let payload): (payload.service, payload.replica)
        case .replicaProbeFailed(let payload): (payload.service, payload.replica)
        case .replicaReady(let payload): (payload.service, payload.replica)
        case .replicaNotReady(let payload): (payload.service, payload.replica)
        case .replicaEnded(let payload): (payload.service, payload.replica)
        case .replicaDraining(let payload): (payload.service, payload.replica)
        case .replicaRemoving(let payload): (payload.service, payload.replica)
        case .replicaCleanupFailed(let payload): (payload.service, payload.replica)
        case .replicaCleanupDue(let payload): (payload.service, payload.replica)
        case .replicaFailed(let payload): (payload.service, payload.replica)
        case .replicaGone(let payload): (payload.service, payload.replica)
        }
    }
}

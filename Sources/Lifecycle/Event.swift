/// One thing that happened to a controller, its services or their replicas. Events are the only truth;
/// everything else is folded from them.
///
/// Payloads are structs of their own (`Event+….swift`), so that each can be read back from the form it
/// was stored in. Adding a field means making it optional or raising ``EventType/schemaVersion`` and
/// upcasting the old form.
public enum Event: Hashable, Sendable {
    case controllerStarting(ControllerStarting)
    case controllerStartDue(ControllerStartDue)
    case controllerStarted(ControllerStarted)
    case controllerStartFailed(ControllerStartFailed)
    case controllerRecovered(ControllerRecovered)
    case controllerIdle(ControllerIdle)
    case controllerWoken(ControllerWoken)
    case controllerPolicySet(ControllerPolicySet)
    case controllerAutostopPaused(ControllerAutostopPaused)
    case controllerAutostopResumed(ControllerAutostopResumed)
    case controllerUseChanged(ControllerUseChanged)
    case controllerHookStarted(ControllerHookStarted)
    case controllerHookEnded(ControllerHookEnded)
    case controllerStopping(ControllerStopping)
    case controllerStartRequested(ControllerStartRequested)
    case controllerStopped(ControllerStopped)
    case controllerTerminating(ControllerTerminating)
    case controllerTerminated(ControllerTerminated)

    case serviceUpRequested(ServiceUpRequested)
    case serviceUpdated(ServiceUpdated)
    case serviceDownRequested(ServiceDownRequested)
    case serviceScaled(ServiceScaled)
    case serviceLaunchesStopped(ServiceLaunchesStopped)
    case serviceStatusChanged(ServiceStatusChanged)
    case serviceGone(ServiceGone)

    case loadBalancerAdded(LoadBalancerAdded)
    case loadBalancerLaunchDue(LoadBalancerLaunchDue)
    case loadBalancerLaunched(LoadBalancerLaunched)
    case loadBalancerEnded(LoadBalancerEnded)
    case loadBalancerRemoving(LoadBalancerRemoving)
    case loadBalancerCleanupFailed(LoadBalancerCleanupFailed)
    case loadBalancerCleanupDue(LoadBalancerCleanupDue)
    case loadBalancerGone(LoadBalancerGone)

    case replicaAdded(ReplicaAdded)
    case replicaLaunchDue(ReplicaLaunchDue)
    case replicaLaunched(ReplicaLaunched)
    case replicaStarting(ReplicaStarting)
    case replicaProbeFailed(ReplicaProbeFailed)
    case replicaReady(ReplicaReady)
    case replicaNotReady(ReplicaNotReady)
    case replicaEnded(ReplicaEnded)
    case replicaDraining(ReplicaDraining)
    case replicaRemoving(ReplicaRemoving)
    case replicaCleanupFailed(ReplicaCleanupFailed)
    case replicaCleanupDue(ReplicaCleanupDue)
    case replicaFailed(ReplicaFailed)
    case replicaGone(ReplicaGone)
}

/// The names events go by in the log. A name, once shipped, is never given another meaning.
public enum EventType: String, Hashable, Sendable, Codable, CaseIterable {
    case controllerStarting = "controller.starting"
    case controllerStartDue = "controller.start_due"
    case controllerStarted = "controller.started"
    case controllerStartFailed = "controller.start_failed"
    case controllerRecovered = "controller.recovered"
    case controllerIdle = "controller.idle"
    case controllerWoken = "controller.woken"
    case controllerPolicySet = "controller.policy_set"
    case controllerAutostopPaused = "controller.autostop_paused"
    case controllerAutostopResumed = "controller.autostop_resumed"
    case controllerUseChanged = "controller.use_changed"
    case controllerHookStarted = "controller.hook_started"
    case controllerHookEnded = "controller.hook_ended"
    case controllerStopping = "controller.stopping"
    case controllerStartRequested = "controller.start_requested"
    case controllerStopped = "controller.stopped"
    case controllerTerminating = "controller.terminating"
    case controllerTerminated = "controller.terminated"
    case serviceUpRequested = "service.up_requested"
    case serviceUpdated = "service.updated"
    case serviceDownRequested = "service.down_requested"
    case serviceScaled = "service.scaled"
    case serviceLaunchesStopped = "service.launches_stopped"
    case serviceStatusChanged = "service.status_changed"
    case serviceGone = "service.gone"
    case loadBalancerAdded = "load_balancer.added"
    case loadBalancerLaunchDue = "load_balancer.launch_due"
    case loadBalancerLaunched = "load_balancer.launched"
    case loadBalancerEnded = "load_balancer.ended"
    case loadBalancerRemoving = "load_balancer.removing"
    case loadBalancerCleanupFailed = "load_balancer.cleanup_failed"
    case loadBalancerCleanupDue = "load_balancer.cleanup_due"
    case loadBalancerGone = "load_balancer.gone"
    case replicaAdded = "replica.added"
    case replicaLaunchDue = "replica.launch_due"
    case replicaLaunched = "replica.launched"
    case replicaStarting = "replica.starting"
    case replicaProbeFailed = "replica.probe_failed"
    case replicaReady = "replica.ready"
    case replicaNotReady = "replica.not_ready"
    case replicaEnded = "replica.ended"
    case replicaDraining = "replica.draining"
    case replicaRemoving = "replica.removing"
    case replicaCleanupFailed = "replica.cleanup_failed"
    case replicaCleanupDue = "replica.cleanup_due"
    case replicaFailed = "replica.failed"
    case replicaGone = "replica.gone"

    /// The version of the payload this build writes; it reads every version up to it.
    public var schemaVersion: Int { 1 }

    /// Whether it is about the controller itself, not about a service or what belongs to one.
    public var isOfController: Bool { rawValue.hasPrefix("controller.") }
}

import Lifecycle

// Laws about how long replicas and load balancers have, and how long they wait: each deadline is as long as the version
// says that the replica is of, and what it leads to comes with it. Laws `window` and `back-off`.

extension Laws.Timers {
    mutating func seeReplica(_ stamped: StampedEvent, _ specs: Laws.Specs, _ now: Instant) throws(Violation) {
        let version = stamped.stamp.version
        switch stamped.event {
        case .replicaAdded(let event):
            accept(.launch(event.service, replica: event.replica), event.launchAt, now, version)
        case .replicaLaunchDue(let event):
            try fire(.launch(event.service, replica: event.replica), event.latenessMicroseconds, now)
        case .replicaLaunched(let event): try checkIsOver(.launch(event.service, replica: event.replica))
        case .replicaStarting(let event):
            let probe = specs.services[event.service]?.spec(of: event.replica)?.readinessProbe
            try expect(
                .readiness(event.service, replica: event.replica), event.readyBy, probe?.initialDelaySeconds, now,
                version)
        case .replicaReady(let event): drop(.readiness(event.service, replica: event.replica))
        case .replicaNotReady(let event):
            let probe = specs.services[event.service]?.spec(of: event.replica)?.readinessProbe
            try expect(
                .readiness(event.service, replica: event.replica), event.readyBy,
                probe?.consecutiveFailureThresholdSeconds, now, version)
        case .replicaDraining(let event):
            drop(.readiness(event.service, replica: event.replica))
            try expect(
                .drain(event.service, replica: event.replica), event.until,
                specs.services[event.service]?.spec(of: event.replica)?.replicaDrainDelaySeconds, now, version)
        case .replicaRemoving(let event):
            switch event.reason {
            case .failed(status: .failedInitialDelay, _), .failed(status: .failedProbing, _):
                try fire(.readiness(event.service, replica: event.replica), event.latenessMicroseconds, now)
            case .notWanted, .byHand:
                guard let lateness = event.latenessMicroseconds else { break }
                try fire(.drain(event.service, replica: event.replica), lateness, now)
            case .failed, .preempted: break
            }
            for key in [PendingDeadline.Key.launch, PendingDeadline.Key.readiness, PendingDeadline.Key.drain] {
                drop(key(event.service, event.replica))
            }
        case .replicaCleanupFailed(let event):
            accept(.cleanup(event.service, replica: event.replica), event.retryAt, now, version)
        case .replicaCleanupDue(let event):
            try fire(.cleanup(event.service, replica: event.replica), event.latenessMicroseconds, now)
        case .replicaFailed(let event): drop(.cleanup(event.service, replica: event.replica))
        case .replicaGone(let event): drop(.cleanup(event.service, replica: event.replica))
        default: break
        }
    }

    mutating func seeLoadBalancer(_ stamped: StampedEvent, _ now: Instant) throws(Violation) {
        let version = stamped.stamp.version
        switch stamped.event {
        case .loadBalancerEnded(let event): accept(.loadBalancerLaunch(event.service), event.launchAt, now, version)
        case .loadBalancerLaunchDue(let event):
            try fire(.loadBalancerLaunch(event.service), event.latenessMicroseconds, now)
        case .loadBalancerLaunched(let event): try checkIsOver(.loadBalancerLaunch(event.service))
        case .loadBalancerRemoving(let event): drop(.loadBalancerLaunch(event.service))
        case .loadBalancerCleanupFailed(let event):
            accept(.loadBalancerCleanup(event.service), event.retryAt, now, version)
        case .loadBalancerCleanupDue(let event):
            try fire(.loadBalancerCleanup(event.service), event.latenessMicroseconds, now)
        case .loadBalancerGone(let event): drop(.loadBalancerCleanup(event.service))
        default: break
        }
    }

    /// A replica that goes on as one of another version has the time that version gives it.
    func checkWindows(_ state: ControllerState, _ specs: Laws.Specs) throws(Violation) {
        for (key, timer) in open {
            guard case .readiness(let service, let id) = key,
                let probe = specs.services[service]?.spec(of: id)?.readinessProbe,
                let replica = state.services[service]?.replicas[id]
            else { continue }
            let seconds =
                replica.status == .starting ? probe.initialDelaySeconds : probe.consecutiveFailureThresholdSeconds
            guard abs(timer.span - Int64(seconds * 1e6)) <= 1 else {
                throw Violation(law: "window", what: "replica \(id) of \(service) has another time than \(seconds) s")
            }
        }
    }
}

import Lifecycle

// Why a service is as it is, what is before it, and how one that is gone came to its end.

extension Explanation {
    /// A service of the controller, a sentence each; empty when there is none of that name.
    ///
    /// - Parameter traffic: what its load balancer has seen of its traffic, where that is known.
    public func of(_ name: ServiceName, traffic: TrafficReport? = nil) -> [String] {
        guard let service = state.services[name] else { return [] }
        let reason = state.statusReason(of: service).map { ": \($0)" } ?? ""
        var lines = ["\(service.status.rawValue) since \(words.clock(service.statusSinceMicroseconds))\(reason)."]
        lines.append(
            "Wanted since \(words.clock(service.requestedAtMicroseconds)) by \(service.requestedBy); "
                + "version \(service.version); \(service.readyReplicas) of \(service.targetReplicas) replicas ready.")
        if let scale = service.scale {
            lines.append("Last scaled \(words.clock(scale.atMicroseconds)), to \(scale.replicas): \(scale.reason).")
        }
        for replica in service.orderedReplicas {
            let why = replica.reasonInWords.map { ": \($0)" } ?? ""
            lines.append(
                "Replica \(replica.id) is \(replica.status.rawValue) since \(words.clock(replica.sinceMicroseconds))\(why)\(waits(replica))."
            )
        }
        if !service.isEnding, let going = idleDown(service, traffic) { lines.append(going) }
        if service.isEnding { lines.append("It is gone as soon as nothing of it is left.") }
        return lines + wayOut(service)
    }

    /// What would change a service that does not come back by itself.
    private func wayOut(_ service: ServiceState) -> [String] {
        let on = state.name.rawValue == "local" ? "" : " --controller \(state.name)"
        let up = "dwell up FILE -n \(service.name)\(on)"
        switch service.status {
        case .failed:
            return [
                "No replica of it is launched any more. Try again with a file that is mended: \(up); see what it wrote: "
                    + "dwell logs \(service.name); take it down: dwell down \(service.name)."
            ]
        case .controllerFailed: return ["It is served once its controller is: dwell start \(state.name)."]
        case .failedCleanup:
            return ["What cannot be removed is tried again by itself; give it up: dwell down \(service.name) --purge."]
        case .controllerInit, .replicaInit, .ready, .notReady, .noReplica, .shuttingDown: return []
        }
    }

    private func waits(_ replica: ReplicaState) -> String {
        switch replica.phase {
        case .pending(let launchAt?): "; launched again at \(moment(launchAt))"
        case .starting(let waiting): "; it fails unless it is ready by \(moment(waiting.deadline))"
        case .notReady(let waiting): "; it is replaced unless it is ready by \(moment(waiting.deadline))"
        case .draining(let draining): "; cut off at \(moment(draining.deadline))"
        case .removing(let removal):
            removal.stuck?.retryAt.map { "; tried again at \(moment($0))" } ?? ""
        case .pending, .provisioning, .ready, .failed: ""
        }
    }

    /// What is before a service that says `idle_down`; nil for one that does not.
    private func idleDown(_ service: ServiceState, _ traffic: TrafficReport?) -> String? {
        Self.idleDown(service, traffic, now, words).map(\.sentence)
    }

    /// That a service goes when nobody asks for it, and when; nil for one that does not say `idle_down`.
    public static func idleDown(
        _ service: ServiceState, _ traffic: TrafficReport?, _ now: Instant, _ words: Words
    ) -> String? {
        guard let limit = service.launchedSpec.idleDownSeconds else { return nil }
        let (it, goes) = service.launchedSpec.replicaPolicy.startsOnRequest ? ("its replicas", "go") : ("it", "goes")
        let rule = "without a request for \(words.window(limit)) \(it) \(goes) (idle_down)"
        guard let generation = service.loadBalancer?.generation, let traffic else { return rule }
        let balancer = LoadBalancerReference(service: service.name, generation: generation)
        switch traffic.prospect(of: service, by: balancer, at: now) {
        case nil: return rule
        case .isAsked(let count): return "\(rule); \(count) request\(count == 1 ? " is" : "s are") under way"
        case .waitsForReplica: return "\(rule), counted from when a replica is ready"
        case .goes(let left):
            let last =
                traffic.lastRequestAtMicroseconds.map { "the last came \(words.clock($0))" } ?? "none has come yet"
            // Up to the next whole second: it never goes before what was told.
            let second: Int64 = 1_000_000
            let when = words.clock((now.wallMicroseconds &+ left &+ second &- 1) / second &* second)
            return "\(rule); \(last): \(it) \(goes) at \(when), in \(words.span(left)), unless one comes"
        }
    }

    /// How a service that is gone came to its end, a sentence each; empty when there was none of that name.
    public func ofGone(_ name: ServiceName) -> [String] {
        guard state.services[name] == nil,
            let gone = happenings.last(where: { $0.event.type == .serviceGone && $0.event.service == name })
        else { return [] }
        let life = happenings.filter { $0.event.service == name && $0.stamp.version < gone.stamp.version }
        let up = life.last { $0.event.type == .serviceUpRequested }
        let mine = life.filter { $0.stamp.version >= up?.stamp.version ?? 0 }
        let down = mine.last { $0.event.type == .serviceDownRequested }
        var lines = ["Gone since \(words.clock(gone.stamp.atMicroseconds))\(down.map { ": " + whyDown($0) } ?? "")."]
        if let up {
            var sentence = "It was wanted since \(words.clock(up.stamp.atMicroseconds))\(by(up))"
            let before = mine.last {
                $0.event.type == .serviceStatusChanged && $0.stamp.version < down?.stamp.version ?? .max
            }
            if case .serviceStatusChanged(let change) = before?.event {
                sentence += ", and was \(change.to.rawValue) then\(change.reason.map { ": \($0)" } ?? "")"
            }
            lines.append(sentence + ".")
        }
        let controller = state.name.rawValue == "local" ? "" : " --controller \(state.name)"
        lines.append("Bring it up again: dwell up FILE -n \(name)\(controller)")
        return lines
    }

    private func whyDown(_ down: Happening) -> String {
        guard case .serviceDownRequested(let event) = down.event else { return "" }
        if let unused = event.unusedMicroseconds {
            return "it was not asked for in \(words.span(unused)), so it went (idle_down)"
        }
        let purge = event.purge == true ? "; what could not be removed was given up" : ""
        // What a termination takes down comes after it, in the same breath.
        let terminating = happenings.last {
            $0.event.type == .controllerTerminating && $0.stamp.version < down.stamp.version
        }
        let start = happenings.last {
            $0.event.type == .controllerStarting && $0.stamp.version < down.stamp.version
        }
        if let terminating, terminating.stamp.version > start?.stamp.version ?? 0 {
            return "its controller was terminated\(by(terminating))\(purge)"
        }
        return "it was taken down \(words.clock(down.stamp.atMicroseconds))\(by(down))\(purge)"
    }
}

extension String {
    /// With a capital and a full stop.
    var sentence: String { "\(prefix(1).uppercased())\(dropFirst())." }
}

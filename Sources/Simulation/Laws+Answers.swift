import Lifecycle

// What people are told: law `answer`. Nobody is refused what makes sense, nor told yes to what does not, and a yes is one.

extension Laws {
    /// A refusal has its reason in the books.
    func refused(
        _ command: Command, with rejection: Rejection, by state: ControllerState, _ now: Instant
    ) throws(Violation) {
        let book = books[state.name] ?? Book()
        // What was due before comes first, and is undone with what is refused.
        guard !book.hasOverdue(now), !book.allowsRefusal(of: command, state) else { return }
        throw Violation(law: "answer", what: "\(command) is refused: \(rejection)")
    }

    /// A report of a deadline that is not waited for any more does not fire the one that is. What is due of the controller
    /// itself comes first, whatever is reported.
    func checkReport(_ command: Command, _ before: ControllerState, _ after: ControllerState) throws(Violation) {
        guard case .deadlineReached(let key, let generation) = command, key.service != nil,
            let pending = before.pendingDeadlines.first(where: { $0.key == key }), pending.generation != generation,
            before.status == after.status
        else { return }
        guard after.pendingDeadlines.contains(where: { $0.key == key && $0.generation == pending.generation }) else {
            throw Violation(law: "L5", what: "the deadline \(key) fires by a report of another")
        }
    }

    /// A service that is there is given another version by who updates it, and by `up` only once it has failed for good.
    func checkReplaced(_ events: [StampedEvent], of command: Command, _ before: ControllerState) throws(Violation) {
        guard case .up(let request) = command else { return }
        for case .serviceUpdated(let event) in events.map(\.event) where event.service == request.service {
            guard before.services[event.service]?.status == .failed else {
                throw Violation(
                    law: "answer", what: "\(event.service), which is there, is replaced by another of its name")
            }
        }
    }
}

extension Laws.Book {
    fileprivate func hasOverdue(_ now: Instant) -> Bool {
        let isIdleOver = idle.flatMap { idle in
            idle.dueWall.flatMap { wall in idle.dueBoot.map { idle.lateness(now, dueWall: wall, dueBoot: $0) >= 0 } }
        }
        return isIdleOver == true || timers.hasOwnOverdue(now)
    }

    fileprivate func allowsRefusal(of command: Command, _ state: ControllerState) -> Bool {
        let isThere: Bool
        switch state.status {
        case .absent, .terminated: isThere = false
        default: isThere = true
        }
        let isTerminating = state.status == .terminating
        switch command {
        case .up(let request):
            guard let service = specs.services[request.service] else { return isTerminating }
            let hasFailed = service.launchedVersion == nil && state.services[request.service]?.status == .failed
            return isTerminating || service.isEnding || !hasFailed
        case .update(let request):
            guard let service = specs.services[request.service], !service.isEnding, !isTerminating else { return true }
            guard case .lastGoodVersion = request.target else { return false }
            return service.lastGood.map { service.versions[$0] == service.spec } ?? true
        case .down(let names), .purge(let names): return names.contains { specs.services[$0] == nil }
        case .removeReplica(let name, let id): return specs.services[name]?.replicas[id] == nil
        case .start: return isTerminating
        case .stop, .setAutostop, .pauseAutostop, .resumeAutostop: return !isThere || isTerminating
        case .terminate(let force):
            let isHeldUp = state.services.values.contains { $0.status != .failed }
            return !isThere || !force && isHeldUp
        case .takeOver: return !state.needsProcess
        default: return false
        }
    }

    /// What somebody was told yes to is so.
    func checkAccepted(_ command: Command, _ state: ControllerState) throws(Violation) {
        let isSo: Bool
        switch command {
        case .purge(let names): isSo = names.allSatisfy { specs.services[$0].map(\.isPurged) ?? true }
        case .down(let names): isSo = names.allSatisfy { specs.services[$0].map(\.isEnding) ?? true }
        case .removeReplica(let name, let id):
            switch state.services[name]?.replicas[id]?.status {
            case .pending?, .provisioning?, .starting?, .ready?, .notReady?: isSo = false
            default: isSo = true
            }
        case .stop:
            switch state.status {
            case .stopping, .stopped, .terminating, .terminated: isSo = true
            default: isSo = false
            }
        case .terminate: isSo = state.status == .terminating || state.status == .terminated
        case .resumeAutostop: isSo = !isPaused
        case .pauseAutostop: isSo = isPaused
        default: isSo = true
        }
        guard isSo else { throw Violation(law: "answer", what: "\(command) was accepted, and it is not so") }
    }

    /// Whoever does not insist ends nobody's services.
    func checkTermination(_ event: ControllerTerminating, _ transaction: Laws.Transaction) throws(Violation) {
        guard event.latenessMicroseconds == nil, !event.force else { return }
        for (name, service) in specs.services where service.launchedVersion != nil {
            throw Violation(law: "answer", what: "it is terminated with \(name), although nobody insists")
        }
    }
}

import Lifecycle

/// Checks the laws on what was committed, against books of its own that it keeps from the commands that
/// were accepted, and against the machine. It asks nothing of the code it checks.
struct Laws {
    private(set) var books: [ControllerName: Book] = [:]
    private var endpoints = Endpoints()

    // What people were told yes to.

    mutating func accepted(_ command: Command, by state: ControllerState) throws(Violation) {
        let controller = state.name
        var book = books[controller] ?? Book()
        try book.specs.checkAccepted(command)
        try book.checkAccepted(command, state)
        switch command {
        case .up(let request):
            book.wanted.insert(request.service)
            book.shouldRun = true
        case .down(let services), .purge(let services): book.wanted.subtract(services)
        case .start: book.shouldRun = true
        case .stop: book.shouldRun = false
        case .terminate:
            book.shouldRun = false
            book.wanted = []
        default: break
        }
        books[controller] = book
    }

    /// Checks what one transaction appended.
    mutating func check(
        _ events: [StampedEvent], of command: Command, before: ControllerState, after: ControllerState,
        machine: SimulatedMachine, now: Instant
    ) throws(Violation) {
        var book = books[after.name] ?? Book()
        for (key, runs) in machine.hookRuns where runs > 1 {
            throw Violation(law: "hook", what: "the hook of \(key.controller) \(key.version) ran \(runs) times")
        }
        for stamped in events {
            try check(stamped, among: events, &book, before, machine, now)
            try checkDraining(stamped, before, after, machine, now)
            try checkScaling(stamped, before)
            try checkPurge(stamped, events, before)
        }
        try checkUpdates(events, before, after)
        try checkOrder(events, before, after)
        try checkPurged(after)
        try checkReplaced(events, of: command, before)
        try checkReport(command, before, after)
        let transaction = Transaction(command: command, events: events, before: before, after: after, now: now)
        try book.keep(transaction, machine)
        try endpoints.see(transaction)
        books[after.name] = book
        try checkConsistency(after, book)
    }

    private func check(
        _ stamped: StampedEvent, among events: [StampedEvent], _ book: inout Book, _ before: ControllerState,
        _ machine: SimulatedMachine, _ now: Instant
    ) throws(Violation) {
        switch stamped.event {
        case .controllerIdle(let event):
            guard book.idle == nil else {
                throw Violation(law: "L5", what: "idle began again at \(stamped.stamp.version)")
            }
            guard book.isPaused || event.idleTimeoutSeconds == book.idleTimeoutSeconds else {
                throw Violation(law: "L4", what: "the window is not that of the policy in force")
            }
            // What was over before anybody saw that its pause was, was due then.
            let wasMissed = events.contains {
                guard case .controllerAutostopResumed(let resumed) = $0.event else { return false }
                return resumed.latenessMicroseconds != nil && $0.stamp.version + 1 == stamped.stamp.version
            }
            // From now, or from when idleness began where somebody kept the clock.
            if let schedule = book.schedule {
                let left = event.deadline?.remainingMicroseconds(at: now)
                book.idle = Book.OpenIdle(
                    version: stamped.stamp.version, dueWall: left.map { now.wallMicroseconds + $0 },
                    dueBoot: left.map { now.bootMicroseconds + $0 }, bootID: now.bootID, window: left)
                return try checkScheduled(event, schedule, isPaused: book.isPaused, wasMissed: wasMissed, now)
            }
            let elapsed = event.clockSinceMicroseconds.map { max(0, now.wallMicroseconds - $0) } ?? 0
            let window = event.idleTimeoutSeconds.map { max(wasMissed ? .min : 0, Int64($0 * 1e6) - elapsed) }
            guard let left = event.deadline?.remainingMicroseconds(at: now) else {
                guard window == nil else { throw Violation(law: "L4", what: "a window without a deadline") }
                book.idle = Book.OpenIdle(version: stamped.stamp.version, bootID: now.bootID)
                return
            }
            // Seconds are fractions there, and whole microseconds here.
            guard let window, abs(left - window) <= 1, !book.isPaused else {
                throw Violation(law: "L4", what: "the deadline is not the window from now")
            }
            book.idle = Book.OpenIdle(
                version: stamped.stamp.version, dueWall: now.wallMicroseconds + left,
                dueBoot: now.bootMicroseconds + left, bootID: now.bootID, window: max(0, left))
        case .controllerRecovered(let event):
            try book.processes.tookOver(event.process)
            guard var idle = book.idle, idle.bootID != now.bootID, let due = idle.dueWall, let window = idle.window
            else { return }
            let left = min(due - now.wallMicroseconds, window)
            idle.dueWall = now.wallMicroseconds + left
            idle.dueBoot = now.bootMicroseconds + left
            idle.bootID = now.bootID
            book.idle = idle
        case .controllerWoken(let event):
            // What cannot be removed is waited for from when that is seen; nobody wants it.
            let isLeftover = events.contains { $0.event.type == .loadBalancerCleanupFailed }
            if event.service != nil, !isLeftover { try checkIsInTime(book, "woken", now) }
            try end(&book, event.idleVersion, "woken")
        case .controllerStarting(let event):
            book.answers = [:]
            book.processes.begin()
            book.schedule = event.policy.schedule?.value
            book.idleTimeoutSeconds = event.policy.idleTimeoutSeconds
            book.starts.asked(event.policy)
            try book.starts.checkHold(event.heldUntil, now)
            if event.heldUntil == nil { try book.starts.began(now) }
        case .controllerStartDue: try book.starts.began(now)
        case .controllerStarted(let event):
            try book.processes.tookOver(event.process)
            guard !book.starts.isHeld(before) || events.contains(where: { $0.event.type == .controllerStartDue }) else {
                throw Violation(law: "churn", what: "\(before.name) starts although its start is held back")
            }
            book.starts.succeeded()
        case .controllerStartFailed:
            book.starts.failed(now)
            book.shouldRun = false
        case .controllerUseChanged(let event):
            guard book.answers[event.probe] != event.isActive || event.evidence != before.uses[event.probe]?.evidence
            else { throw Violation(law: "status", what: "\(event.probe) answers as before: no news") }
            book.answers[event.probe] = event.isActive
        case .controllerPolicySet(let event):
            try checkIsInTime(book, "policy set", now)
            try end(&book, event.idleVersion, "policy set")
            book.schedule = event.policy.schedule?.value
            book.idleTimeoutSeconds = event.policy.idleTimeoutSeconds
        case .controllerAutostopPaused(let event):
            try checkIsInTime(book, "paused", now)
            try end(&book, event.idleVersion, "paused")
            book.isPaused = true
        case .controllerAutostopResumed(let event):
            try end(&book, event.idleVersion, "resumed")
            book.isPaused = false
        case .controllerTerminating(let event):
            if let lateness = event.latenessMicroseconds {
                // By itself: at its idle deadline, or long after it was stopped; never while it is wanted.
                if event.idleVersion != nil {
                    try checkIdleStop(lateness, book, before, machine, now)
                } else {
                    try checkNothingIsWanted(book, before, machine)
                }
                book.shouldRun = false
                book.wanted = []
            } else {
                try checkIsInTime(book, "terminating", now)
            }
            book.isPaused = false
            try end(&book, event.idleVersion, "terminating")
        case .controllerStopping(let event):
            if event.reason == .idleDeadline {
                guard let lateness = event.latenessMicroseconds else {
                    throw Violation(law: "L4", what: "no lateness is recorded")
                }
                try checkIdleStop(lateness, book, before, machine, now)
                book.shouldRun = false
            } else {
                try checkIsInTime(book, "stopping", now)
            }
            try end(&book, event.idleVersion, "stopping")
        case .serviceDownRequested(let event) where event.unusedMicroseconds != nil:
            book.wanted.remove(event.service)
        case .controllerHookStarted(let event) where event.hook == .stop || event.hook == .terminate:
            if let leftover = machine.leftover(on: before.name) {
                throw Violation(law: "hook", what: "the hook \(event.hook.rawValue) runs while \(leftover) is alive")
            }
        case .controllerStopped, .controllerTerminated:
            if let leftover = machine.leftover(on: before.name) {
                throw Violation(law: "L7", what: "\(leftover) is alive although \(before.name) has ended")
            }
        case .serviceGone(let event):
            if let leftover = machine.leftover(of: event.service, on: before.name) {
                throw Violation(law: "L7", what: "\(leftover) is alive although \(event.service) is gone")
            }
        case .replicaGone(let event):
            try checkGone(event.service, event.replica, before, machine)
        case .replicaFailed(let event):
            try checkGone(event.service, event.replica, before, machine)
        default: break
        }
    }

    private func checkGone(
        _ service: ServiceName, _ id: Int, _ before: ControllerState, _ machine: SimulatedMachine
    ) throws(Violation) {
        guard let replica = before.services[service]?.replicas[id] else { return }
        let key = SimulatedMachine.ReplicaKey(controller: before.name, replica: replica.reference(of: service))
        if machine.replicas[key] != nil {
            throw Violation(law: "L7", what: "replica \(id) of \(service) is alive although it is recorded as gone")
        }
    }

    /// Law L3, by the books and by the machine; and never before its time.
    private func checkIdleStop(
        _ recorded: Int64, _ book: Book, _ before: ControllerState, _ machine: SimulatedMachine,
        _ now: Instant
    ) throws(Violation) {
        try checkNothingIsWanted(book, before, machine)
        guard !book.isPaused else { throw Violation(law: "L4", what: "\(before.name) stops although it is paused") }
        try checkIsNotWarm(book.schedule, before, now)
        try checkNobodyUses(book, before.name)
        guard let idle = book.idle, let dueWall = idle.dueWall, let dueBoot = idle.dueBoot else {
            throw Violation(law: "L5", what: "a deadline fired that nobody waits for")
        }
        let lateness = idle.lateness(now, dueWall: dueWall, dueBoot: dueBoot)
        guard lateness >= 0 else { throw Violation(law: "L4", what: "stopped \(-lateness) us early") }
        guard recorded == lateness else {
            throw Violation(law: "L4", what: "the lateness recorded is \(recorded), not \(lateness)")
        }
    }

    /// Whoever is to be asked whether the controller is used has said since its start that it is not.
    private func checkNobodyUses(_ book: Book, _ name: ControllerName) throws(Violation) {
        for probe in book.policy.inForce.waitFor?.value ?? [] where book.answers[probe] != false {
            throw Violation(law: "L3", what: "\(name) is taken for idle although \(probe) has not said that it is")
        }
    }

    /// Law L4: what people want after an idle period was over ends it no more; its deadline does, however late.
    private func checkIsInTime(_ book: Book, _ how: String, _ now: Instant) throws(Violation) {
        guard let idle = book.idle, let dueWall = idle.dueWall, let dueBoot = idle.dueBoot else { return }
        let lateness = idle.lateness(now, dueWall: dueWall, dueBoot: dueBoot)
        guard lateness < 0 else {
            throw Violation(law: "L4", what: "\(how) ends an idle period that was over \(lateness) us before")
        }
    }

    private func checkNothingIsWanted(
        _ book: Book, _ before: ControllerState, _ machine: SimulatedMachine
    ) throws(Violation) {
        for name in book.wanted where before.services[name]?.status != .failed {
            throw Violation(law: "L3", what: "\(before.name) stops for idleness although \(name) is wanted")
        }
        // Of those that are not launched any more there may be a load balancer, to say so. One that cannot be removed is
        // waited for.
        let failed = book.specs.failed.filter { before.services[$0]?.status != .failedCleanup }
        if let leftover = machine.leftover(on: before.name, sparingLoadBalancersOf: failed) {
            throw Violation(law: "L3", what: "\(before.name) stops for idleness although \(leftover) runs")
        }
    }

    private func end(_ book: inout Book, _ version: Int?, _ how: String) throws(Violation) {
        guard book.idle?.version == version else {
            throw Violation(
                law: "L5",
                what:
                    "\(how) ends idle period \(version.map(String.init) ?? "none"), open is \(book.idle.map { String($0.version) } ?? "none")"
            )
        }
        book.idle = nil
    }

    /// What must hold in every state at rest.
    private func checkConsistency(_ state: ControllerState, _ book: Book) throws(Violation) {
        if case .idle = state.phase {
            guard book.idle != nil, state.liveServices.isEmpty else {
                throw Violation(law: "L3", what: "idle with \(state.liveServices)")
            }
            try checkNobodyUses(book, state.name)
        } else if book.idle != nil {
            throw Violation(
                law: "L5", what: "idle period \(book.idle?.version ?? 0) is open while \(state.status.rawValue)")
        }
        if case .up = state.phase, state.liveServices.isEmpty, state.activeUses.isEmpty {
            throw Violation(law: "L4", what: "up without a live service, and not idle")
        }
        var subjects: Set<Reconciler.Subject> = []
        for work in state.outstanding where !subjects.insert(work.subject).inserted {
            throw Violation(law: "trap", what: "two pieces of work for one subject: \(work)")
        }
    }

    /// What must hold once everything has settled and no fault is left.
    func checkSettled(_ state: ControllerState) throws(Violation) {
        guard let book = books[state.name] else { return }
        try book.hooks.checkSettled(state.name)
        switch state.status {
        case .starting, .stopping, .terminating:
            throw Violation(law: "liveness", what: "\(state.name) stays \(state.status.rawValue)")
        case .absent, .up, .idle, .stopped, .failed, .terminated: break
        }
        guard book.shouldRun == (state.status == .up || state.status == .idle) else {
            throw Violation(
                law: "L6", what: "\(state.name) is \(state.status.rawValue), should\(book.shouldRun ? "" : " not") run")
        }
        for name in book.wanted {
            guard let service = state.services[name] else {
                throw Violation(law: "L6", what: "\(name) was accepted and is not there")
            }
            try checkSettled(service, of: state, shouldRun: book.shouldRun)
        }
        for name in state.services.keys where !book.wanted.contains(name) {
            throw Violation(
                law: "liveness",
                what: "\(name) was taken down and is still \(state.services[name]?.status.rawValue ?? "")")
        }
    }

    /// A process that has looked, and waits now, has seen what was due.
    func checkHasLooked(_ controller: ControllerName, _ now: Instant) throws(Violation) {
        try books[controller]?.timers.checkNothingIsDue(now)
        try books[controller]?.checkIdleDeadlineIsSeen(now)
    }

    /// A load balancer listens where its service is reached.
    func checkListens(_ reference: LoadBalancerReference, at endpoint: Endpoint, on controller: ControllerName)
        throws(Violation)
    {
        try endpoints.checkListens(reference, at: endpoint, on: controller)
    }

    /// Whether the controller waits for nothing but its idle deadline, which must then stop it.
    func expectStop(_ controller: ControllerName) -> Bool {
        books[controller]?.idle?.dueWall != nil
    }
}

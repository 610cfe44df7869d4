import Lifecycle

extension Laws {
    /// What one command led to, as it was committed.
    struct Transaction {
        var command: Command
        var events: [StampedEvent]
        var before: ControllerState
        var after: ControllerState
        var now: Instant

        /// The event that follows one in the same transaction.
        func event(after stamped: StampedEvent) -> Event? {
            events.first { $0.stamp.version == stamped.stamp.version + 1 }?.event
        }

        /// Whether somebody wants it, rather than reports what has happened.
        var isOfPeople: Bool {
            switch command {
            case .up, .update, .down, .purge, .removeReplica, .start, .stop, .terminate, .setAutostop, .pauseAutostop,
                .resumeAutostop:
                true
            default: false
            }
        }
    }
}

extension Laws.Book {
    /// The state waits for the end of the idle period that is open, and for no other.
    private func checkIdleDeadline(_ state: ControllerState) throws(Violation) {
        let pending = state.pendingDeadlines.first { $0.key == .idle }
        let isTheSame = pending?.deadline.bootMicroseconds == idle?.dueBoot && pending?.generation == idle?.dueVersion
        guard isTheSame, pending.map({ $0.deadline.wallMicroseconds == idle?.dueWall }) ?? true else {
            throw Violation(law: "L4", what: "\(state.name) waits for another idle deadline than it was")
        }
    }

    /// Whoever has looked, and waits, waits for what is still to come, by the clock as it is set now: the times of the
    /// week that it was worked out by are those of the wall clock.
    func checkIdleDeadlineIsSeen(_ now: Instant) throws(Violation) {
        guard let idle, let dueWall = idle.dueWall, let dueBoot = idle.dueBoot, idle.bootID == now.bootID else {
            return
        }
        guard now.bootMicroseconds < dueBoot else {
            throw Violation(law: "L4", what: "the idle deadline is over, and the process does nothing")
        }
        let moved = (now.wallMicroseconds - now.bootMicroseconds) - (dueWall - dueBoot)
        guard schedule == nil || abs(moved) <= 60_000_000 else {
            throw Violation(law: "L4", what: "the clock was set by \(moved) us, and times of the week go by it")
        }
    }

    /// Keeps the books of one transaction, and compares the state that it led to with them.
    mutating func keep(_ transaction: Laws.Transaction, _ machine: SimulatedMachine) throws(Violation) {
        for stamped in transaction.events {
            if case .controllerTerminating(let event) = stamped.event { try checkTermination(event, transaction) }
            try specs.see(stamped, in: transaction)
            try identities.see(stamped)
            try policy.see(stamped, in: transaction)
            try timers.see(stamped, specs, policy, in: transaction)
            try backOff.see(stamped, specs, transaction.now)
            try idleness.see(stamped, isPaused: isPaused, in: transaction)
            try hooks.see(stamped, policy.inForce, in: transaction, machine)
            try lives.see(stamped, in: transaction)
        }
        try specs.check(transaction)
        try identities.check(transaction.after)
        try policy.check(transaction)
        try timers.check(transaction)
        try checkIdleDeadline(transaction.after)
        try timers.checkWindows(transaction.after, specs)
        try backOff.check(transaction.after)
        try hooks.check(transaction.after)
        try lives.check(transaction.after, specs)
    }
}

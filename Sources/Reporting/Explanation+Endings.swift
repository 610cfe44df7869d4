import Lifecycle

// How a controller came to its stop or its end: by which of its deadlines or by whom, since when it was idle and why,
// and what happened meanwhile to the deadline.

extension Explanation {
    /// How it was stopped, a sentence each.
    ///
    /// - Parameter stopping: what began the stop; nil when it could not be started and has nothing to stop.
    func stop(at stopped: Int64, _ reason: StopReason, _ stopping: Happening?) -> [String] {
        let when = "Stopped \(words.clock(stopped))"
        switch reason {
        case .byHand: return ["\(when) by hand\(by(stopping))."]
        case .idleDeadline:
            guard let stopping, case .controllerStopping(let event) = stopping.event, let idle = event.idleVersion
            else {
                return ["\(when) by its idle deadline."]
            }
            return idleEnd(when, idle, stopping, event.latenessMicroseconds)
        }
    }

    /// How it was terminated, or is being, a sentence each.
    var termination: [String] {
        let isOver = state.status == .terminated
        guard let terminating = last(.controllerTerminating), case .controllerTerminating(let event) = terminating.event
        else {
            let when = last(.controllerTerminated).map { " \(words.clock($0.stamp.atMicroseconds))" } ?? ""
            return [isOver ? "Terminated\(when)." : "Being terminated."]
        }
        let end = isOver ? last(.controllerTerminated)?.stamp.atMicroseconds : nil
        let at = words.clock(end ?? terminating.stamp.atMicroseconds)
        let when = isOver ? "Terminated \(at)" : "Being terminated since \(at)"
        // How it had been stopped, if it was stopped then.
        let earlier = happenings.prefix { $0.stamp.version < terminating.stamp.version }
        let stopped = earlier.last { $0.event.type == .controllerStopped || $0.event.type == .controllerStarting }
        var before: [String] = []
        var since = ""
        if let stopped, case .controllerStopped(let stop) = stopped.event {
            since = words.clock(stopped.stamp.atMicroseconds)
            let stopping = earlier.last { $0.event.type == .controllerStopping }
            before = self.stop(at: stopped.stamp.atMicroseconds, stop.reason, stopping)
        }
        switch (event.latenessMicroseconds, event.idleVersion) {
        case (let lateness?, let idle?): return idleEnd(when, idle, terminating, lateness, goesDown: true)
        case (let lateness?, nil):
            let after = policy(before: terminating.stamp.version)?.terminateAfterSeconds?.value.map(words.window)
            let stayed = since.isEmpty ? "it stayed stopped" : "it stayed stopped since \(since)"
            return [
                "\(when) by terminate_after\(after.map { " \($0)" } ?? ""): \(stayed), \(seconds(lateness)) late."
            ] + before
        case (nil, let idle):
            var lines = ["\(when) by hand\(by(terminating))\(event.force ? ", by force" : "")."]
            let gone = happenings.filter {
                $0.event.type == .serviceDownRequested && $0.stamp.version > terminating.stamp.version
                    && $0.stamp.atMicroseconds == terminating.stamp.atMicroseconds
            }.compactMap(\.event.service)
            if !gone.isEmpty { lines.append("It took \(list(gone)) with it.") }
            if let idle, let since = idleSince(idle) {
                lines.append("It had been idle since \(words.clock(since)): \(whyIdle(at: idle)).")
            }
            return lines + before
        }
    }

    /// The end of the idle period that began at `version`, by its deadline.
    private func idleEnd(
        _ what: String, _ version: Int, _ ending: Happening, _ lateness: Int64?, goesDown: Bool = false
    ) -> [String] {
        let late = "\(seconds(lateness ?? 0)) late"
        let why = whyIdle(at: version)
        let since = idleSince(version).map { "\(idleWord(at: version)) since \(words.clock($0)) (\(why))" } ?? why
        let policy = policy(before: version)
        let down = goesDown ? ", and it goes down then" : ""
        guard let began = happenings.last(where: { $0.stamp.version == version }),
            case .controllerIdle(let idle) = began.event,
            let seconds = idle.idleTimeoutSeconds ?? policy?.idleTimeoutSeconds
        else { return ["\(what) by its idle deadline: \(since)\(down), \(late)."] }
        let window = words.window(seconds)
        let counted = (idle.clockSinceMicroseconds ?? began.stamp.atMicroseconds) &+ Int64(seconds * 1e6)
        let lines: [String]
        switch (idle.deadline?.wallMicroseconds, policy?.schedule?.value) {
        case (let due?, let schedule?) where due < counted &- 1_000_000 && !schedule.stopAt.isEmpty:
            let moment = schedule.stop(at: due, zones)?.text ?? schedule.stopAt.map(\.text).joined(separator: "; ")
            lines = ["\(what) by stop_at \(moment), before its window of \(window) was over: \(since)\(down), \(late)."]
        case (let due?, let schedule?) where due > counted &+ 1_000_000 && !schedule.keepWarm.isEmpty:
            let warm = schedule.keepWarm.map(\.text).joined(separator: "; ")
            lines = [
                "\(what) by its idle deadline: \(since), window \(window), "
                    + "of which no time counted within keep_warm \(warm)\(down), \(late)."
            ]
        default: lines = ["\(what) by its idle deadline: \(since), window \(window)\(down), \(late)."]
        }
        return lines + interludes(from: version, to: ending.stamp.version)
    }

    /// What happened to the deadline of an idleness of which `version` is one period: pauses and other windows, a
    /// sentence each.
    ///
    /// - Parameters:
    ///   - end: version of what ended it.
    ///   - spared: version of an event that is told elsewhere.
    func interludes(from version: Int, to end: Int, sparing spared: Int? = nil) -> [String] {
        guard let first = firstPeriod(of: version) else { return [] }
        var lines: [String] = []
        var deadline: Int64?
        for happening in happenings where happening.stamp.version >= first && happening.stamp.version < end {
            let at = words.clock(happening.stamp.atMicroseconds)
            switch happening.event {
            case .controllerIdle(let idle): deadline = idle.deadline?.wallMicroseconds
            case .controllerAutostopPaused(let pause) where happening.stamp.version != spared:
                let left = deadline.map { max(0, $0 &- happening.stamp.atMicroseconds) }
                lines.append(
                    "Autostop was paused \(at)\(by(happening))\(pause.reason.map { " (\($0))" } ?? "")"
                        + (left.map { ", with \(words.span($0)) left" } ?? "") + ".")
            case .controllerAutostopResumed(let resumed):
                lines.append(
                    resumed.latenessMicroseconds == nil
                        ? "It was resumed \(at)\(by(happening)); the window counted anew from then."
                        : "The pause was over \(at); the window counted anew from then.")
            case .controllerPolicySet(let set):
                let window = set.policy.idleTimeoutSeconds.map(words.window) ?? "none"
                let from = set.keptSinceMicroseconds == nil ? "from then" : "from when it became idle"
                let changes =
                    policy(before: happening.stamp.version).map { set.policy.changes(since: $0, words.window) } ?? []
                let others = changes.filter { $0.name != "autostop" }.map { "\($0.name) \($0.value)" }
                    .joined(separator: ", ")
                lines.append(
                    others.isEmpty || changes.contains { $0.name == "autostop" }
                        ? "Its window was set \(at)\(by(happening)): \(window), counted \(from)"
                            + (others.isEmpty ? "." : "; and \(others).")
                        : "Its autostop was changed \(at)\(by(happening)): \(others); its window of \(window) counted \(from)."
                )
            case .controllerWoken(let woken) where woken.keptSinceMicroseconds != nil:
                lines.append("Its deadline was worked out anew \(at): \(woken.reason ?? "").")
            default: break
            }
        }
        let untold = lines.count - Self.interludesTold
        guard untold > 0 else { return lines }
        let many = untold == 1 ? "One earlier change" : "\(untold) earlier changes"
        return ["\(many) of its window and pauses: dwell events --controller \(state.name)."]
            + lines.suffix(Self.interludesTold)
    }

    /// Who changes its mind more often cares for the last of it.
    private static let interludesTold = 5

    /// The version at which the idleness began that the period at `version` is a part of: a pause and a change of policy
    /// end a period and begin another, and it is idle all the while.
    private func firstPeriod(of version: Int) -> Int? {
        happenings.last {
            guard $0.stamp.version <= version, case .controllerIdle(let idle) = $0.event else { return false }
            return idle.sinceMicroseconds == nil
        }?.stamp.version
    }

    private func idleSince(_ version: Int) -> Int64? {
        guard let began = happenings.last(where: { $0.stamp.version == version }) else { return nil }
        if case .controllerIdle(let idle) = began.event, let since = idle.sinceMicroseconds { return since }
        return began.stamp.atMicroseconds
    }

    /// What came just before the idleness: the end of another use than by services, or the answer that there is none.
    private func lastUse(before version: Int) -> (change: ControllerUseChanged, wasActive: Bool)? {
        guard let first = firstPeriod(of: version), let before = happenings.last(where: { $0.stamp.version < first }),
            case .controllerUseChanged(let change) = before.event, !change.isActive
        else { return nil }
        for earlier in happenings.reversed() where earlier.stamp.version < before.stamp.version {
            switch earlier.event {
            case .controllerUseChanged(let other) where other.probe == change.probe: return (change, other.isActive)
            case .controllerStarting: return (change, false)
            default: continue
            }
        }
        return (change, false)
    }

    private func idleWord(at version: Int) -> String { lastUse(before: version) == nil ? "no service" : "no use" }

    /// What left it without anything that keeps it up, at the idle period that began at `version`.
    func whyIdle(at version: Int) -> String {
        guard let (use, wasActive) = lastUse(before: version) else { return whyNoService(before: version) }
        guard wasActive else {
            return "\(whyNoService(before: version)), and \(use.probe) (wait_for) is not in use: \(use.evidence)"
        }
        return "\(use.probe) (wait_for) is not in use any more: \(use.evidence)"
    }

    /// The policy in force before the event of that version; nil when the archive has it.
    private func policy(before version: Int) -> AutostopPolicy? {
        for happening in happenings.reversed() where happening.stamp.version < version {
            switch happening.event {
            case .controllerStarting(let starting): return starting.policy
            case .controllerPolicySet(let set): return set.policy
            default: continue
            }
        }
        return nil
    }
}

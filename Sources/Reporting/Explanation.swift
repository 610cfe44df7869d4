import Lifecycle

/// Why a controller, or a service, is as it is: what it waits for, since when, what would change it, and who did what
/// last. From its state and its events alone, so that it can be told of any moment.
public struct Explanation: Sendable {
    /// What happened, as far as an explanation needs to know.
    public struct Happening: Sendable {
        public var event: Event
        public var stamp: Stamp
        /// Through what: `cli`, `controller`, `keeper`, `timer`.
        public var component: String

        public init(event: Event, stamp: Stamp, component: String) {
            self.event = event
            self.stamp = stamp
            self.component = component
        }
    }

    /// How times are written.
    public struct Words: Sendable {
        /// A moment, from microseconds since 1970.
        var clock: @Sendable (Int64) -> String
        /// A span, from microseconds, to about a second.
        var span: @Sendable (Int64) -> String
        /// A time that somebody has set, from seconds, exactly.
        var window: @Sendable (Double) -> String

        public init(
            clock: @escaping @Sendable (Int64) -> String, span: @escaping @Sendable (Int64) -> String,
            window: (@Sendable (Double) -> String)? = nil
        ) {
            self.clock = clock
            self.span = span
            self.window = window ?? { span(Int64($0 * 1e6)) }
        }
    }

    let state: ControllerState
    /// Those of the controller and its services as such, in order.
    let happenings: [Happening]
    let now: Instant
    let words: Words
    let zones: TimeZones

    /// Whether events that came before the happenings were archived, so that what is not found is not known.
    private let isArchivedBefore: Bool

    public init(
        _ state: ControllerState, _ happenings: [Happening], isArchivedBefore: Bool = false, now: Instant,
        zones: TimeZones = .utc, _ words: Words
    ) {
        self.state = state
        self.zones = zones
        self.isArchivedBefore = isArchivedBefore
        self.happenings = happenings
        self.now = now
        self.words = words
    }

    // MARK: Controllers

    /// The controller, a sentence each.
    public var ofController: [String] { ofPhase + failedHooks }

    private var failedHooks: [String] {
        FailedHook.all(in: happenings.map { StampedEvent(event: $0.event, stamp: $0.stamp) }).map {
            Self.text($0, of: state.name.rawValue, words).sentence
        }
    }

    /// That a hook failed, and where to look.
    public static func text(_ hook: FailedHook, of controller: String, _ words: Words) -> String {
        "its hook \(hook.kind.rawValue) \(hook.outcome.inWords), \(words.clock(hook.atMicroseconds)); "
            + "what it wrote is in logs/\(controller)/hooks.log"
    }

    private var ofPhase: [String] {
        switch state.phase {
        case .absent: return ["Controller \(state.name) was never started."]
        case .starting(let since):
            if let held = state.heldStart {
                let left = words.span(max(0, held.until.remainingMicroseconds(at: now)))
                return [
                    "Asked to start \(words.clock(since))\(by(whoStarted)), and held back: \(held.reason).",
                    "It starts at \(moment(held.until)), in \(left).",
                ]
            }
            return [
                "Starting since \(words.clock(since))\(by(whoStarted)).",
                "It is up as soon as a process has taken its lease.",
            ]
        case .up: return up
        case .idle(let idle): return self.idle(idle)
        case .stopping(let stopping):
            let left = state.services.values.filter { $0.presentReplicaCount > 0 || $0.loadBalancer != nil }
            return [
                "Stopping since \(words.clock(stopping.sinceMicroseconds)), \(cause(stopping.reason)).",
                left.isEmpty
                    ? state.hooks.isEmpty
                        ? "Nothing of it is left; it is stopped in a moment."
                        : "Nothing of its services is left; it waits for its hook \(hookNames)."
                    : "It waits for what is left of \(list(left.map(\.name).sorted())).",
            ]
                + (stopping.startAgain
                    ? ["Somebody wanted it meanwhile\(by(last(.controllerStartRequested))): it starts again at once."]
                    : [])
        case .stopped(let stopped): return self.stopped(stopped)
        case .failed(let reason): return failed(reason)
        case .terminating:
            let what =
                state.services.isEmpty && !state.hooks.isEmpty
                ? "It waits for its hook \(hookNames)." : "Its services are being removed for good."
            return termination + [what]
        case .terminated:
            return termination + ["The name begins another life with: dwell start \(state.name)."]
        }
    }

    private var up: [String] {
        let since = state.startedAtMicroseconds.map { " since \(words.clock($0))" } ?? ""
        var lines = ["Up\(since)\(by(whoStarted, verb: "started"))."]
        let live = state.liveServices.compactMap { state.services[$0] }
        for service in live {
            lines.append(
                "Held up by \(service.name): \(service.status.rawValue) since \(words.clock(service.statusSinceMicroseconds)), "
                    + "wanted by \(service.requestedBy).")
        }
        lines += Self.uses(of: state, words).map(\.sentence)
        lines.append("When the last of them is gone: \(whatIdlenessLeadsTo).")
        if state.recoveries > 0 {
            lines.append(
                "Its process was replaced \(state.recoveries) time\(state.recoveries == 1 ? "" : "s") after a crash.")
        }
        return lines
    }

    /// What keeps a controller up besides services, and why, a sentence without its end each.
    public static func uses(of state: ControllerState, _ words: Words) -> [String] {
        state.activeUses.map { name in
            let verdict = state.uses[name].map { "\($0.evidence), since \(words.clock($0.sinceMicroseconds))" }
            return "kept up by \(name) (wait_for): \(verdict ?? "it has not answered yet")"
        }
    }

    private func failed(_ reason: String) -> [String] {
        let at = last(.controllerStartFailed).map { " \(words.clock($0.stamp.atMicroseconds))" } ?? ""
        let begun = last(.controllerStarting).map { ", started \(words.clock($0.stamp.atMicroseconds))" } ?? ""
        var lines = ["FAILED\(at): it could not be started: \(reason)\(begun)\(by(whoStarted))."]
        let failures = state.failedStarts
        if failures > 1 { lines.append("\(failures) starts in a row have failed.") }
        let held = state.hold(state.policy, at: now).map {
            ", which is held back until \(moment($0.until)): \($0.reason)"
        }
        return lines + ["Try again: dwell start \(state.name)\(held ?? "")."]
    }

    private func idle(_ idle: ControllerState.Idle) -> [String] {
        var lines = ["Idle since \(words.clock(idle.sinceMicroseconds)): \(whyIdle(at: idle.generation))."]
        lines += interludes(from: idle.generation, to: .max, sparing: state.pause?.generation)
        if let pause = state.pause {
            let who =
                "paused by \(pause.by) \(words.clock(pause.sinceMicroseconds))"
                + (pause.reason.map { " (\($0))" } ?? "")
            if let until = pause.until, until.remainingMicroseconds(at: now) <= 0 {
                // The machine was off, or whoever would have ended it was killed.
                lines.append(
                    "Its pause was over at \(moment(until)), \(who); nothing of dwell has run since to end it. "
                        + "The window counts from then.")
            } else {
                let until = pause.until.map { "until \(moment($0))" } ?? "until it is resumed"
                lines.append("It does not stop by itself \(until): \(who).")
            }
        } else if let deadline = idle.deadline {
            let ends = state.policy.down?.value == true ? "is terminated" : "stops"
            let left = deadline.remainingMicroseconds(at: now)
            lines.append(
                left >= 0
                    ? "It \(ends) at \(moment(deadline)), in \(words.span(left)), unless a service is brought up."
                    : "It should have \(stoppedWord) at \(moment(deadline)); nothing of dwell has run since to do it.")
        } else {
            let isWarm = state.policy.idleTimeoutSeconds != nil
            lines.append(
                "It never stops by itself" + (isWarm ? ": all the time there is lies within keep_warm" : "")
                    + ". Stop it: dwell stop \(state.name).")
        }
        lines.append("Window: \(window) (\(state.policy.source.rawValue))\(scheduleInWords).")
        return lines + stopsKeptWarm
    }

    private func stopped(_ stopped: ControllerState.Stopped) -> [String] {
        var lines = stop(at: stopped.sinceMicroseconds, stopped.reason, last(.controllerStopping))
        let again = state.liveServices
        if !again.isEmpty { lines.append("Its next start serves \(list(again)) again.") }
        if let deadline = stopped.terminateAt {
            lines.append(
                again.isEmpty
                    ? "It is terminated at \(moment(deadline)) if it stays stopped."
                    : "It is not terminated while services wait for its next start.")
        }
        lines.append("Start it: dwell start \(state.name), or any dwell up.")
        return lines
    }

    /// What of the week counts otherwise.
    private var scheduleInWords: String {
        guard state.policy.idleTimeoutSeconds != nil, let schedule = state.policy.schedule?.value else { return "" }
        let warm = schedule.keepWarm.map(\.text).joined(separator: "; ")
        let inVain = schedule.stopsKeptWarm(from: now.wallMicroseconds, zones)
        let stops = schedule.stopAt.filter { !inVain.contains($0) }.map(\.text).joined(separator: "; ")
        return (warm.isEmpty ? "" : ", of which no time counts within keep_warm \(warm)")
            + (stops.isEmpty ? "" : ", cut short at stop_at \(stops)")
    }

    /// What of the week is said in vain.
    private var stopsKeptWarm: [String] {
        guard state.policy.idleTimeoutSeconds != nil, let schedule = state.policy.schedule?.value else { return [] }
        return Self.stopsKeptWarm(schedule, now, zones).map { $0 + "." }
    }

    /// Moments of `stop_at` that stop nothing, and why, a sentence without its end each.
    public static func stopsKeptWarm(_ schedule: Schedule, _ now: Instant, _ zones: TimeZones) -> [String] {
        let warm = schedule.keepWarm.map(\.text).joined(separator: "; ")
        return schedule.stopsKeptWarm(from: now.wallMicroseconds, zones).map {
            "stop_at \($0.text) lies within keep_warm \(warm), which wins: nothing is stopped then"
        }
    }

    private var hookNames: String { state.hooks.map(\.kind.rawValue).joined(separator: ", ") }

    /// What left the controller without a service at an event of its stream: the last `down` of the life it was in
    /// then, if there was one.
    func whyNoService(before version: Int) -> String {
        let earlier = happenings.prefix { $0.stamp.version < version }
        let start = earlier.last { $0.event.type == .controllerStarting }
        // It is the last that was said of a service that failed for good, before it is recorded as FAILED.
        let last = earlier.last { $0.event.type == .serviceDownRequested || $0.event.type == .serviceLaunchesStopped }
        if let last, last.stamp.version > start?.stamp.version ?? 0,
            case .serviceLaunchesStopped(let event) = last.event
        {
            return "\(event.service) FAILED: \(event.reason)"
        }
        // Of several that were taken down at once it is the last that went.
        let gone = earlier.last { $0.event.type == .serviceGone }?.event.service
        let downs = earlier.filter { $0.event.type == .serviceDownRequested }
        guard
            let down = downs.last(where: { $0.event.service == gone }) ?? downs.last,
            down.stamp.version > start?.stamp.version ?? 0, case .serviceDownRequested(let event) = down.event
        else {
            guard start != nil || !isArchivedBefore else { return "why, the archive tells" }
            return "no service was brought up since its start\(by(start.map(asker(of:))))"
        }
        if let unused = event.unusedMicroseconds {
            return "\(event.service) was not asked for in \(words.span(unused)), so it went"
        }
        return "\(event.service) was taken down\(by(down))"
    }

    private var whatIdlenessLeadsTo: String {
        let ends = state.policy.down?.value == true ? "terminated" : "stopped"
        if state.pause != nil { return "it stays, for autostop is paused" }
        switch state.policy.idleTimeoutSeconds {
        case nil: return "it stays (autostop is off, \(state.policy.source.rawValue))"
        case 0: return "it is \(ends) at once (\(state.policy.source.rawValue))"
        case .some:
            return "it stays warm for \(window), then it is \(ends) (\(state.policy.source.rawValue))\(scheduleInWords)"
        }
    }

    private var stoppedWord: String { state.policy.down?.value == true ? "been terminated" : "stopped" }

    private var window: String { state.policy.idleTimeoutSeconds.map(words.window) ?? "none" }

    private func cause(_ reason: StopReason) -> String {
        switch reason {
        case .idleDeadline: "by its idle deadline"
        case .byHand: "by hand" + by(last(.controllerStopping))
        }
    }

    // MARK: Words

    func last(_ type: EventType) -> Happening? { happenings.last { $0.event.type == type } }

    /// What began its last start: what somebody asked for while it was stopping, where its own process went on from there.
    private var whoStarted: Happening? { last(.controllerStarting).map(asker(of:)) }

    private func asker(of start: Happening) -> Happening {
        let asked = happenings.last {
            $0.event.type == .controllerStartRequested && $0.stamp.version < start.stamp.version
        }
        let stopping = happenings.last {
            $0.event.type == .controllerStopping && $0.stamp.version < start.stamp.version
        }
        guard start.component == "controller", let asked, asked.stamp.version > stopping?.stamp.version ?? 0 else {
            return start
        }
        return asked
    }

    /// ` by ann@desk, from the command line`.
    func by(_ happening: Happening?, verb: String = "") -> String {
        guard let happening else { return "" }
        let through = happening.component == "cli" ? "from the command line" : "through its \(happening.component)"
        let verb = verb.isEmpty ? "" : ", \(verb)"
        let service: String
        switch happening.event {
        case .controllerStarting(let event): service = event.service.map { " for \($0)" } ?? ""
        case .controllerStartRequested(let event): service = event.service.map { " for \($0)" } ?? ""
        default: service = ""
        }
        return "\(verb) by \(happening.stamp.actor) \(through)\(service)"
    }

    func moment(_ deadline: Deadline) -> String {
        words.clock(now.wallMicroseconds &+ deadline.remainingMicroseconds(at: now))
    }

    func seconds(_ microseconds: Int64) -> String {
        let thousandths = (microseconds &+ 500) / 1_000
        let rest = String(thousandths % 1_000)
        return "\(thousandths / 1_000).\(String(repeating: "0", count: max(0, 3 - rest.count)))\(rest) s"
    }

    func list(_ names: [ServiceName]) -> String { names.map(\.rawValue).joined(separator: ", ") }
}

import EventLog
import Lifecycle
import Reporting

/// When a controller stops by itself, in sentences.
struct AutostopText {
    private let state: ControllerState
    private let now: Instant

    init(_ state: ControllerState, now: Instant) {
        self.state = state
        self.now = now
    }

    var lines: [String] {
        let policy = state.policy
        let ends = policy.down?.value == true ? "is terminated" : "stops"
        var lines: [String] = []
        switch policy.idleTimeoutSeconds {
        case nil: lines.append("Controller \(state.name) does not stop by itself.")
        case 0: lines.append("Controller \(state.name) \(ends) as soon as its last service is gone.")
        case let seconds?:
            lines.append(
                "Controller \(state.name) \(ends) after \(TimeText.window(seconds: seconds)) without a service.")
        }
        if policy.idleTimeoutSeconds != nil, let schedule = policy.schedule?.value {
            for window in schedule.keepWarm { lines.append("  idleness does not count: \(window.text)") }
            for moment in schedule.stopAt { lines.append("  an idle one \(ends) at: \(moment.text)") }
        }
        if policy.idleTimeoutSeconds != nil, let schedule = policy.schedule?.value {
            lines += Explanation.stopsKeptWarm(schedule, now, .system).map { "  \($0)" }
        }
        if let names = policy.waitFor?.value, !names.isEmpty {
            lines.append("  it waits for: \(names.joined(separator: ", "))")
        }
        if let after = policy.terminateAfterSeconds?.value {
            lines.append("  stopped for \(TimeText.window(seconds: after)), it is terminated")
        }
        if let pause = state.pause {
            let until = pause.until.map { "until " + clock($0) } ?? "until: dwell autostop \(state.name) --resume"
            lines.append("  autostop is paused \(until)" + (pause.reason.map { " (\($0))" } ?? ""))
        }
        switch state.phase {
        case .stopping, .terminating:
            lines.append("  it is \(state.status.rawValue): this is for when it is up again")
        case .idle(let idle):
            guard let deadline = idle.deadline else {
                guard policy.idleTimeoutSeconds != nil, state.pause == nil else { break }
                lines.append("  it is idle, and never \(ends): all the time there is lies within keep_warm")
                break
            }
            lines.append(
                deadline.remainingMicroseconds(at: now) > 0
                    ? "  it is idle: it \(ends) at \(clock(deadline)) unless a service is brought up"
                    : "  it has been idle for longer than that: it \(ends) now")
        case .stopped(let stopped):
            lines.append(
                stopped.terminateAt.map {
                    $0.remainingMicroseconds(at: now) > 0
                        ? "  it is stopped: it is terminated at \(clock($0))"
                        : "  it has been stopped for longer than that: it is terminated now"
                } ?? "  it is stopped: this is for when it is up again")
        case .absent, .starting, .up, .failed, .terminated: break
        }
        return lines
    }

    private func clock(_ deadline: Deadline) -> String {
        TimeText.clock(inMicroseconds: max(0, deadline.remainingMicroseconds(at: now)), now)
    }
}

// The guard against churn: a controller is not started again and again at the pace of whoever asks for it, so that no
// script or fault makes a provider throttle us, or bills for machines that start and stop. A start that comes too soon
// is not refused: it is recorded, and held back until its time.

/// A start that is held back.
public struct HeldStart: Hashable, Sendable, Codable {
    public var until: Deadline
    /// In words.
    public var reason: String
    /// Stream version of the event that held it back: the deadline's generation.
    public var generation: Int
}

/// What is known of the starts of a controller so far. It outlives the controller's end, for the name may begin anew.
struct StartHistory: Hashable, Sendable, Codable {
    /// When it was last started; nil before the first time.
    var last: Instant?
    /// Starts in a row that failed, and the last of them.
    var failures = 0
    var lastFailure: Instant?
}

/// The time of a start that was held back has come.
public struct ControllerStartDue: Hashable, Sendable, Codable {
    public var at: Instant
    public var latenessMicroseconds: Int64
}

extension ControllerState {
    /// Until when a start that is asked for now is held back, and why; nil when it may begin.
    public func hold(_ policy: AutostopPolicy, at now: Instant) -> (until: Deadline, reason: String)? {
        var waits: [(seconds: Double, reason: String)] = []
        if let interval = policy.minStartIntervalSeconds?.value, interval > 0, let last = starts.last {
            let ago = last.secondsUntil(now)
            let reason = "started \(Self.seconds(ago)) ago, min_start_interval \(Self.seconds(interval))"
            waits.append((interval - ago, reason))
        }
        if starts.failures > 0, let last = starts.lastFailure {
            let wait = BackOffRule.startSeconds(controller: name, failures: starts.failures)
            let what = starts.failures == 1 ? "the last start failed" : "\(starts.failures) starts in a row failed"
            waits.append((wait - last.secondsUntil(now), what))
        }
        guard let longest = waits.max(by: { $0.seconds < $1.seconds }), longest.seconds > 0 else { return nil }
        return (Deadline(seconds: longest.seconds, after: now), longest.reason)
    }

    /// `12 s`; with a decimal where that says more.
    private static func seconds(_ seconds: Double) -> String {
        let tenths = (seconds * 10).rounded() / 10
        return seconds >= 10 || tenths == tenths.rounded() ? "\(Int(seconds.rounded())) s" : "\(tenths) s"
    }

    /// Starts in a row that failed.
    public var failedStarts: Int { starts.failures }
}

extension Decision {
    /// The time of a held start has come.
    mutating func startDue(_ held: HeldStart, _ lateness: Int64) {
        record(.controllerStartDue(ControllerStartDue(at: now, latenessMicroseconds: lateness)))
    }

    /// A process is there for a start that is held back: it waits. One of another boot than the deadline is recorded, so
    /// that the deadline is carried over to its clock.
    mutating func takeOver(_ process: String, held: HeldStart) {
        guard held.until.bootID != now.bootID, state.process != process else { return }
        record(.controllerRecovered(ControllerRecovered(process: process, previous: state.process, at: now)))
    }
}

extension ControllerState {
    mutating func apply(_ event: ControllerStartDue, _ stamp: Stamp) {
        starts.last = event.at
        heldStart = nil
        // Whoever waited takes the lease anew, and so says that it has started.
        process = nil
        if case .starting = phase { phase = .starting(sinceMicroseconds: stamp.atMicroseconds) }
    }
}

extension Instant {
    /// Seconds from here to a later moment, by the boot clock where it is the same boot. A wall clock that was set back
    /// meanwhile makes it none.
    func secondsUntil(_ later: Instant) -> Double {
        let microseconds =
            bootID == later.bootID
            ? later.bootMicroseconds &- bootMicroseconds : later.wallMicroseconds &- wallMicroseconds
        return Swift.max(0, Double(microseconds) / 1e6)
    }
}

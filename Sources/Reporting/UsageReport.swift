import Lifecycle

/// What a controller cost and what its warm windows saved, in a span of time.
public struct UsageReport: Hashable, Sendable {
    /// Seconds in each condition.
    public var busySeconds: Double = 0
    public var idleSeconds: Double = 0
    public var startingSeconds: Double = 0
    public var stoppedSeconds: Double = 0
    /// Starts that were paid for.
    public var starts = 0
    /// Starts that were not needed: a service found the controller warm.
    public var startsAvoided = 0
    /// Mean of the starts measured, seconds; nil when none was.
    public var meanStartSeconds: Double?
    public var crashes = 0

    /// Seconds that people did not wait for a start.
    public var savedSeconds: Double { Double(startsAvoided) * (meanStartSeconds ?? 0) }
    /// Seconds it was up, whatever for: what a machine is paid for.
    public var paidSeconds: Double { busySeconds + idleSeconds + startingSeconds }

    public init() {}

    /// - Parameter span: what lies outside does not count; what lies partly inside counts by that part, and an
    ///   idle period or a start belongs to where it began.
    public init(_ history: ControllerHistory, in span: Range<Int64>) {
        for stretch in history.stretches {
            let part = stretch.clamped(to: span)
            switch stretch.condition {
            case .busy: busySeconds += part
            case .idle: idleSeconds += part
            case .starting: startingSeconds += part
            case .stopped: stoppedSeconds += part
            }
        }
        starts = history.starts.count { span.contains($0.at) }
        startsAvoided = history.idlePeriods.count { $0.end == .woken && span.contains($0.ended ?? $0.began) }
        crashes = history.crashes.count { span.contains($0) }
        // Measured over all there is: a start takes as long as a start takes.
        let measured = history.archivedStartsMicroseconds + history.starts.compactMap(\.took)
        if !measured.isEmpty {
            meanStartSeconds = Double(measured.reduce(0, +)) / Double(measured.count) / 1e6
        }
    }
}

/// What another idle window would have led to, all else being as it was.
public struct WhatIf: Hashable, Sendable {
    /// The window, seconds.
    public var windowSeconds: Double
    /// Seconds of idleness that would have been paid for.
    public var idleSeconds: Double = 0
    /// Times a service would have found the controller warm, and times it would have had to be started.
    public var startsAvoided = 0
    public var starts = 0

    /// Goes over the idle periods: when a service was wanted again before the controller would have stopped, it is found
    /// warm; else it is started then. Who stopped it by hand, or terminated it, would have done so all the same, and a pause holds whatever
    /// the window is: that counts from its end. Starts that no idle period came before are there with any window, so the
    /// figures are of the same starts as those of ``UsageReport``.
    public init(windowSeconds: Double, _ history: ControllerHistory, in span: Range<Int64>, now: Int64) {
        self.windowSeconds = windowSeconds
        let window = Int64(max(0, min(windowSeconds, Deadline.longestSeconds)) * 1e6)
        starts = history.starts.count { span.contains($0.at) }
        for period in history.idlePeriods {
            let stop = min(period.stop(window: window), period.terminatedByHand ?? .max)
            let isByHand = period.end == .byHand && (period.ended ?? now) <= stop
            let end = isByHand ? period.ended ?? now : min(stop, period.wantedAgain ?? now)
            idleSeconds += ControllerHistory.Stretch(condition: .idle, began: period.began, ended: end)
                .clamped(to: span)
            guard let wanted = period.wantedAgain, span.contains(wanted) else { continue }
            let isStarted = isByHand || wanted > stop
            if isStarted != (period.end != .woken) { starts += isStarted ? 1 : -1 }
            if !isStarted { startsAvoided += 1 }
        }
    }
}

extension ControllerHistory.IdlePeriod {
    /// When a controller with this window, in microseconds, would have stopped by itself.
    fileprivate func stop(window: Int64) -> Int64 {
        var from = began
        for pause in pauses {
            if pause.began > began, from + window <= pause.began { break }
            guard let ended = pause.ended else { return .max }
            from = ended
        }
        return from + window
    }
}

extension ControllerHistory.Stretch {
    /// Seconds of it that lie in `span`.
    func clamped(to span: Range<Int64>) -> Double {
        Double(max(0, min(ended, span.upperBound) - max(began, span.lowerBound))) / 1e6
    }
}

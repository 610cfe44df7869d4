/// Which verdicts of a replica's probes are worth recording: a change between ready and not ready, at once;
/// and while it has never been ready, each way in which its probes fail, once, for whoever waits for it.
struct ProbeReports {
    private var lastReported: Bool?
    /// Nil once the replica has been ready.
    private var startingUp: StartingUp?

    private struct StartingUp {
        /// A server that comes up refuses connections for a moment; that is nothing to report.
        var grace: Duration
        var reported: Set<String> = []
    }

    /// - Parameters:
    ///   - wasEverReady: whether the replica has been ready before these probes.
    ///   - initialDelaySeconds: how long it may take to become ready.
    init(wasEverReady: Bool, initialDelaySeconds: Double) {
        startingUp = wasEverReady ? nil : StartingUp(grace: .seconds(min(2, initialDelaySeconds / 2)))
    }

    /// Whether to report `verdict`, which came `elapsed` after the first probe began.
    mutating func isNews(_ verdict: Prober.Verdict, after elapsed: Duration) -> Bool {
        if !verdict.isReady, var starting = startingUp {
            guard elapsed >= starting.grace, starting.reported.insert(verdict.outcome).inserted else { return false }
            startingUp = starting
            return true
        }
        startingUp = nil
        defer { lastReported = verdict.isReady }
        return verdict.isReady != lastReported
    }
}

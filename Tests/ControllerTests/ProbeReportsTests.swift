import Testing

@testable import Controller

/// Which of a replica's verdicts get into the log.
@Suite struct ProbeReportsTests {
    /// What is reported of `outcomes`, each with the seconds since the first probe.
    private func reported(
        _ outcomes: [(String, seconds: Double)], wasEverReady: Bool = false, initialDelaySeconds: Double = 1200
    ) -> [Double] {
        var reports = ProbeReports(wasEverReady: wasEverReady, initialDelaySeconds: initialDelaySeconds)
        var reported: [Double] = []
        for (outcome, seconds) in outcomes {
            let verdict = Prober.Verdict(isReady: outcome == "HTTP 200", outcome: outcome, tookMilliseconds: 1)
            if reports.isNews(verdict, after: .seconds(seconds)) { reported.append(seconds) }
        }
        return reported
    }

    @Test func aServerThatComesUpMayRefuseForAMoment() {
        #expect(reported([("connection refused", 0), ("connection refused", 1.9), ("HTTP 200", 1.95)]) == [1.95])
    }

    @Test func eachWayOfFailingIsToldOnceWhileItStarts() {
        let outcomes = [
            ("connection refused", 2.0), ("connection refused", 3), ("HTTP 404", 4), ("connection refused", 5),
            ("HTTP 200", 6), ("HTTP 200", 7),
        ]
        #expect(reported(outcomes) == [2, 4, 6])
    }

    @Test func withLittleTimeItIsToldSooner() {
        #expect(reported([("HTTP 404", 0.4), ("HTTP 404", 0.5)], initialDelaySeconds: 1) == [0.5])
    }

    @Test func onceItWasReadyEveryChangeCountsAtOnce() {
        let outcomes = [("HTTP 503", 0.0), ("connection refused", 1), ("HTTP 200", 2), ("HTTP 503", 3)]
        #expect(reported(outcomes, wasEverReady: true) == [0, 2, 3])
        #expect(reported([("HTTP 200", 2.0)] + outcomes.map { ($0.0, $0.1 + 3) }) == [2, 3, 5, 6])
    }
}

import Simulation
import Testing

/// The short form of `make simulate`, and that it is what it says it is.
@Suite struct SimulationTests {
    @Test(arguments: [1, 1_000, 1_000_000, 1_000_000_000] as [UInt64])
    func everyLawHolds(seed: UInt64) {
        for episode in 0..<4 {
            let outcome = Episode(seed: seed + UInt64(episode), stepCount: 2_000).run()
            #expect(outcome.violation == nil, "seed \(seed + UInt64(episode)), step \(outcome.step)")
            #expect(outcome.events > 0)
        }
    }

    @Test func oneSeedIsOneHistory() {
        let episode = Episode(seed: 7, stepCount: 1_000)
        let first = episode.run(isTraced: true)
        let second = Episode(steps: episode.steps).run(isTraced: true)
        #expect(first.trace == second.trace)
        #expect(!first.trace.isEmpty)
        #expect(Episode(seed: 8, stepCount: 1_000).run(isTraced: true).trace != first.trace)
    }

    /// A world in which nothing went wrong would prove nothing.
    @Test func whatCanGoWrongDoes() {
        var seen = ""
        for seed in 1...12 as ClosedRange<UInt64> {
            seen += Episode(seed: seed, stepCount: 2_000).run(isTraced: true).trace.joined(separator: "\n")
        }
        for fault in [
            "the process of prod is killed", "the keeper of prod is killed", "the wall clock jumps", "booted again",
            "the log fails", "a load balancer of prod dies", "hangs, or no longer does", " dies", "cannot fork",
            "does not end", "the port is in use", "terminat", "waits for a replica", "serviceScaled",
        ] {
            #expect(seen.contains(fault), "\(fault)")
        }
    }
}

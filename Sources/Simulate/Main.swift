import Foundation
import Simulation

/// `make simulate SEED=… STEPS=…`: runs episodes until the steps are used up; prints the first broken law
/// with its seed, step and a shortened history that replays it.
@main
enum Main {
    private static let stepsInEpisode = 2_000
    /// A history that is a little too long is worth more than one that is waited for.
    private static let shorteningSeconds = 30

    static func main() {
        guard let options = Options(CommandLine.arguments.dropFirst()) else {
            print("usage: simulate [--seed N] [--steps N] [--brief yes] | --replay STEP,STEP,…")
            exit(2)
        }
        if let replay = options.replay {
            report(Episode(steps: replay).run(isTraced: true))
            return
        }
        let clock = ContinuousClock()
        let begun = clock.now
        var events = 0
        var steps = 0
        var seed = options.seed
        while steps < options.steps {
            let episode = Episode(seed: seed, stepCount: stepsInEpisode)
            let outcome = episode.run()
            if let violation = outcome.violation { fail(violation, outcome, episode, seed, options) }
            events += outcome.events
            steps += stepsInEpisode
            seed &+= 1
        }
        let seconds = Double((clock.now - begun) / .milliseconds(1)) / 1000
        print("\(steps) steps, \(events) events, seeds \(options.seed)..<\(seed): every law held")
        print("\(seconds) s, \(Int(Double(steps) / seconds * 60)) steps a minute")
    }

    private static func fail(
        _ violation: Violation, _ outcome: Episode.Outcome, _ episode: Episode, _ seed: UInt64, _ options: Options
    ) -> Never {
        print("seed \(seed), step \(outcome.step): \(violation)")
        // Before its history is shortened, which takes a while.
        fflush(nil)
        if options.isBrief { exit(1) }
        let short = episode.shortened(breaking: violation.law, within: .seconds(shorteningSeconds))
        report(short.run(isTraced: true))
        print("replay: simulate --replay \(short.steps.map { String($0, radix: 36) }.joined(separator: ","))")
        exit(1)
    }

    private static func report(_ outcome: Episode.Outcome) {
        for line in outcome.trace { print("  \(line)") }
        print(outcome.violation.map { "broken: \($0)" } ?? "every law held")
    }
}

private struct Options {
    var seed: UInt64 = 1
    var steps = 1_000_000
    var replay: [UInt64]?
    /// Whether a failure is told without its shortened history.
    var isBrief = false

    init?(_ arguments: ArraySlice<String>) {
        var rest = arguments
        while let flag = rest.popFirst() {
            guard let value = rest.popFirst() else { return nil }
            switch flag {
            case "--seed":
                guard let number = UInt64(value) else { return nil }
                seed = number
            case "--steps":
                guard let number = Int(value), number > 0 else { return nil }
                steps = number
            case "--brief": isBrief = value == "yes"
            case "--replay":
                let parsed = value.split(separator: ",").map { UInt64($0, radix: 36) }
                guard !parsed.contains(nil) else { return nil }
                replay = parsed.compactMap { $0 }
            default: return nil
            }
        }
    }
}

import Foundation
import Lifecycle
import Logging

/// Asks what `wait_for` names whether the controller is used, and says when an answer is another than before: another
/// verdict at once, another reason for the same one once a minute at most, for every one is an event.
struct UseWatch: Sendable {
    let names: [String]
    /// How it is asked, as `config.yaml` says now; nil when it says nothing of the name any more.
    let probe: @Sendable (String) -> UseProbe?
    let prober: UseProber
    let report: @Sendable (Command) async -> Void

    private static let everySecondsUnsaid: Double = 30
    static let reasonPause = Duration.seconds(60)

    /// What was said last of one question.
    struct Said {
        var answer: UseProber.Answer
        /// When another reason for the same verdict was said last; nil before.
        var reasonAt: ContinuousClock.Instant?

        /// What is said after an answer; nil when it says nothing new, or nothing that may be said now.
        func next(_ answer: UseProber.Answer, at now: ContinuousClock.Instant) -> Said? {
            if answer.isActive != self.answer.isActive { return Said(answer: answer, reasonAt: reasonAt) }
            guard answer.kind != self.answer.kind, reasonAt.map({ now - $0 >= UseWatch.reasonPause }) ?? true else {
                return nil
            }
            return Said(answer: answer, reasonAt: now)
        }
    }

    /// Watches until cancelled; each question at its own pace, so that one that hangs holds up no other.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            for (index, name) in names.enumerated() {
                group.addTask { await watch(name, index) }
            }
        }
    }

    private func watch(_ name: String, _ index: Int) async {
        var said: Said?
        while !Task.isCancelled {
            let probe = probe(name)
            // What is asked no more uses nothing; the next policy does not name it.
            let answer =
                if let probe {
                    await prober.ask(probe, index)
                } else {
                    UseProber.Answer(isActive: false, evidence: "config.yaml says nothing of it any more", .notAsked)
                }
            if Task.isCancelled { return }
            if let next = said == nil ? Said(answer: answer) : said?.next(answer, at: .now) {
                await report(.useSeen(name, isActive: answer.isActive, evidence: answer.evidence))
                said = next
            }
            try? await Task.sleep(for: .seconds(probe?.everySeconds ?? Self.everySecondsUnsaid))
        }
    }
}

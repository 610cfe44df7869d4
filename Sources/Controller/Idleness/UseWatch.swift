import Foundation
import Lifecycle
import Logging

/// Asks what `wait_for` names whether the controller is used, and says when an answer is another than before.
struct UseWatch: Sendable {
    let names: [String]
    /// How it is asked, as `config.yaml` says now; nil when it says nothing of the name any more.
    let probe: @Sendable (String) -> UseProbe?
    let prober: UseProber
    let report: @Sendable (Command) async -> Void

    private static let everySecondsUnsaid: Double = 30

    /// Watches until cancelled; each question at its own pace, so that one that hangs holds up no other.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            for (index, name) in names.enumerated() {
                group.addTask { await watch(name, index) }
            }
        }
    }

    private func watch(_ name: String, _ index: Int) async {
        var last: Bool?
        while !Task.isCancelled {
            let probe = probe(name)
            // What is asked no more uses nothing; the next policy does not name it.
            let answer =
                if let probe {
                    await prober.ask(probe, index)
                } else {
                    UseProber.Answer(isActive: false, evidence: "config.yaml says nothing of it any more")
                }
            if Task.isCancelled { return }
            if answer.isActive != last {
                await report(.useSeen(name, isActive: answer.isActive, evidence: answer.evidence))
            }
            last = answer.isActive
            try? await Task.sleep(for: .seconds(probe?.everySeconds ?? Self.everySecondsUnsaid))
        }
    }
}

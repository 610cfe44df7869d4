import EventLog
import Lifecycle
import TestKit
import Testing

@testable import Controller

/// What commands wait with: they look at first, and listen when it takes longer.
@Suite struct PromptTicksTests {
    private let temporary = TemporaryHome()
    /// No look that is taken just in case is to be what is seen.
    private static let never = 3_600.0

    /// By looking alone, and by listening alone.
    @Test(arguments: [never, 0])
    func everyRingIsHeard(_ lookingSeconds: Double) async throws {
        let log = try EventLog(home: temporary.home)
        let ann = Author(actor: "ann@desk", component: "cli")
        try log.submit(.start, to: .dev, by: ann)
        let count = Count()
        let listener = Task {
            let ticks = Commits.promptTicks(
                log.bell, safetyPollSeconds: Self.never, lookingSeconds: lookingSeconds)
            for await _ in ticks { count.add() }
        }
        try await eventually("a tick to begin with") { count.value >= 1 }
        for number in 1...20 {
            let before = count.value
            try log.submit(.setAutostop(.byHand(seconds: Double(number))), to: .dev, by: ann)
            try await eventually("ring \(number) is heard") { count.value > before }
        }
        listener.cancel()
        await listener.value
    }

    @Test func whoDoesNotWaitAnyMoreIsNotTold() async throws {
        let bell = try EventLog(home: temporary.home).bell
        let count = Count()
        let listener = Task {
            for await _ in Commits.promptTicks(bell, safetyPollSeconds: Self.never) { count.add() }
        }
        try await eventually("a tick") { count.value >= 1 }
        listener.cancel()
        await listener.value
        #expect(count.value <= 2)
    }
}

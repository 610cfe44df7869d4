import EventLog
import Lifecycle
import Synchronization
import TestKit
import Testing

@testable import Controller

/// What commands wait with: they look at first, and listen when it takes longer.
@Suite struct PromptTicksTests {
    private final class Count: Sendable {
        private let count = Atomic(0)
        var value: Int { count.load(ordering: .relaxed) }
        func add() { count.add(1, ordering: .relaxed) }
    }

    private let temporary = TemporaryHome()
    /// No look that is taken just in case is to be what is seen.
    private static let never = 3_600.0

    @Test func everyRingIsHeardWheneverItComes() async throws {
        let log = try EventLog(home: temporary.home)
        let ann = Author(actor: "ann@desk", component: "cli")
        try log.submit(.start, to: .dev, by: ann)
        let count = Count()
        let listener = Task {
            for await _ in Commits.promptTicks(log.bell, safetyPollSeconds: Self.never) { count.add() }
        }
        try await eventually("a tick to begin with") { count.value >= 1 }
        // The first while it looks, or just after; the others when it listens, for that begins with a tick of its own.
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

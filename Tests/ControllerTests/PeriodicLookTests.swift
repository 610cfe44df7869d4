import Testing

@testable import Controller

/// Looks that a process takes from time to time, all of them on one thread.
@Suite struct PeriodicLookTests {
    @Test func itIsTakenAgainAndAgainUntilItIsCancelled() async throws {
        let (count, other) = (Count(), Count())
        let look = PeriodicLook(everySeconds: 0.01) { count.add() }
        let lasting = PeriodicLook(everySeconds: 0.01) { other.add() }
        try await eventually("three looks") { count.value >= 3 }
        look.cancel()
        // One may have begun.
        let atMost = count.value + 1
        let before = other.value
        try await eventually("others go on") { other.value >= before + 3 }
        #expect(count.value <= atMost)
        lasting.cancel()
    }

    /// Who waits for the next turn of a long interval is woken for a shorter one.
    @Test func aShorterOneIsNotHeldUpByALongerOne() async throws {
        let long = PeriodicLook(everySeconds: 3_600) {}
        let count = Count()
        let short = PeriodicLook(everySeconds: 0.01) { count.add() }
        try await eventually("a look") { count.value >= 1 }
        short.cancel()
        long.cancel()
    }

    @Test func whoLetsGoOfItEndsIt() async throws {
        let (count, other) = (Count(), Count())
        do {
            let look = PeriodicLook(everySeconds: 0.01) { count.add() }
            try await eventually("a look") { count.value >= 1 }
            withExtendedLifetime(look) {}
        }
        let atMost = count.value + 1
        let lasting = PeriodicLook(everySeconds: 0.01) { other.add() }
        try await eventually("others go on") { other.value >= 3 }
        #expect(count.value <= atMost)
        lasting.cancel()
    }

    private final class Holder: Sendable {
        let look = PeriodicLook(everySeconds: 3_600) {}
    }

    /// The end of one is then the end of the other, on the way.
    @Test func aLookMayHoldAnother() async throws {
        let ended = Count()
        let thread = Task.detached {
            let look = PeriodicLook(everySeconds: 3_600) { [holder = Holder()] in withExtendedLifetime(holder) {} }
            look.cancel()
            ended.add()
        }
        try await eventually("it is cancelled") { ended.value == 1 }
        await thread.value
    }
}

import Testing

@testable import Controller

/// What is said of an answer of `wait_for` to the one that was said before.
@Suite struct UseWatchTests {
    private let says = UseProber.Answer(isActive: true, evidence: "it says active", .says)
    private let fails = UseProber.Answer(isActive: true, evidence: "it exited with code 1", .exited(code: 1))
    private let idle = UseProber.Answer(isActive: false, evidence: "it says idle", .says)

    @Test func anotherVerdictAtOnce() {
        let begun = ContinuousClock.now
        let failing = UseWatch.Said(answer: says).next(fails, at: begun)
        #expect(failing?.next(idle, at: begun)?.answer == idle)
        #expect(UseWatch.Said(answer: idle).next(says, at: begun)?.answer == says)
    }

    @Test func theSameWithOtherNumbersNever() {
        let one = UseProber.Answer(isActive: true, evidence: "1 SSH session", .sessions)
        let two = UseProber.Answer(isActive: true, evidence: "2 SSH sessions", .sessions)
        #expect(UseWatch.Said(answer: one).next(two, at: .now) == nil)
    }

    /// One that says something else each time fills no log.
    @Test func anotherReasonOnceAMinute() throws {
        let begun = ContinuousClock.now
        let failing = try #require(UseWatch.Said(answer: says).next(fails, at: begun))
        #expect(failing.answer == fails)
        #expect(failing.next(says, at: begun + .seconds(59)) == nil)
        #expect(failing.next(fails, at: begun + .seconds(60)) == nil)
        #expect(failing.next(says, at: begun + .seconds(60))?.answer == says)
    }
}

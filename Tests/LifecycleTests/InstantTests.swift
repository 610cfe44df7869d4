import TestKit
import Testing

@testable import Lifecycle

/// Deadlines on two clocks: neither a jump of the wall clock nor a reboot moves one.
@Suite struct InstantTests {
    private var clock = ManualClock()

    @Test func onItsBootTheBootClockDecides() {
        var clock = clock
        let deadline = Deadline(seconds: 10, after: clock.now)
        #expect(deadline.remainingMicroseconds(at: clock.now) == 10_000_000)
        clock.setWallClock(forwardSeconds: 86_400)
        #expect(deadline.remainingMicroseconds(at: clock.now) == 10_000_000)
        clock.setWallClock(forwardSeconds: -10 * 86_400)
        #expect(deadline.latenessMicroseconds(at: clock.now) == nil)
        clock.advance(seconds: 10)
        #expect(deadline.latenessMicroseconds(at: clock.now) == 0, "due at its very moment")
        clock.advance(seconds: 0.5)
        #expect(deadline.latenessMicroseconds(at: clock.now) == 500_000)
    }

    @Test func afterARebootTheWallClockDecides() {
        var clock = clock
        let deadline = Deadline(seconds: 600, after: clock.now)
        clock.reboot(afterSeconds: 200)
        #expect(deadline.remainingMicroseconds(at: clock.now) == 400_000_000)
        clock.setWallClock(forwardSeconds: 500)
        #expect(deadline.latenessMicroseconds(at: clock.now) == 100_000_000)
    }

    @Test func carriedOverKeepsWhatIsLeft() {
        var clock = clock
        let deadline = Deadline(seconds: 600, after: clock.now)
        #expect(deadline.carriedOver(to: clock.now) == deadline, "nothing to carry on the same boot")
        clock.reboot(afterSeconds: 200)
        let carried = deadline.carriedOver(to: clock.now)
        #expect(carried.bootID == clock.now.bootID)
        #expect(carried.wallMicroseconds == deadline.wallMicroseconds)
        #expect(carried.bootMicroseconds == clock.now.bootMicroseconds + 400_000_000)
        #expect(carried.spanMicroseconds == 600_000_000)
        #expect(carried.carriedOver(to: clock.now) == carried)
    }

    @Test func carriedOverKeepsALateDeadlineLate() {
        var clock = clock
        let deadline = Deadline(seconds: 600, after: clock.now)
        clock.reboot(afterSeconds: 1_000)
        #expect(deadline.carriedOver(to: clock.now).latenessMicroseconds(at: clock.now) == 400_000_000)
    }

    /// A clock set back a day over a reboot makes a deadline late by no more than its own length.
    @Test func aClockSetBackOverARebootCostsAtMostTheSpan() {
        var clock = clock
        let deadline = Deadline(seconds: 600, after: clock.now)
        clock.reboot(afterSeconds: -86_400)
        #expect(deadline.carriedOver(to: clock.now).remainingMicroseconds(at: clock.now) == 600_000_000)
    }

    @Test(arguments: [1e18, 1e300, .infinity, .greatestFiniteMagnitude])
    func hugeSecondsAreAHundredYears(seconds: Double) {
        let deadline = Deadline(seconds: seconds, after: clock.now)
        #expect(deadline.spanMicroseconds == Int64(Deadline.longestSeconds) * 1_000_000)
        #expect(deadline.latenessMicroseconds(at: clock.now) == nil)
    }

    @Test(arguments: [0, -1, -1e300, -.infinity, .nan])
    func secondsThatAreNoneAreNow(seconds: Double) {
        #expect(Deadline(seconds: seconds, after: clock.now).latenessMicroseconds(at: clock.now) == 0)
    }
}

@Suite struct NameRuleTests {
    @Test(arguments: ["a", "z", "a0", "a-b", "a--b", "llama-3-8b", String(repeating: "a", count: 63)])
    func accepts(_ text: String) {
        #expect(NameRule.accepts(text))
        #expect(ControllerName(rawValue: text)?.description == text)
        #expect(ServiceName(rawValue: text)?.rawValue == text)
    }

    @Test(arguments: [
        "", "-", "0", "0a", "-a", "a-", "A", "aB", "a_b", "a.b", "a b", " a", "a ", "a\n", "a\0", "a/b", "..", "ä",
        "aé", "a\u{301}", "$(id)", String(repeating: "a", count: 64),
    ])
    func refuses(_ text: String) {
        #expect(!NameRule.accepts(text))
        #expect(ControllerName(rawValue: text) == nil)
        #expect(ServiceName(rawValue: text) == nil)
    }

    @Test func namesAreOrderedByTheirBytes() {
        #expect(ServiceName.api < .chat)
        #expect(ServiceName.sample("a-b") < .sample("a0"))
    }
}

@Suite struct BackOffRuleTests {
    @Test func theFirstFailureIsNotWaitedFor() {
        #expect(BackOffRule.replicaSeconds(service: .api, failures: 0) == 0)
        #expect(BackOffRule.replicaSeconds(service: .api, failures: 1) == 0)
        #expect(BackOffRule.loadBalancerSeconds(service: .api, failures: 1) == 0)
        #expect(BackOffRule.cleanupSeconds(service: .api, attempts: 1) > 0)
    }

    @Test func waitsDoubleUpToTheirCap() {
        for failures in 2...40 {
            let doublings = Double(1 << min(failures - 2, 20))
            let replica = BackOffRule.replicaSeconds(service: .api, failures: failures)
            #expect((0.8..<1.2).contains(replica / min(300, doublings)), "\(failures) failures: \(replica) s")
            let loadBalancer = BackOffRule.loadBalancerSeconds(service: .api, failures: failures)
            #expect((0.8..<1.2).contains(loadBalancer / min(30, 0.5 * doublings)))
            let cleanup = BackOffRule.cleanupSeconds(service: .api, attempts: failures - 1)
            #expect((0.8..<1.2).contains(cleanup / min(60, doublings)))
        }
    }

    @Test(arguments: [Int.max, Int.min + 1, -1])
    func noCountOfFailuresTraps(failures: Int) {
        let wait = BackOffRule.replicaSeconds(service: .api, failures: failures)
        #expect((0...360).contains(wait))
    }

    /// Services that failed together do not come back together, and every replay sees the same wait.
    @Test func waitsDifferByServiceAndAreAlwaysTheSame() {
        let names = (0..<20).map { ServiceName.sample("s\($0)") }
        let waits = names.map { BackOffRule.replicaSeconds(service: $0, failures: 5) }
        #expect(Set(waits).count == names.count)
        #expect(waits == names.map { BackOffRule.replicaSeconds(service: $0, failures: 5) })
    }
}

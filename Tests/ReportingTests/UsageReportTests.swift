import Lifecycle
import Reporting
import TestKit
import Testing

/// What a controller cost and what dwelling saved; histories and sums by hand. A second is a second.
@Suite struct UsageReportTests {
    /// A history through the real rules: each step is at a second, counted from `base`.
    private let base: Int64 = 1_000_000_000_000

    private func history(_ steps: [(second: Double, Command)], now: Double) throws -> ControllerHistory {
        var state = ControllerState(name: .dev)
        var events: [StampedEvent] = []
        for (second, command) in steps {
            let at = base + Int64(second * 1e6)
            let instant = Instant(wallMicroseconds: at, bootMicroseconds: at, bootID: "a")
            // A deadline is named by what there is when it is reached.
            var command = command
            if case .deadlineReached(.idle, _) = command, let pending = state.pendingDeadlines.first {
                command = .deadlineReached(pending.key, generation: pending.generation)
            }
            // What is to be removed is, at once.
            var next: Command? = command
            while let command = next {
                let decision = try state.decide(command, Surroundings(now: instant, actor: "ann"))
                events += decision.events
                state = decision.state
                next =
                    state.outstanding.lazy.compactMap { work in
                        if case .removeLoadBalancer(let reference) = work {
                            .loadBalancerRemoved(reference)
                        } else {
                            nil
                        }
                    }.first
            }
        }
        return ControllerHistory(events.filter { $0.event.type.isOfController }, now: base + Int64(now * 1e6))
    }

    private func span(_ from: Double, _ to: Double) -> Range<Int64> {
        (base + Int64(from * 1e6))..<(base + Int64(to * 1e6))
    }

    private let deadline = Command.deadlineReached(.idle, generation: 0)
    private var up: Command { .up(.api, replicas: 0, policy: .configured(seconds: 100)) }

    /// Up at 0, running from 4 (a start of 4 s), down at 10, woken at 40, down at 50, stopped by its deadline at
    /// 150, started again at 200 (6 s), now 300.
    private func twoLives() throws -> ControllerHistory {
        try history(
            [
                (0, up), (4, .takeOver(process: "a")), (10, .down([.api])), (40, up), (50, .down([.api])),
                (150, deadline), (150, .stopFinished), (200, up), (206, .takeOver(process: "b")),
            ], now: 300)
    }

    @Test func hoursAreCounted() throws {
        let report = UsageReport(try twoLives(), in: span(0, 300))
        #expect(report.startingSeconds == 4 + 6)
        #expect(report.busySeconds == 6 + 10 + 94)
        #expect(report.idleSeconds == 30 + 100)
        #expect(report.stoppedSeconds == 50)
        #expect(report.paidSeconds == 250)
        #expect(report.starts == 2)
        #expect(report.startsAvoided == 1)
        #expect(report.meanStartSeconds == 5)
        #expect(report.savedSeconds == 5)
    }

    @Test func whatWasSavedIsCountedByStartsThatAreArchivedToo() throws {
        let whole = try twoLives()
        let here = ControllerHistory([], archivedStartsMicroseconds: whole.starts.compactMap(\.took), now: 0)
        #expect(UsageReport(here, in: span(0, 300)).meanStartSeconds == 5)
    }

    /// A controller that is to go down at its idle deadline is terminated by it, and by nobody's hand.
    @Test func anIdlePeriodThatEndsInATerminationByItsDeadlineIsNotEndedByHand() throws {
        let history = try history(
            [
                (0, up),
                (
                    0,
                    .setAutostop(
                        AutostopPolicy(idleTimeoutSeconds: 100, source: .commandLine, down: .init(true, .commandLine)))
                ),
                (4, .takeOver(process: "a")), (10, .down([.api])), (110, deadline),
            ], now: 300)
        #expect(history.idlePeriods.map(\.end) == [.deadline])
    }

    @Test func whatLiesOutsideDoesNotCount() throws {
        let report = UsageReport(try twoLives(), in: span(45, 175))
        #expect(report.busySeconds == 5)
        #expect(report.idleSeconds == 100)
        #expect(report.stoppedSeconds == 25)
        #expect(report.starts == 0)
        #expect(report.startsAvoided == 0)
        #expect(report.meanStartSeconds == 5, "measured over all there is")
    }

    @Test func aControllerThatIsIdleNowIsIdleUntilNow() throws {
        let report = UsageReport(
            try history([(0, up), (1, .takeOver(process: "a")), (10, .down([.api]))], now: 60), in: span(0, 60))
        #expect(report.idleSeconds == 50)
    }

    /// Gaps of 30 s (woken) and of 150 s (stopped at 100, wanted at 200).
    @Test(arguments: [
        (20.0, idle: 40.0, avoided: 0, starts: 3), (30, 60, 1, 2), (100, 130, 1, 2), (150, 180, 2, 1),
        (1_000, 180, 2, 1), (0, 0, 0, 3),
    ])
    func anotherWindow(_ window: Double, idle: Double, avoided: Int, starts: Int) throws {
        let whatIf = WhatIf(
            windowSeconds: window, try twoLives(), in: span(0, 300), now: base + 300_000_000)
        #expect(whatIf.idleSeconds == idle)
        #expect(whatIf.startsAvoided == avoided)
        #expect(whatIf.starts == starts)
    }

    @Test func theWindowThereWasGivesWhatThereWas() throws {
        let history = try twoLives()
        let (report, same) = (
            UsageReport(history, in: span(0, 300)),
            WhatIf(windowSeconds: 100, history, in: span(0, 300), now: base + 300_000_000)
        )
        #expect(same.idleSeconds == report.idleSeconds && same.startsAvoided == report.startsAvoided)
        #expect(same.starts == report.starts)
    }

    /// Whatever the span: the figures with the window there was are those that there were.
    @Test(arguments: [(0.0, 300.0), (20, 300), (45, 175), (60, 300), (160, 250)])
    func likeIsComparedWithLike(_ from: Double, _ to: Double) throws {
        let history = try twoLives()
        let report = UsageReport(history, in: span(from, to))
        let same = WhatIf(windowSeconds: 100, history, in: span(from, to), now: base + 300_000_000)
        #expect(same.starts == report.starts && same.startsAvoided == report.startsAvoided)
        #expect(same.idleSeconds == report.idleSeconds)
    }

    /// Idle from 10, paused from 20 to 50, stopped by hand at 70; started again at 100.
    @Test(arguments: [(5.0, 5.0), (10, 10), (15, 55), (20, 60), (100, 60)])
    func aPauseHoldsWhateverTheWindow(_ window: Double, _ idle: Double) throws {
        let history = try history(
            [
                (0, up), (1, .takeOver(process: "a")), (10, .down([.api])),
                (20, .pauseAutostop(seconds: nil, reason: nil)), (30, .pauseAutostop(seconds: nil, reason: "again")),
                (50, .resumeAutostop), (70, .stop), (70, .stopFinished), (100, .start),
            ], now: 200)
        let whatIf = WhatIf(windowSeconds: window, history, in: span(0, 200), now: base + 200_000_000)
        #expect(whatIf.idleSeconds == idle)
        #expect(whatIf.starts == 2)
    }

    /// A pause that began while it was busy holds the idleness that comes after it.
    @Test func aPauseFromBefore() throws {
        let history = try history(
            [
                (0, up), (1, .takeOver(process: "a")), (5, .pauseAutostop(seconds: nil, reason: nil)),
                (10, .down([.api])), (40, .resumeAutostop), (60, up),
            ], now: 200)
        let whatIf = { WhatIf(windowSeconds: $0, history, in: span(0, 200), now: base + 200_000_000) }
        #expect(whatIf(10).idleSeconds == 40 && whatIf(10).startsAvoided == 0 && whatIf(10).starts == 2)
        #expect(whatIf(20).idleSeconds == 50 && whatIf(20).startsAvoided == 1 && whatIf(20).starts == 1)
    }

    /// A change of policy goes on with the same idleness; who stops by hand would have done so all the same.
    @Test func byHand() throws {
        let history = try history(
            [
                (0, up), (1, .takeOver(process: "a")), (10, .down([.api])), (30, .setAutostop(.byHand(seconds: 500))),
                (40, .stop), (41, .stopFinished), (100, .start), (101, .takeOver(process: "b")),
            ], now: 200)
        #expect(history.idlePeriods.map(\.began) == [base + 10_000_000, base + 101_000_000])
        #expect(history.idlePeriods.first?.end == .byHand)
        let now = base + 200_000_000
        #expect(WhatIf(windowSeconds: 20, history, in: span(0, 100), now: now).idleSeconds == 20)
        #expect(WhatIf(windowSeconds: 60, history, in: span(0, 100), now: now).idleSeconds == 30)
        #expect(WhatIf(windowSeconds: 60, history, in: span(0, 100), now: now).starts == 1)
        #expect(WhatIf(windowSeconds: 60, history, in: span(0, 101), now: now).starts == 2)
    }

    /// Stopped by its window of 100 s at 110, and terminated at 150: with any longer window it would have been then.
    @Test(arguments: [(20.0, 20.0), (100, 100), (120, 120), (3_600, 140)])
    func aTerminationEndsWhatEveryWindowWouldHaveHeld(_ window: Double, _ idle: Double) throws {
        let history = try history(
            [
                (0, up), (4, .takeOver(process: "a")), (10, .down([.api])), (110, deadline), (110, .stopFinished),
                (150, .terminate(force: false)), (151, .terminationFinished), (200, up), (204, .takeOver(process: "b")),
            ], now: 300)
        let whatIf = WhatIf(windowSeconds: window, history, in: span(0, 300), now: base + 300_000_000)
        #expect(whatIf.idleSeconds == idle)
        #expect(whatIf.starts == 2 && whatIf.startsAvoided == 0, "what is terminated is not found warm")
    }

    @Test func whatIsTerminatedIsNotStoppedForEver() throws {
        let history = try history(
            [
                (0, up), (4, .takeOver(process: "a")), (10, .stop), (12, .stopFinished), (20, .terminate(force: true)),
                (21, .terminationFinished),
            ], now: 500)
        #expect(UsageReport(history, in: span(0, 500)).stoppedSeconds == 8)
    }

    @Test func crashesAndLives() throws {
        let history = try history(
            [
                (0, up), (1, .takeOver(process: "a")), (5, .takeOver(process: "b", from: "a")),
                (10, .terminate(force: true)),
                (12, .terminationFinished),
            ], now: 50)
        let report = UsageReport(history, in: span(0, 50))
        #expect(report.crashes == 1)
        #expect(report.startingSeconds + report.busySeconds + report.stoppedSeconds + report.idleSeconds > 0)
    }

    @Test func aPictureIsDrawn() throws {
        let history = try twoLives()
        let svg = Timeline(
            [
                Timeline.Lane(name: "dev", stretches: history.stretches, marks: [base + 5_000_000], isService: false),
                Timeline.Lane(name: "<a&b>", stretches: [], isService: true),
            ], span: span(0, 300), axis: [(base + 100_000_000, "12:00")]
        ).svg
        #expect(svg.components(separatedBy: "class=\"busy\" x=").count - 1 == 4, "three stretches and the legend")
        #expect(svg.contains("&lt;a&amp;b&gt;") && !svg.contains("<a&b>"))
        #expect(svg.contains("12:00") && svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n"))
    }
}

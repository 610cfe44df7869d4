import Lifecycle
import Reporting
import TestKit
import Testing

/// How a controller, or a service, came to its end: the truth of it, also where more than a window led there.
@Suite struct EndingExplanationTests {
    private let words = Explanation.Words(
        clock: { "T+\($0 / 1_000_000 - 1_750_000_000)" }, span: { "\($0 / 1_000_000) s" }, window: { "\($0)s" })

    private func explain(_ it: Scenario, component: String = "cli") -> Explanation {
        Explanation(
            it.state, it.history.map { Explanation.Happening(event: $0.event, stamp: $0.stamp, component: component) },
            now: it.clock.now, words)
    }

    private func controller(_ it: Scenario) -> String { explain(it).ofController.joined(separator: " ") }

    /// The clock of these tests begins at 15:06:40 UTC on a Sunday.
    private func policy(_ schedule: Schedule, down: Bool = false) -> AutostopPolicy {
        var policy = AutostopPolicy.configured(seconds: 600)
        policy.schedule = .init(schedule, .serveController)
        if down { policy.down = .init(true, .serveController) }
        return policy
    }

    private func moment(_ text: String, _ minute: Int) -> WeeklyMoment {
        WeeklyMoment(days: Array(0...6), minute: minute, timeZone: "UTC", text: text)
    }

    private func window(_ text: String, _ start: Int, _ end: Int) -> WeeklyWindow {
        WeeklyWindow(days: Array(0...6), startMinute: start, endMinute: end, timeZone: "UTC", text: text)
    }

    @Test func aStopThatWasCutShort() throws {
        let policy = policy(Schedule(stopAt: [moment("22:00", 1320), moment("15:10", 910)]))
        var it = try Scenario.idle(policy: policy)
        it.clock.advance(seconds: 200)
        try it.whenReached(.idle)
        try it.given(.stopFinished)
        #expect(
            controller(it).hasPrefix(
                "Stopped T+200 by stop_at 15:10, before its window of 600.0s was over: no service since T+0 "))
    }

    @Test func aWindowOfWhichSomeTimeDidNotCount() throws {
        var it = try Scenario.idle(policy: policy(Schedule(keepWarm: [window("15:00-15:10", 900, 910)])))
        it.clock.advance(seconds: 800)
        try it.whenReached(.idle)
        try it.given(.stopFinished)
        #expect(
            controller(it).contains(
                "window 600.0s, of which no time counted within keep_warm 15:00-15:10, 0.000 s late."))
    }

    /// Of two that are taken down with one command it is the one that went last, as `idle_periods` has it.
    @Test func theLastThatWentLeftItIdle() throws {
        var it = try Scenario.idle()
        for command in [Command.up(.chat, replicas: 0), .up(.api, replicas: 0), .down([.chat, .api])] {
            try it.given(command)
        }
        for name in [ServiceName.api, .chat] {
            let generation = try #require(it.state.services[name]?.loadBalancer?.generation)
            try it.given(.loadBalancerRemoved(LoadBalancerReference(service: name, generation: generation)))
        }
        #expect(controller(it).contains("chat was taken down by "), "\(controller(it))")
    }

    /// Each says what it changed, and not only the window, which may be the same.
    @Test func aPolicyOfWhichTheWindowStayed() throws {
        var it = try Scenario.idle()
        var policy = it.state.policy
        policy.down = .init(true, .commandLine)
        policy.source = .standard
        try it.given(.setAutostop(policy))
        policy.terminateAfterSeconds = .init(60, .commandLine)
        try it.given(.setAutostop(policy))
        let sentences = explain(it).ofController.filter { $0.hasPrefix("Its ") }
        #expect(sentences.count == 2 && Set(sentences).count == 2, "\(sentences)")
        #expect(sentences.first?.contains("command line: down yes; its window of 600.0s counted from then.") == true)
        #expect(sentences.last?.contains("command line: terminate_after 60.0s; its window of") == true)
    }

    @Test func aPauseAndAnotherWindowMeanwhile() throws {
        var it = try Scenario.idle()
        it.clock.advance(seconds: 100)
        try it.given(.pauseAutostop(seconds: nil, reason: "demo"))
        it.clock.advance(seconds: 1_000)
        #expect(!controller(it).contains("Autostop was paused"), "it says so of itself while it lasts")
        try it.given(.resumeAutostop)
        it.clock.advance(seconds: 100)
        try it.given(.setAutostop(.byHand(seconds: 0.5)))
        let meanwhile =
            "Autostop was paused T+100 by ann@desk from the command line (demo), with 500 s left. "
            + "It was resumed T+1100 by ann@desk from the command line; the window counted anew from then. "
            + "Its window was set T+1200 by ann@desk from the command line: 0.5s, counted from then."
        #expect(controller(it).contains(meanwhile), "\(controller(it))")
        it.clock.advance(seconds: 0.5)
        try it.whenReached(.idle)
        try it.given(.stopFinished)
        let text = controller(it)
        #expect(text.hasPrefix("Stopped T+1200 by its idle deadline: no service since T+0 "), "\(text)")
        #expect(text.contains("window 0.5s, 0.000 s late. \(meanwhile)"), "\(text)")
        // Of the idleness after it, none of that is true.
        try it.given(.start, .takeOver(process: "b"))
        #expect(!controller(it).contains("paused"))
    }

    @Test func theEndOfAnotherUse() throws {
        var policy = AutostopPolicy.configured(seconds: 600)
        policy.waitFor = .init(["gpu"], .serveController)
        var it = Scenario()
        try it.given(.start(policy: policy), .takeOver(process: "a"))
        try it.given(.useSeen("gpu", isActive: true, evidence: "it says active"))
        it.clock.advance(seconds: 70)
        try it.given(.useSeen("gpu", isActive: false, evidence: "it says idle"))
        it.clock.advance(seconds: 600)
        try it.whenReached(.idle)
        try it.given(.stopFinished)
        #expect(
            controller(it).contains("no use since T+70 (gpu (wait_for) is not in use any more: it says idle)"),
            "\(controller(it))")
    }

    /// What was never in use is not "not in use any more".
    @Test func theFirstAnswerIsNoEndOfAUse() throws {
        var policy = AutostopPolicy.configured(seconds: 600)
        policy.waitFor = .init(["ssh"], .serveController)
        var it = Scenario()
        try it.given(.start(policy: policy), .takeOver(process: "a"))
        try it.given(.useSeen("ssh", isActive: true, evidence: "1 SSH session"), .stop, .stopFinished)
        try it.given(.start(policy: policy), .takeOver(process: "b"))
        try it.given(.useSeen("ssh", isActive: false, evidence: "0 SSH sessions"))
        let text = controller(it)
        #expect(text.contains("and ssh (wait_for) is not in use: 0 SSH sessions"), "\(text)")
        #expect(text.contains("no service was brought up since its start"), "\(text)")
        #expect(!text.contains("any more"), "\(text)")
    }

    @Test func manyChangesAreTold() throws {
        var it = try Scenario.idle()
        for seconds in 1...32 { try it.given(.setAutostop(.byHand(seconds: Double(600 + seconds)))) }
        let text = controller(it)
        #expect(text.components(separatedBy: "Its window was set").count == 6, "\(text)")
        #expect(text.contains("27 earlier changes of its window and pauses: dwell events --controller dev."), "\(text)")
        #expect(text.contains("632.0s, counted from then"), "\(text)")
    }

    @Test func oneThatGoesDown() throws {
        var policy = policy(Schedule(), down: true)
        policy.schedule = nil
        var it = try Scenario.idle(policy: policy)
        try it.given(.up(.api, policy: policy))
        it.clock.advance(seconds: 30)
        try it.given(.down([.api]))
        try it.removeEverything()
        it.clock.advance(seconds: 600)
        try it.whenReached(.idle)
        #expect(controller(it).hasPrefix("Being terminated since T+630 by its idle deadline: no service since T+30 "))
        try it.given(.terminationFinished)
        let text = controller(it)
        #expect(
            text.hasPrefix(
                "Terminated T+630 by its idle deadline: no service since T+30 (api was taken down by ann@desk from the command line)"
            ), "\(text)")
        #expect(text.contains("window 600.0s, and it goes down then, 0.000 s late."))
    }

    @Test func oneThatStayedStopped() throws {
        var policy = AutostopPolicy.configured(seconds: 600)
        policy.terminateAfterSeconds = .init(50, .serveController)
        var it = try Scenario.idle(policy: policy)
        it.clock.advance(seconds: 600)
        try it.whenReached(.idle)
        try it.given(.stopFinished)
        it.clock.advance(seconds: 50)
        try it.whenReached(.termination)
        let text = controller(it)
        #expect(
            text.hasPrefix("Terminated T+650 by terminate_after 50.0s: it stayed stopped since T+600, 0.000 s late."),
            "\(text)")
        #expect(text.contains("Stopped T+600 by its idle deadline: no service since T+0 "), "\(text)")
    }

    @Test func oneThatSomebodyTerminated() throws {
        var it = try Scenario.serving()
        it.clock.advance(seconds: 5)
        try it.given(.terminate(force: true))
        try it.removeEverything()
        let text = controller(it)
        #expect(
            text.hasPrefix(
                "Terminated T+5 by hand by ann@desk from the command line, by force. It took api with it. The name"),
            "\(text)")
        var idle = try Scenario.idle()
        try idle.given(.terminate(force: false), .terminationFinished)
        #expect(controller(idle).contains("It had been idle since T+0: no service was brought up"))
    }

    /// What somebody asked for while it was stopping, its own process does later.
    @Test func whoStartedOneThatWasStopping() throws {
        var it = try Scenario.idle()
        try it.given(.stop, .start, .stopFinished, .takeOver(process: "a"), .up(.api))
        let happenings = it.history.map {
            Explanation.Happening(
                event: $0.event, stamp: $0.stamp,
                component: $0.event.type == .controllerStartRequested ? "cli" : "controller")
        }
        let text = Explanation(it.state, happenings, now: it.clock.now, words).ofController
        #expect(text[0] == "Up since T+0, started by ann@desk from the command line.", "\(text)")
    }

    // MARK: Times of the week

    @Test func whatKeepsItWarmWinsOverWhatStopsIt() throws {
        let schedule = Schedule(
            keepWarm: [window("08:00-22:00", 480, 1320)], stopAt: [moment("17:00", 1020), moment("23:00", 1380)])
        let text = controller(try .idle(policy: policy(schedule)))
        #expect(
            text.contains("stop_at 17:00 lies within keep_warm 08:00-22:00, which wins: nothing is stopped then."),
            "\(text)")
        #expect(text.contains("cut short at stop_at 23:00.") && !text.contains("stop_at 23:00 lies"), "\(text)")
    }

    @Test func oneThatIsKeptWarmForEver() throws {
        let text = controller(try .idle(policy: policy(Schedule(keepWarm: [window("00:00-24:00", 0, 1440)]))))
        #expect(text.contains("It never stops by itself: all the time there is lies within keep_warm. Stop it: dwell"))
    }

    // MARK: Hooks

    @Test func aHookThatFailedIsToldUntilItGoesWell() throws {
        var policy = AutostopPolicy.configured(seconds: 600)
        policy.hooks = [.stop, .idle]
        var it = Scenario()
        try it.given(.start(policy: policy), .takeOver(process: "a"))
        func run(_ outcome: HookOutcome) throws {
            let hook = try #require(it.state.hooks.first)
            try it.given(.hookStarted(hook.version), .hookEnded(hook.version, outcome))
        }
        try run(.timedOut(seconds: 2))
        #expect(
            controller(it).hasSuffix(
                "Its hook idle had not ended after 2.0 s and was killed, T+0; what it wrote is in logs/dev/hooks.log."))
        try it.given(.stop)
        try run(.interrupted)
        try it.given(.stopFinished)
        let text = controller(it)
        #expect(text.contains("Its hook idle had not") && text.contains("Its hook stop was interrupted"), "\(text)")
        try it.given(.start(policy: policy), .takeOver(process: "b"))
        #expect(!controller(it).contains("Its hook"), "since then it was started")
        try run(.exited(code: 7))
        #expect(controller(it).contains("Its hook idle exited with code 7"))
        try it.given(.up(.api, policy: policy))
        try it.launchLoadBalancer()
        try it.given(.down([.api]))
        try it.removeEverything()
        try run(.exited(code: 0))
        #expect(!controller(it).contains("Its hook"), "it went well since")
    }

    // MARK: Services

    @Test func aServiceThatIsGone() throws {
        var it = try Scenario.serving()
        it.clock.advance(seconds: 50)
        try it.given(.down([.api]))
        try it.removeEverything()
        let text = explain(it).ofGone(.api).joined(separator: " ")
        #expect(
            text.hasPrefix("Gone since T+50: it was taken down T+50 by ann@desk from the command line. It was wanted"),
            "\(text)")
        #expect(
            text.contains("and was READY then") && text.hasSuffix("dwell up FILE -n api --controller dev"), "\(text)")
        #expect(explain(it).ofGone(.chat).isEmpty)
        try it.given(.up(.api))
        #expect(explain(it).ofGone(.api).isEmpty, "there is one")
        try it.given(.terminate(force: true))
        try it.removeEverything()
        #expect(explain(it).ofGone(.api)[0].contains("its controller was terminated by ann@desk"))
    }

    @Test func oneThatNobodyAsksForGoes() throws {
        var it = Scenario()
        var spec = ServiceSpec.sample()
        spec.idleDownSeconds = 60
        try it.given(
            .up(Command.Up(service: .api, spec: spec, policy: .standard, host: "127.0.0.1", candidatePorts: [30_001])))
        #expect(explain(it).of(.api).contains("Without a request for 60.0s it goes (idle_down)."))
        try it.given(.takeOver(process: "a"))
        try it.launchLoadBalancer()
        try it.makeReady(1)
        it.clock.advance(seconds: 20)
        var report = TrafficReport(
            generation: it.loadBalancer().generation, writtenAtMicroseconds: 0,
            lastRequestAtMicroseconds: it.clock.now.wallMicroseconds, totalRequests: 1, isServing: true,
            quietSince: it.clock.now)
        it.clock.advance(seconds: 10)
        func text() -> String { explain(it).of(.api, traffic: report).joined(separator: " ") }
        #expect(
            text().contains(
                "Without a request for 60.0s it goes (idle_down); the last came T+20: it goes at T+80, in 50 s, unless one comes."
            ), "\(text())")
        report.inFlight = 2
        #expect(text().contains("(idle_down); 2 requests are under way."), "\(text())")
        report.inFlight = 0
        report.isServing = false
        #expect(text().contains("(idle_down), counted from when a replica is ready."), "\(text())")
        report.generation += 1
        #expect(text().contains("it goes (idle_down)."), "another's report says nothing: \(text())")
    }
}

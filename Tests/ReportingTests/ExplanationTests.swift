import Lifecycle
import Reporting
import TestKit
import Testing

/// Why a controller is as it is, in words, for every phase it can be in.
@Suite struct ExplanationTests {
    private let words = Explanation.Words(
        clock: { "T+\($0 / 1_000_000 - 1_750_000_000)" }, span: { "\($0 / 1_000_000) s" })

    private func explain(_ it: Scenario) -> Explanation {
        Explanation(
            it.state, it.history.map { Explanation.Happening(event: $0.event, stamp: $0.stamp, component: "cli") },
            now: it.clock.now, words)
    }

    private func controller(_ it: Scenario) -> String { explain(it).ofController.joined(separator: " ") }

    @Test func oneThatIsHeldUp() throws {
        let text = controller(try .serving())
        #expect(text.contains("Held up by api: READY since"))
        #expect(text.contains("it stays warm for 600 s, then it is stopped (default)"))
    }

    @Test func oneThatIsIdle() throws {
        var it = try Scenario.serving()
        it.clock.advance(seconds: 50)
        try it.given(.down([.api]))
        try it.removeEverything()
        it.clock.advance(seconds: 100)
        let text = controller(it)
        #expect(text.hasPrefix("Idle since T+50: api was taken down by "), "\(text)")
        #expect(text.contains("It stops at T+650, in 500 s, unless a service is brought up."))
        #expect(text.hasSuffix("Window: 600 s (default)."))
        try it.given(.pauseAutostop(seconds: 60, reason: "demo"))
        #expect(controller(it).contains("It does not stop by itself until T+210: paused by "))
        #expect(controller(it).contains("(demo)"))
    }

    /// Nobody was there to end it: it was over while the machine was off.
    @Test func oneWhosePauseIsOver() throws {
        var it = try Scenario.idle()
        try it.given(.pauseAutostop(seconds: 60, reason: "demo"))
        it.clock.reboot(afterSeconds: 100)
        let text = controller(it)
        #expect(text.contains("Its pause was over at T+60, paused by "), "\(text)")
        #expect(text.contains("nothing of dwell has run since") && !text.contains("until T+60"), "\(text)")
    }

    @Test func oneThatIsIdleBecauseItsServiceFailed() throws {
        let text = controller(try .failed())
        #expect(text.hasPrefix("Idle since T+0: api FAILED: replica 1: `run` exited with code 1."), "\(text)")
    }

    @Test func oneThatWasStoppedByItsDeadline() throws {
        var it = try Scenario.serving()
        try it.given(.down([.api]))
        try it.removeEverything()
        it.clock.advance(seconds: 600.004)
        try it.whenReached(.idle)
        #expect(controller(it).contains("by its idle deadline"))
        try it.given(.stopFinished)
        let text = controller(it)
        #expect(
            text.hasPrefix("Stopped T+600 by its idle deadline: no service since T+0 (api was taken down by "),
            "\(text)")
        #expect(text.contains("window 600 s, 0.004 s late."))
    }

    /// What happened before the start, or after the stop, is not what led to it.
    @Test func theCauseIsTheOneOfThatTime() throws {
        var it = try Scenario.serving()
        try it.given(.down([.api]))
        try it.removeEverything()
        try it.given(.stop, .stopFinished, .start, .takeOver(process: "b"))
        #expect(controller(it).contains("no service was brought up since its start"))
        it.clock.advance(seconds: 600)
        try it.whenReached(.idle)
        try it.given(.stopFinished, .setAutostop(.byHand(seconds: 7)))
        #expect(controller(it).contains("window 600 s"), "the one that was in force")
    }

    @Test func oneThatWaitsForItsHook() throws {
        var policy = AutostopPolicy.configured(seconds: 60)
        policy.hooks = [.stop]
        var it = Scenario()
        try it.given(.start(policy: policy), .takeOver(process: "a"), .stop)
        #expect(controller(it).contains("it waits for its hook stop"))
    }

    @Test func oneThatWasStoppedByHandWithItsServices() throws {
        var it = try Scenario.serving()
        try it.given(.stop)
        #expect(controller(it).contains("It waits for what is left of api."))
        try it.removeEverything()
        let text = controller(it)
        #expect(text.contains("by hand by ") && text.contains("Its next start serves api again."), "\(text)")
    }

    @Test func theOthers() throws {
        var it = Scenario()
        #expect(controller(it) == "Controller dev was never started.")
        try it.given(.up(.api))
        #expect(controller(it).contains("Starting since") && controller(it).contains("for api"))
        try it.given(.startFailed(reason: "no room"))
        #expect(controller(it).contains("could not be started: no room"))
        #expect(controller(it).hasPrefix("FAILED T+0: "), "\(controller(it))")
        #expect(
            controller(it).contains(", started T+0 by ann@desk from the command line for api."), "\(controller(it))")
        #expect(controller(it).contains("which is held back until T+"), "\(controller(it))")
        it.clock.advance(seconds: 400)
        #expect(controller(it).hasSuffix("Try again: dwell start dev."), "\(controller(it))")
        try it.given(.start, .startFailed(reason: "no room"))
        #expect(controller(it).contains("2 starts in a row have failed."), "\(controller(it))")
        try it.given(.terminate(force: true))
        #expect(controller(it).hasPrefix("Terminated"))
        var batch = try Scenario.idle()
        try batch.given(
            .setAutostop(AutostopPolicy(idleTimeoutSeconds: 5, source: .commandLine, down: .init(true, .commandLine))))
        batch.clock.advance(seconds: 5)
        try batch.whenReached(.idle)
        #expect(controller(batch).contains("Being terminated"))
        try batch.given(.terminationFinished)
        #expect(controller(batch).contains("by its idle deadline: no service since"))
    }

    @Test func oneThatIsKeptUp() throws {
        var policy = AutostopPolicy.standard
        policy.waitFor = .init(["gpu"], .serveController)
        var it = Scenario()
        try it.given(.start(policy: policy), .takeOver(process: "a"))
        try it.given(.useSeen("gpu", isActive: true, evidence: "it says active"))
        it.clock.advance(seconds: 8)
        try it.given(.useSeen("gpu", isActive: true, evidence: "it exited with code 1"))
        #expect(controller(it).contains("Kept up by gpu (wait_for): it exited with code 1, since T+8."))
    }

    @Test func aServiceThatFailedHasAWayOut() throws {
        let text = explain(try .failed()).of(.api).joined(separator: " ")
        #expect(text.contains("dwell up FILE -n api --controller dev"), "\(text)")
        #expect(text.contains("dwell down api"), "\(text)")
    }

    @Test func aService() throws {
        var it = try Scenario.up()
        try it.launch(1)
        try it.given(.replicaProbed(it.replica(1), isReady: false, evidence: "HTTP 404"))
        let text = explain(it).of(.api).joined(separator: " ")
        #expect(text.contains("0 of 1 replicas ready"))
        #expect(
            text.contains(
                "Replica 1 is STARTING since T+0: not ready yet: HTTP 404; it fails unless it is ready by T+1200."))
        #expect(explain(it).of(.chat).isEmpty)
    }
}

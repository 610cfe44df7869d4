import Lifecycle
import TestKit
import Testing

/// Which work is begun, cancelled and left to end.
@Suite struct ReconcilerTests {
    private let replica = ReplicaReference(service: .api, id: 1, generation: 5)
    private var launch: Work { .launchReplica(replica) }
    private var watch: Work { .watchReplica(replica, .sample, .sample, version: 1) }
    private var remove: Work { .removeReplica(replica) }

    @Test func workIsBegunOnce() {
        var reconciler = Reconciler()
        #expect(reconciler.reconcile([launch], version: 1) == [.begin(launch)])
        #expect(reconciler.reconcile([launch], version: 1).isEmpty)
        #expect(reconciler.reconcile([launch], version: 2).isEmpty)
        #expect(reconciler.inFlight == [.replica(replica): launch])
    }

    /// A replica is never removed while it is being launched: half of either is worse than both.
    @Test func aLaunchIsLeftToEndBeforeItsRemovalBegins() {
        var reconciler = Reconciler()
        _ = reconciler.reconcile([launch], version: 1)
        #expect(reconciler.reconcile([remove], version: 2).isEmpty)
        reconciler.finished(.replica(replica), atVersion: 3)
        #expect(reconciler.reconcile([remove], version: 3) == [.begin(remove)])
    }

    @Test func watchingIsCancelledAndWhatFollowsWaitsForItsEnd() {
        var reconciler = Reconciler()
        _ = reconciler.reconcile([watch], version: 1)
        #expect(reconciler.reconcile([remove], version: 2) == [.cancel(.replica(replica))])
        reconciler.finished(.replica(replica), atVersion: 2)
        #expect(reconciler.reconcile([remove], version: 2) == [.begin(remove)])
    }

    @Test func watchingIsCancelledWhenNothingIsWanted() {
        var reconciler = Reconciler()
        _ = reconciler.reconcile([watch], version: 1)
        #expect(reconciler.reconcile([], version: 2) == [.cancel(.replica(replica))])
        reconciler.finished(.replica(replica), atVersion: 2)
        #expect(reconciler.inFlight.isEmpty)
        #expect(reconciler.reconcile([], version: 2).isEmpty)
        #expect(!reconciler.hasFruitlessWork)
    }

    /// Work that changed nothing is not begun again at once, or it would spin.
    @Test func fruitlessWorkWaitsForARetry() {
        var reconciler = Reconciler()
        _ = reconciler.reconcile([launch], version: 1)
        reconciler.finished(.replica(replica), atVersion: 1)
        #expect(reconciler.hasFruitlessWork)
        #expect(reconciler.reconcile([launch], version: 1).isEmpty)
        reconciler.retry()
        #expect(reconciler.reconcile([launch], version: 1) == [.begin(launch)])
    }

    @Test func aChangeOfStateIsReasonEnoughToTryAgain() {
        var reconciler = Reconciler()
        _ = reconciler.reconcile([launch], version: 1)
        reconciler.finished(.replica(replica), atVersion: 1)
        #expect(reconciler.reconcile([launch], version: 2) == [.begin(launch)])
    }

    @Test func anEndNobodyWaitsForIsPassedOver() {
        var reconciler = Reconciler()
        reconciler.finished(.controller, atVersion: 1)
        #expect(!reconciler.hasFruitlessWork)
        #expect(reconciler.reconcile([.finishStop], version: 1) == [.begin(.finishStop)])
    }

    @Test func subjectsDoNotHoldEachOtherUp() {
        var reconciler = Reconciler()
        let other = Work.launchReplica(ReplicaReference(service: .api, id: 2, generation: 6))
        let next = Work.launchReplica(ReplicaReference(service: .api, id: 1, generation: 9))
        #expect(reconciler.reconcile([launch], version: 1) == [.begin(launch)])
        #expect(reconciler.reconcile([launch, other, next], version: 2) == [.begin(other), .begin(next)])
    }
}

/// What a controller process does whenever it wakes.
@Suite struct ControllerLoopTests {
    @Test func aProcessBeginsByTakingOver() throws {
        var it = Scenario()
        try it.given(.start)
        var loop = ControllerLoop(process: "a")
        #expect(loop.wake(it.state, now: it.clock.now) == [.submit(.takeOver(process: "a"))])
        try it.given(.takeOver(process: "a"))
        let idle = try #require(it.pending(.idle))
        #expect(loop.wake(it.state, now: it.clock.now) == [.arm([idle])])
    }

    /// The lease was lost, and another made: whoever comes waits for who was there.
    @Test func aProcessStandsByWhileAnotherServes() throws {
        var it = try Scenario.serving()
        var loop = ControllerLoop(process: "b")
        let beside = ControllerLoop.Standing(holdsLease: true, isOtherAlive: true)
        #expect(loop.wake(it.state, now: it.clock.now, standing: beside) == [.standBy])
        #expect(loop.wake(it.state, now: it.clock.now) == [.submit(.takeOver(process: "b", from: "a"))], "it has ended")
        try it.given(.stop)
        #expect(loop.wake(it.state, now: it.clock.now, standing: beside) != [.end], "it is still to be stopped")
    }

    @Test func aProcessWithoutItsLeaseGivesWay() throws {
        let it = try Scenario.serving()
        var loop = ControllerLoop(process: "a")
        #expect(loop.wake(it.state, now: it.clock.now).contains(.arm(it.state.pendingDeadlines)))
        let bare = ControllerLoop.Standing(holdsLease: false, isOtherAlive: false)
        #expect(loop.wake(it.state, now: it.clock.now, standing: bare) == [.giveWay])
    }

    /// Whoever comes next would cut it off, and not run it again.
    @Test func aHookIsRunToItsEndBeforeItsProcessGivesWay() throws {
        var it = Scenario()
        var policy = AutostopPolicy.configured(seconds: 600)
        policy.hooks = [.stop]
        try it.given(.start(policy: policy), .takeOver(process: "a"), .stop)
        var loop = ControllerLoop(process: "a")
        let hook = try #require(it.state.hooks.first)
        #expect(loop.wake(it.state, now: it.clock.now).contains(.begin(.runHook(.stop, version: hook.version))))
        let bare = ControllerLoop.Standing(holdsLease: false, isOtherAlive: false)
        #expect(loop.wake(it.state, now: it.clock.now, standing: bare) == [])
        try it.given(.hookStarted(hook.version))
        loop.finished(.hook(hook.version), atVersion: it.state.version)
        #expect(loop.wake(it.state, now: it.clock.now, standing: bare) == [.giveWay])
    }

    /// Two that took it from each other would fill the log and do nothing else.
    @Test func whatAnotherHasTakenOverIsNotTakenBack() throws {
        var it = try Scenario.serving()
        var loop = ControllerLoop(process: "a")
        #expect(loop.wake(it.state, now: it.clock.now).contains(.arm(it.state.pendingDeadlines)))
        try it.given(.takeOver(process: "b", from: "a"))
        #expect(loop.wake(it.state, now: it.clock.now) == [.giveWay])
    }

    @Test(arguments: [GivenController.absent, .stopped, .failed, .terminated])
    func aProcessEndsWhenNothingIsLeftToRun(_ given: GivenController) throws {
        let it = try given.scenario()
        var loop = ControllerLoop(process: "a")
        #expect(loop.wake(it.state, now: it.clock.now) == [.end])
    }

    /// Recovery is no special path: the second process does what the first would have.
    @Test func aSecondProcessTakesOverAndAdopts() throws {
        var it = try Scenario.serving()
        var loop = ControllerLoop(process: "b")
        let watch = Work.watchReplica(it.replica(1), .sample, .sample, version: 1)
        #expect(loop.wake(it.state, now: it.clock.now) == [.submit(.takeOver(process: "b", from: "a"))])
        try it.given(.takeOver(process: "b", from: "a"))
        #expect(loop.wake(it.state, now: it.clock.now).contains(.begin(watch)))
    }

    /// Nothing is begun on a state that a due deadline is about to change.
    @Test func dueDeadlinesComeBeforeWork() throws {
        var it = try Scenario.up()
        try it.launch(1)
        let pending = try #require(it.pending(.readiness(.api, replica: 1)))
        it.clock.advance(seconds: 1_200)
        var loop = ControllerLoop(process: "a")
        #expect(
            loop.wake(it.state, now: it.clock.now)
                == [.submit(.deadlineReached(pending.key, generation: pending.generation))])
    }

    @Test func theLoopStopsAnIdleController() throws {
        var it = try Scenario.idle()
        it.clock.advance(seconds: 600)
        var loop = ControllerLoop(process: "a")
        for _ in 1...10 {
            for action in loop.wake(it.state, now: it.clock.now) {
                switch action {
                case .submit(let command): try it.given(command)
                case .begin(.finishStop):
                    try it.given(.stopFinished)
                    loop.finished(.controller, atVersion: it.state.version)
                default: break
                }
            }
        }
        #expect(it.state.status == .stopped)
        #expect(loop.wake(it.state, now: it.clock.now) == [.end])
    }

    @Test func workWithoutEffectIsTriedAgainAfterAPause() throws {
        let it = try Scenario.up()
        var loop = ControllerLoop(process: "a")
        let launch = Work.launchReplica(it.replica(1))
        #expect(loop.wake(it.state, now: it.clock.now).contains(.begin(launch)))
        loop.finished(launch.subject, atVersion: it.state.version)
        let actions = loop.wake(it.state, now: it.clock.now)
        #expect(!actions.contains(.begin(launch)))
        #expect(actions.last == .retryLater)
        loop.retry()
        #expect(loop.wake(it.state, now: it.clock.now).contains(.begin(launch)))
    }

    /// The process of a controller that was asked to start again while it was stopping serves its next start.
    @Test func aStartAfterAStopIsTakenOverAgain() throws {
        var it = try Scenario.idle()
        try it.given(.stop, .start, .stopFinished)
        var loop = ControllerLoop(process: "a")
        #expect(loop.wake(it.state, now: it.clock.now) == [.submit(.takeOver(process: "a"))])
    }
}

@Suite struct OutstandingTests {
    @Test func workFollowsTheReplicaThroughItsLife() throws {
        var it = try Scenario.up(setup: "make")
        let replica = it.replica(1)
        let endpoint = Endpoint(host: "127.0.0.1", port: 30_001)
        #expect(it.state.outstanding == [.launchLoadBalancer(it.loadBalancer(), endpoint), .launchReplica(replica)])
        try it.launchLoadBalancer()
        try it.launch(1)
        let watching: [Work] = [
            .watchLoadBalancer(it.loadBalancer(), .sample), .watchReplica(replica, .sample, .sample, version: 1),
        ]
        #expect(it.state.outstanding == watching)
        try it.given(.replicaStarted(replica))
        #expect(it.state.outstanding == watching)
        try it.given(.replicaProbed(replica, isReady: true, evidence: "HTTP 200"))
        #expect(it.state.outstanding == watching)
        try it.given(.down([.api]))
        #expect(
            it.state.outstanding == [
                .removeLoadBalancer(it.loadBalancer()), .drainReplica(replica, .sample, it.loadBalancer()),
            ])
        try it.given(.replicaDrained(replica))
        #expect(it.state.outstanding == [.removeLoadBalancer(it.loadBalancer()), .removeReplica(replica)])
        try it.removeEverything()
        #expect(it.state.outstanding.isEmpty)
    }

    @Test(arguments: [(GivenController.stopping, [Work.finishStop]), (.terminating, [.finishTermination]), (.idle, [])])
    func theControllersOwnWork(_ given: GivenController, work: [Work]) throws {
        #expect(try given.scenario().state.outstanding == work)
    }

    /// A report tells what it follows from, for the `cause` column; a wish follows from nothing.
    @Test(arguments: WhenCommand.allCases)
    func aReportKnowsItsCause(_ when: WhenCommand) throws {
        let it = try Scenario.serving()
        let command = when.command(in: it)
        let expected: Int? =
            switch command {
            case .deadlineReached: it.idleGeneration
            case .hookStarted, .hookEnded: 1
            case .scale, .serviceUnused, .loadBalancerLaunched, .loadBalancerEnded, .loadBalancerRemoved,
                .loadBalancerRemovalFailed:
                it.loadBalancer().generation
            case .replicaLaunched, .replicaLaunchFailed, .replicaStarted, .replicaProbed, .replicaEnded,
                .replicaDrained, .replicaRemoved, .replicaRemovalFailed:
                it.replica(1).generation
            default: nil
            }
        #expect(command.causeVersion == expected)
    }
}

import TestKit
import Testing

@testable import Lifecycle

/// Of replicas that failed in different ways, the one that tells most of what is wrong gives the reason.
@Suite struct FailureOrderTests {
    /// How a replica that never was ready fails, the most telling first.
    private static let endings: [(Ending, FailureOrder)] = [
        (.exited(code: 127, stage: .run), .commandNotRun), (.exited(code: 126, stage: .setup), .commandNotRun),
        (.exited(code: 1, stage: .setup), .setupFailed), (.signaled(signal: 11, stage: .setup), .setupFailed),
        (.exited(code: 1, stage: .run), .runFailed), (.exited(code: 139, stage: .run), .runFailed),
        (.exited(code: 255, stage: .run), .runFailed), (.exited(code: 0, stage: .run), .runEnded),
        (.exited(code: 137, stage: .run), .killed), (.signaled(signal: 9, stage: .run), .killed),
        (.exited(code: 143, stage: .run), .toldToEnd), (.signaled(signal: 1, stage: .run), .toldToEnd),
        (.vanished, .unseen),
    ]

    @Test(arguments: endings) func eachEndingHasItsPlace(_ ending: Ending, _ order: FailureOrder) throws {
        var it = try Scenario.up()
        try it.launch(1)
        try it.given(.replicaEnded(it.replica(1), ending, logTail: nil))
        #expect(it.state.services[.api]?.replicas[1]?.failureOrder == order)
        try it.given(.replicaRemoved(it.replica(1)))
        #expect(it.state.services[.api]?.replicas[1]?.failureOrder == order, "also once nothing of it is left")
        #expect(it.folded == it.state)
    }

    @Test func whatWaitedInVainTellsLessThanACrash() throws {
        var it = try Scenario.up(replicas: 4)
        try it.launchLoadBalancer()
        for id in 1...3 { try it.launch(id) }
        try it.given(.replicaLaunchFailed(it.replica(4), reason: "no port"))
        #expect(it.state.services[.api]?.whyLaunchesStopped == "replica 4: no port")
        it.clock.advance(seconds: 1_200)
        try it.whenReached(.readiness(.api, replica: 1))
        #expect(it.state.services[.api]?.whyLaunchesStopped == "replica 4: no port")
        try it.given(.replicaEnded(it.replica(2), .exited(code: 143, stage: .run), logTail: nil))
        try it.crash(3)
        try it.removeEverything()
        let reason = "replica 3: `run` exited with code 1"
        let service = try #require(it.state.services[.api])
        #expect(service.status == .failed && it.state.statusReason(of: service) == reason)
        #expect(service.failure == reason && service.launchesStopped == "replica 4: no port")
        let changes = it.history.compactMap { stamped in
            if case .serviceStatusChanged(let change) = stamped.event { change.reason } else { nil }
        }
        #expect(changes.last == reason, "the log says so too")
    }

    @Test func ofThoseThatTellTheSameTheFirstDoes() throws {
        var it = try Scenario.up(replicas: 2)
        for id in 1...2 { try it.launch(id) }
        try it.crash(2)
        try it.crash(1)
        #expect(it.state.services[.api]?.mostTellingFailure?.id == 1)
    }

    /// However many fail after it.
    @Test func theOneThatTellsMostStaysListed() throws {
        var it = try Scenario.up(replicas: 8)
        for id in 1...8 { try it.launch(id) }
        try it.given(.replicaEnded(it.replica(1), .exited(code: 127, stage: .run), logTail: "x: command not found\n"))
        for id in 2...8 { try it.crash(id) }
        try it.removeEverything()
        #expect(it.state.services[.api]?.replicas.keys.sorted() == [1, 4, 5, 6, 7, 8])
        #expect(it.state.services[.api]?.failure == "replica 1: `run` exited with code 127: x: command not found")
    }

    @Test func anEarlierVersionsFailuresSayNothing() throws {
        var it = try Scenario.failed()
        try it.given(.up(.api))
        try it.launch(2)
        try it.given(.replicaEnded(it.replica(2), .vanished, logTail: nil))
        #expect(it.state.services[.api]?.mostTellingFailure?.id == 2)
    }

    @Test(arguments: [
        ("bash: line 3: serve: command not found\n", ": serve: command not found"),
        ("starting\n/tmp/run.sh: line 1: ./go: Permission denied\n", ": ./go: Permission denied"),
        ("nothing of the kind\n", ""), ("", ""),
    ])
    func theShellsComplaintIsPartOfTheReason(_ log: String, _ said: String) {
        let ending = Ending.exited(code: 127, stage: .run)
        #expect(ending.reason(logTail: log) == "`run` exited with code 127\(said)")
        #expect(Ending.exited(code: 1, stage: .run).reason(logTail: log) == "`run` exited with code 1")
    }
}

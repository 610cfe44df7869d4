import Lifecycle
import TestKit
import Testing

/// A service gets a new version: what gives way to what, and when.
@Suite struct UpdateScenarioTests {
    private static let better = ServiceSpec.sample(run: "exec serve --better")

    private func update(_ spec: ServiceSpec, _ mode: UpdateMode = .rolling) -> Command {
        .update(Command.Update(service: .api, target: .spec(spec), mode: mode))
    }

    private var rollback: Command { .update(Command.Update(service: .api, target: .lastGoodVersion, mode: .rolling)) }

    private func statuses(_ it: Scenario) -> [Int: ReplicaStatus] {
        (it.state.services[.api]?.replicas ?? [:]).mapValues(\.status)
    }

    @Test func theOldOneServesUntilTheNewOneIsReady() throws {
        var it = try Scenario.serving()
        try it.given(update(Self.better))
        #expect(statuses(it) == [1: .ready, 2: .pending])
        #expect(it.state.services[.api]?.status == .ready)
        try it.makeReady(2)
        #expect(statuses(it) == [1: .shuttingDown, 2: .ready])
        let loadBalancer = it.loadBalancer()
        #expect(it.state.outstanding.contains(.drainReplica(it.replica(1), .sample, loadBalancer)))
        try it.given(.replicaDrained(it.replica(1)), .replicaRemoved(it.replica(1)))
        #expect(statuses(it) == [2: .ready])
        #expect(it.state.services[.api]?.status == .ready)
    }

    /// Requests that do not end are cut off at the limit, and not before it.
    @Test func aReplicaThatIsDrainedHasItsTime() throws {
        var it = try Scenario.serving()
        try it.given(update(Self.better))
        try it.makeReady(2)
        let pending = try #require(it.pending(.drain(.api, replica: 1)))
        #expect(pending.deadline.spanMicroseconds == 30_000_000)
        it.clock.advance(seconds: 29)
        #expect(try it.when(.deadlineReached(pending.key, generation: pending.generation)).isEmpty)
        it.clock.advance(seconds: 1)
        #expect(try it.whenReached(.drain(.api, replica: 1)).map(\.type) == [.replicaRemoving])
    }

    /// The service file is the same, and the folder it names was edited.
    @Test func codeIsRolledBackToAndHeldUntilNobodyNeedsIt() throws {
        func spec(_ copy: String) -> ServiceSpec {
            var spec = ServiceSpec.sample()
            spec.workdir = .folder("/srv/app")
            spec.workdirCopy = copy
            return spec
        }
        var it = try Scenario.serving()
        try it.given(update(spec("one")))
        try it.makeReady(2)
        try it.given(.replicaDrained(it.replica(1)), .replicaRemoved(it.replica(1)))
        try it.given(update(spec("two")))
        #expect(it.state.workdirCopiesInUse == ["one", "two"])
        try it.given(rollback)
        #expect(it.state.services[.api]?.spec == spec("one"))
        #expect(it.state.workdirCopiesInUse.contains("one"))
    }

    @Test func whatIsTheSameIsKept() throws {
        var it = try Scenario.serving()
        let probe = ReadinessProbe(timeoutSeconds: 3)
        #expect(try it.when(update(.sample(readinessProbe: probe))).map(\.type) == [.serviceUpdated])
        #expect(statuses(it) == [1: .ready])
        #expect(it.state.services[.api]?.replicas[1]?.version == 2)
        #expect(it.state.services[.api]?.spec.readinessProbe.timeoutSeconds == 3)
    }

    /// Were the new question wrong, no replica would be left that answers the old one.
    @Test func aReplicaThatWouldBeAskedAnotherQuestionIsNotKept() throws {
        for probe in [
            ReadinessProbe(path: "/health"), ReadinessProbe(postData: "{}"), ReadinessProbe(headers: ["X-Key": "1"]),
        ] {
            var it = try Scenario.serving()
            try it.given(update(.sample(readinessProbe: probe)))
            #expect(statuses(it) == [1: .ready, 2: .pending])
            #expect(it.state.services[.api]?.replicas[1]?.version == 1)
        }
    }

    /// A version that does not come up leaves the one before it serving, and says why.
    @Test func aBadVersionLeavesTheOldOneServing() throws {
        var it = try Scenario.serving()
        try it.given(update(Self.better))
        try it.launch(2)
        try it.crash(2)
        try it.given(.replicaRemoved(it.replica(2)))
        let service = try #require(it.state.services[.api])
        #expect(service.launchesStopped != nil)
        #expect(service.status == .ready)
        #expect(service.replicas[1]?.status == .ready)
        #expect(it.state.statusReason(of: service)?.contains("version 2 is not launched any more") == true)
        // Should the old one die now, it is what is launched in its place.
        try it.crash(1)
        #expect(it.state.services[.api]?.replicas[3]?.version == 1)
    }

    @Test func aRollbackReturnsToTheLastGoodVersion() throws {
        var it = try Scenario.serving()
        #expect(throws: Rejection.nothingToRollBackTo(.api, controller: it.state.name, version: 1)) {
            try it.when(rollback)
        }
        try it.given(update(Self.better))
        try it.launch(2)
        try it.crash(2)
        try it.given(rollback)
        let service = try #require(it.state.services[.api])
        #expect(service.version == 3)
        #expect(service.spec.run == "exec serve")
        #expect(service.launchesStopped == nil)
        #expect(service.replicas[1]?.version == 3, "the replica that ran it all along is kept")
    }

    /// How clients are spoken with changes with the version that answers them.
    @Test func tlsIsThatOfTheVersionThatServes() throws {
        var it = try Scenario.serving()
        var encrypted = Self.better
        encrypted.tls = TLSFiles(keyFile: "/k", certificateFile: "/c")
        try it.given(update(encrypted))
        #expect(it.state.services[.api]?.scheme == "http")
        try it.launch(2)
        try it.crash(2)
        try it.given(.replicaRemoved(it.replica(2)))
        #expect(it.state.services[.api]?.scheme == "http", "it did not come up")
        try it.given(update(encrypted))
        try it.makeReady(3)
        #expect(it.state.services[.api]?.servedTLS == encrypted.tls)
        #expect(it.state.services[.api]?.url.hasPrefix("https://") == true)
        try it.given(update(Self.better))
        #expect(it.state.services[.api]?.scheme == "http", "its replica is kept, and answers")
    }

    @Test func blueGreenTurnsAllAtOnce() throws {
        var it = try Scenario.up(replicas: 2)
        try it.launchLoadBalancer()
        for id in 1...2 { try it.makeReady(id) }
        try it.given(update(.sample(replicas: 2, run: "exec serve --better"), .blueGreen))
        try it.makeReady(3)
        #expect(it.state.services[.api]?.routedReplicas.map(\.id) == [1, 2])
        #expect(statuses(it) == [1: .ready, 2: .ready, 3: .ready, 4: .pending])
        try it.makeReady(4)
        #expect(it.state.services[.api]?.routedReplicas.map(\.id) == [3, 4])
        #expect(statuses(it) == [1: .shuttingDown, 2: .shuttingDown, 3: .ready, 4: .ready])
    }

    /// L6: an update of a service whose controller is stopped is what is served at the next start.
    @Test func anUpdateWhileStoppedIsServedAtTheNextStart() throws {
        var it = try Scenario.serving()
        try it.given(.stop)
        try it.removeEverything()
        try it.given(update(Self.better))
        try it.given(.start, .takeOver(process: "b"))
        #expect(it.state.services[.api]?.orderedReplicas.map(\.version) == [2])
    }

    /// Four good ones must not go for one that has shown nothing.
    @Test(arguments: UpdateMode.allCases) func oneThatWantsFewerTakesNoneAwayUntilItServes(_ mode: UpdateMode) throws {
        var it = try Scenario.up(replicas: 4)
        try it.launchLoadBalancer()
        for id in 1...4 { try it.makeReady(id) }
        try it.given(update(.sample(replicas: 1, run: "exec serve --better"), mode))
        #expect(it.state.services[.api]?.readyReplicas == 4 && it.state.services[.api]?.replicas.count == 5)
        try it.makeReady(5)
        #expect(statuses(it) == [1: .shuttingDown, 2: .shuttingDown, 3: .shuttingDown, 4: .shuttingDown, 5: .ready])
    }

    @Test func whenItDoesNotComeUpTheNumberIsThatOfTheOneThatServes() throws {
        var it = try Scenario.up(replicas: 2)
        try it.launchLoadBalancer()
        for id in 1...2 { try it.makeReady(id) }
        try it.given(update(.sample(replicas: 1, run: "exit 1")))
        try it.launch(3)
        try it.given(.replicaStarted(it.replica(3)))
        try it.crash(3)
        let service = try #require(it.state.services[.api])
        #expect(service.launchesStopped != nil && service.targetReplicas == 2 && service.readyReplicas == 2)
        try it.crash(1)
        #expect(it.state.services[.api]?.orderedReplicas.last?.version == 1, "another of version 1 takes its place")
    }

    /// A version that needs no replica until somebody asks starts one to show that it can serve.
    @Test(arguments: UpdateMode.allCases) func oneThatScalesToZeroShowsThatItServesFirst(_ mode: UpdateMode) throws {
        var it = try Scenario.up(replicas: 2)
        try it.launchLoadBalancer()
        for id in 1...2 { try it.makeReady(id) }
        var elastic = ServiceSpec.scaling(0...3)
        elastic.run = "exec serve --better"
        try it.given(update(elastic, mode))
        #expect(statuses(it) == [1: .ready, 2: .ready, 3: .pending])
        try it.makeReady(3)
        #expect(statuses(it) == [1: .shuttingDown, 2: .shuttingDown, 3: .shuttingDown])
        for id in 1...3 { try it.given(.replicaDrained(it.replica(id)), .replicaRemoved(it.replica(id))) }
        #expect(it.state.services[.api]?.replicas.isEmpty == true, "and none is there until somebody asks")
        #expect(it.state.services[.api]?.status == .noReplica)
    }

    /// An update that changes nothing takes the way back to what was before from nobody.
    @Test func oneThatChangesNothingIsNoOtherToReturnFrom() throws {
        var it = try Scenario.serving()
        try it.given(update(Self.better))
        try it.makeReady(2)
        try it.given(update(Self.better), update(Self.better))
        #expect(it.state.services[.api]?.version == 4 && it.state.services[.api]?.lastGoodVersion == 1)
        try it.given(rollback)
        #expect(it.state.services[.api]?.spec.run == ServiceSpec.sample().run)
        #expect(it.folded == it.state)
    }

    /// Who asks for none at all is given none.
    @Test func noneIsNone() throws {
        var it = try Scenario.serving()
        try it.given(update(.sample(replicas: 0)))
        #expect(statuses(it) == [1: .shuttingDown])
    }
}

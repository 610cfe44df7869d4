import Lifecycle
import TestKit
import Testing

/// Every state and every command, as three tables written out by hand. What the rules say of a pair
/// nobody thought of is what these are for, so a table that lacks a pair fails.
@Suite struct TransitionTableTests {
    @Test(arguments: controllerTable.rows)
    func controller(_ row: TransitionTable<GivenController, WhenCommand>.Row) throws {
        var it = try row.given.scenario()
        it.clock.advance(seconds: 3_600)
        let command = row.when.command(in: it)
        #expect(outcome { () throws(Rejection) in try it.when(command) } == row.then)
        #expect(it.folded == it.state)
    }

    @Test(arguments: replicaTable.rows)
    func replica(_ row: TransitionTable<GivenReplica, WhenReplica>.Row) throws {
        var it = try row.given.scenario()
        it.clock.advance(seconds: 3_600)
        let command = row.when.command(about: row.given.id, in: it)
        #expect(outcome { () throws(Rejection) in try it.when(command) } == row.then)
        #expect(it.folded == it.state)
    }

    @Test(arguments: loadBalancerTable.rows)
    func loadBalancer(_ row: TransitionTable<GivenLoadBalancer, WhenLoadBalancer>.Row) throws {
        var it = try row.given.scenario()
        it.clock.advance(seconds: 3_600)
        let command = row.when.command(in: it)
        #expect(outcome { () throws(Rejection) in try it.when(command) } == row.then)
        #expect(it.folded == it.state)
    }

    @Test func everyPairIsThere() {
        controllerTable.checkComplete()
        replicaTable.checkComplete()
        loadBalancerTable.checkComplete()
    }

    @Test func everyStatusOfAControllerIsThere() {
        #expect(Set(GivenController.allCases.map(\.status)) == Set(ControllerStatus.allCases))
    }

    @Test(arguments: GivenController.allCases)
    func theStateIsTheOneItsNameSays(_ given: GivenController) throws {
        #expect(try given.scenario().state.status == given.status)
    }

    @Test(arguments: GivenReplica.allCases)
    func theReplicaIsInThePhaseItsNameSays(_ given: GivenReplica) throws {
        let it = try given.scenario()
        #expect(it.state.services[.api]?.replicas[given.id]?.status == given.status)
        #expect((it.pending(.launch(.api, replica: given.id)) != nil) == (given == .backingOff))
        #expect((it.pending(.cleanup(.api, replica: given.id)) != nil) == (given == .stuck))
    }

    @Test(arguments: WhenCommand.allCases)
    func theCommandIsTheOneItsNameSays(_ when: WhenCommand) {
        #expect(WhenCommand.standing(for: when.command(in: Scenario())).contains(when))
    }

    /// A report whose generation is not the one there is changes nothing, whatever it says.
    @Test(arguments: GivenReplica.allCases, WhenReplica.allCases)
    func aReportOfAnotherGenerationChangesNothing(_ given: GivenReplica, _ when: WhenReplica) throws {
        var it = try given.scenario()
        it.clock.advance(seconds: 3_600)
        let command = when.command(about: given.id, in: it).ofAnotherGeneration
        #expect(outcome { () throws(Rejection) in try it.when(command) } == "nothing")
    }
}

extension Command {
    fileprivate var ofAnotherGeneration: Command {
        func past(_ replica: ReplicaReference) -> ReplicaReference {
            ReplicaReference(service: replica.service, id: replica.id, generation: replica.generation - 1)
        }
        return switch self {
        case .deadlineReached(let key, let generation): .deadlineReached(key, generation: generation - 1)
        case .replicaLaunched(let replica, let handle, let endpoint): .replicaLaunched(past(replica), handle, endpoint)
        case .replicaLaunchFailed(let replica, let reason): .replicaLaunchFailed(past(replica), reason: reason)
        case .replicaStarted(let replica): .replicaStarted(past(replica))
        case .replicaProbed(let replica, let isReady, let evidence):
            .replicaProbed(past(replica), isReady: isReady, evidence: evidence)
        case .replicaEnded(let replica, let ending, let logTail): .replicaEnded(past(replica), ending, logTail: logTail)
        case .replicaRemoved(let replica): .replicaRemoved(past(replica))
        case .replicaDrained(let replica): .replicaDrained(past(replica))
        case .replicaRemovalFailed(let replica, let leftovers):
            .replicaRemovalFailed(past(replica), leftovers: leftovers)
        default: self
        }
    }
}

import Foundation
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// Several commands in one transaction.
@Suite struct SubmitTogetherTests {
    private let temporary = TemporaryHome()

    @Test func eachIsDecidedOnWhatThoseBeforeItLedTo() throws {
        let log = try EventLog(home: temporary.home)
        let outcomes = try log.submitTogether(
            [
                Submission(.start), Submission(.takeOver(process: "a")), Submission(.terminate(force: false)),
                Submission(.up(.api)),
            ], to: .dev, by: .ann)
        let receipts = try outcomes.prefix(3).map { try $0.get() }
        #expect(receipts.map(\.state.status) == [.starting, .idle, .terminating])
        #expect(throws: Rejection.self, "one that ends takes nothing up") { try outcomes[3].get() }
        #expect(try log.state(of: .dev) == log.foldedState(of: .dev))
        #expect(try log.firstBrokenPosition() == nil)
        #expect(try log.differences(of: .dev).isEmpty)
    }

    @Test func oneThatIsRejectedLeavesTheOthersAlone() throws {
        let log = try EventLog(home: temporary.home)
        let outcomes = try log.submitTogether(
            [Submission(.stop), Submission(.start)], to: .dev, by: .ann)
        #expect(throws: Rejection.self) { try outcomes[0].get() }
        #expect(try outcomes[1].get().events.map(\.position) == [1])
    }

    @Test func theSameIDTwiceInOneTransactionIsOneCommand() throws {
        let log = try EventLog(home: temporary.home)
        let outcomes = try log.submitTogether(
            [Submission(.start, commandID: "a"), Submission(.start, commandID: "a")], to: .dev, by: .ann)
        #expect(try outcomes[0].get().isRepeated == false)
        #expect(try outcomes[1].get().isRepeated)
    }

    /// Ports of other controllers are passed over, on whatever host they are.
    @Test func portsOfOtherControllersAreTaken() throws {
        let log = try EventLog(home: temporary.home)
        func up(_ service: ServiceName, _ host: String) -> Command {
            .up(
                Command.Up(
                    service: service, spec: .sample(), policy: .standard, host: host,
                    candidatePorts: [30_005, 30_001, 30_003]))
        }
        for (number, host) in ["0.0.0.0", "127.0.0.1", "127.0.0.1"].enumerated() {
            try log.given(up(.api, host), controller: .sample("c\(number)"))
        }
        let ports = try (0..<3).map { try log.state(of: .sample("c\($0)")).services[.api]?.endpoint.port }
        #expect(ports == [30_005, 30_001, 30_003])
    }

    /// What did not change is not written: the row is the one it was, with its place in the table.
    @Test func rowsThatDidNotChangeAreLeftAlone() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start, .takeOver(process: "a"), .up(.api), .up(.chat))
        try temporary.execute("UPDATE services SET requested_by = 'touched' WHERE name = 'chat'")
        let state = try log.state(of: .dev)
        let replica = try #require(state.services[.api]?.replicas[1]?.reference(of: .api))
        try log.given(.replicaLaunched(replica, .sample, .sample))
        #expect(try temporary.value("SELECT requested_by FROM services WHERE name = 'chat'") == "touched")
        #expect(try temporary.value("SELECT endpoint FROM replicas WHERE service = 'api'") == "127.0.0.1:40001")
    }
}

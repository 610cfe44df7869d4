import EventLog
import Foundation
import Lifecycle
import TestKit
import Testing

/// Services of several controllers share the addresses of one machine.
@Suite struct PortTests {
    private let temporary = TemporaryHome()

    private func up(_ host: String) -> Command {
        .up(
            Command.Up(
                service: .sample("s"), spec: .sample(), policy: .standard, host: host, candidatePorts: [30_001, 30_002])
        )
    }

    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1", 30_002), ("127.0.0.1", "127.0.0.2", 30_001), ("0.0.0.0", "127.0.0.2", 30_002),
        ("127.0.0.2", "0.0.0.0", 30_002), ("127.0.0.1", "::1", 30_001), ("::", "127.0.0.1", 30_002),
        ("127.0.0.1", "localhost", 30_002),
    ])
    func aPortIsTakenWhereAnotherListens(_ first: String, _ second: String, gives port: UInt16) throws {
        let log = try EventLog(home: temporary.home)
        let ann = Author(actor: "ann@desk", component: "cli")
        try log.submit(up(first), to: .dev, by: ann)
        let state = try log.submit(up(second), to: .prod, by: ann).state
        #expect(state.services[.sample("s")]?.endpoint == Endpoint(host: second, port: port))
    }
}

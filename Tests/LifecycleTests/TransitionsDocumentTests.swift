import Foundation
import Lifecycle
import TestKit
import Testing

/// `docs/transitions.md` says what the code does: it is written from it (`make transitions`) and compared here.
@Suite struct TransitionsDocumentTests {
    private static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("docs/transitions.md")

    @Test func theDocumentIsWhatTheCodeDoes() throws {
        let text = try Self.document()
        if ProcessInfo.processInfo.environment["DWELL_WRITE_DOCS"] == "1" {
            try text.write(to: Self.path, atomically: true, encoding: .utf8)
        }
        let stored = try String(contentsOf: Self.path, encoding: .utf8)
        let (written, wanted) = (stored.split(separator: "\n"), text.split(separator: "\n"))
        let first = zip(written, wanted).first { $0 != $1 }
        #expect(
            stored == text,
            "docs/transitions.md differs (make transitions writes it): \(first.map { "\($0) is now \($1)" } ?? "its end")"
        )
    }

    private static func document() throws -> String {
        var text = """
            # Transitions

            Every state and everything that can reach it, with the events that follow and the state they lead to.
            Written from the code by `make transitions`; a test compares. What is not in a state's table changes
            nothing there. Commands and reports come an hour after the state was reached: every deadline of a replica or
            a load balancer is due then, and that of a controller where it is called due. What leads to *refused* is refused to the person who asked, and changes nothing.


            """
        text += "## Controllers\n\n"
        text += """
            In `up` there is one service, `api`, whose replica and load balancer are not launched yet; in all others
            there is none.


            """
        for given in GivenController.allCases {
            text += try section(given.rawValue, WhenCommand.allCases) { when in
                var it = try given.scenario()
                it.clock.advance(seconds: 3_600)
                let command = when.command(in: it)
                let then = outcome { () throws(Rejection) in try it.when(command) }
                return (when.rawValue, then, it.state.status.rawValue)
            }
        }
        text += "## Replicas\n\nThe service has a `setup`, and a load balancer that runs.\n\n"
        for given in GivenReplica.allCases {
            text += try section(given.rawValue, WhenReplica.allCases) { when in
                var it = try given.scenario()
                it.clock.advance(seconds: 3_600)
                let command = when.command(about: given.id, in: it)
                let then = outcome { () throws(Rejection) in try it.when(command) }
                return (when.rawValue, then, it.state.services[.api]?.replicas[given.id]?.status.rawValue ?? "gone")
            }
        }
        text += "## Load balancers\n\n"
        for given in GivenLoadBalancer.allCases {
            text += try section(given.rawValue, WhenLoadBalancer.allCases) { when in
                var it = try given.scenario()
                it.clock.advance(seconds: 3_600)
                let command = when.command(in: it)
                let then = outcome { () throws(Rejection) in try it.when(command) }
                return (when.rawValue, then, phase(it.state.services[.api]?.loadBalancer?.phase))
            }
        }
        return text.trimmingCharacters(in: .newlines) + "\n"
    }

    private static func section<When>(
        _ title: String, _ whens: [When], _ row: (When) throws -> (when: String, then: String, status: String)
    ) throws -> String {
        let rows = try whens.map(row).filter { $0.then != "nothing" }
        guard !rows.isEmpty else { return "### \(title)\n\nNothing changes it.\n\n" }
        return "### \(title)\n\n| when | events | then it is |\n|---|---|---|\n"
            + rows.map { "| \($0.when) | \(inCode($0.then)) | \($0.status) |\n" }.joined() + "\n"
    }

    private static func inCode(_ then: String) -> String {
        then.hasPrefix("refused")
            ? "*\(then)*" : then.split(separator: " ").map { "`\($0)`" }.joined(separator: " ")
    }

    private static func phase(_ phase: LoadBalancerState.Phase?) -> String {
        switch phase {
        case nil: "gone"
        case .pending(nil): "pending"
        case .pending(_?): "backing off"
        case .running: "running"
        case .removing: "removing"
        }
    }
}

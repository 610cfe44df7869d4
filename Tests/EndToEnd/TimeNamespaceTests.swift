import Foundation
import Testing

/// Clocks that go on while nothing runs, and clocks that are not the machine's own.
@Suite struct TimeNamespaces {
    /// A boot clock that has gone on by a day, as while the machine slept: what is overdue stops at once.
    @Test(.enabled(if: Sandbox.hasTimeNamespaces))
    func aDeadlineThatPassedWhileTheMachineSlept() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            #expect(try await sandbox.dwell("autostop", "local", "--idle", "1h").exitCode == 0)
            try await sandbox.killEverything(named: ["dwell-"])
            let output = try await sandbox.shell("\(Sandbox.inATimeNamespace) '\(Sandbox.dwell)' status")
            #expect(output.exitCode == 0, "\(output)")
            try await eventually("it stops") { try await sandbox.status().controller().status == "STOPPED" }
            let lateness = try await sandbox.query("select lateness_seconds from idle_periods")
            #expect(try #require(lateness.first.flatMap(Double.init)) > 80_000, "\(lateness)")
        }
    }

    /// Its clocks are others, and the processes that are adopted are known by when they began.
    @Test(.enabled(if: Sandbox.hasTimeNamespaces))
    func aControllerInATimeNamespaceOfItsOwnAdoptsItsReplicas() async throws {
        try await Sandbox.run { sandbox in
            let url = try await sandbox.up()
            let before = sandbox.processes(named: "python")
            try await sandbox.killEverything(named: ["dwell-ctl", "dwell-keep"])
            let output = try await sandbox.shell(
                "\(Sandbox.inATimeNamespace) '\(Sandbox.dwell)' status")
            #expect(output.exitCode == 0, "\(output)")
            try await eventually("another process has taken over") {
                try await sandbox.count("events where type = 'controller.recovered'") > 0
            }
            #expect(await HTTP.get(url)?.status == 200)
            #expect(sandbox.processes(named: "python") == before)
            #expect(try await sandbox.count("events where type in ('replica.ended', 'load_balancer.ended')") == 0)
        }
    }
}

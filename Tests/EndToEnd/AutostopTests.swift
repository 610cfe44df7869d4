import Foundation
import Testing

@Suite struct AutostopEndToEnd {
    @Test func anIdleControllerStopsItselfAtItsDeadline() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.up()
            #expect(try await sandbox.dwell("autostop", "local", "--idle", "1s").exitCode == 0)
            #expect(try await sandbox.dwell("down", "hello").exitCode == 0)
            try await eventually("no process is left, and no command helped") { sandbox.processes().isEmpty }
            #expect(try await sandbox.query("select how from idle_periods") == ["stopped by deadline"])
            let lateness = try await sandbox.query("select lateness_seconds from idle_periods").first.flatMap {
                Double($0)
            }
            #expect(try #require(lateness) >= 0)
            #expect(try await sandbox.status().controller().status == "STOPPED")
        }
    }

    @Test func upWithinTheWindowCancelsTheStop() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.up()
            _ = try await sandbox.dwell("autostop", "local", "--idle", "3s")
            _ = try await sandbox.dwell("down", "hello")
            let url = try await sandbox.up()
            let deadline = try #require(
                try await sandbox.query("select strftime('%s', deadline) from idle_periods").first.flatMap {
                    Double($0)
                })
            try await eventually("the old deadline has passed") { Date().timeIntervalSince1970 > deadline + 1.5 }
            #expect(await HTTP.get(url)?.status == 200)
            #expect(try await sandbox.query("select how from idle_periods") == ["woken"])
            #expect(try await sandbox.count("audit_log where event = 'controller.started'") == 1)
        }
    }

    /// `tools/churn.sh` does a thousand.
    @Test func manyRoundsAreOneStart() async throws {
        try await Sandbox.run { sandbox in
            for _ in 0..<15 {
                _ = try await sandbox.up()
                #expect(try await sandbox.dwell("down", "hello").exitCode == 0)
            }
            #expect(try await sandbox.count("audit_log where event = 'controller.starting'") == 1)
            #expect(try await sandbox.count("audit_log where event = 'controller.recovered'") == 0)
            #expect(try await sandbox.count("idle_periods where how = 'woken'") == 14)
        }
    }

    @Test func upThatArrivesWhileItIsStoppingIsServed() async throws {
        try await Sandbox.run { sandbox in
            // A replica that takes its time to end keeps the controller stopping.
            try sandbox.writeService(name: "stubborn", more: "envs: {LINGER: 6}")
            #expect(try await sandbox.dwell("up", "stubborn.yaml").exitCode == 0)
            let stopping = try sandbox.start("stop", "local")
            try await eventually("it is stopping") { try await sandbox.status().controller().status == "STOPPING" }
            let url = try await sandbox.up()
            #expect(await HTTP.get(url)?.status == 200)
            _ = await stopping.output()
            #expect(try await sandbox.count("audit_log where event = 'controller.started'") == 2)
            try await eventually("what it had is served again as well") {
                try await sandbox.status().service("stubborn").status == "READY"
            }
        }
    }

    @Test(
        arguments: [
            (["-i", "10"], 600), (["--idle", "90s"], 90), (["--idle", "3w"], 1_814_400), (["--idle", "2h"], 7200),
            (["--cancel"], nil), (["10"], 600), (["-i", "90s"], 90), (["--idle", "false"], nil),
            (["{idle: 2h, wait_for: none}"], 7200), (["--profile", "dev"], 600),
        ] as [([String], Double?)])
    func aWindowIsSet(_ options: [String], _ seconds: Double?) async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            let output = try await sandbox.dwell(["autostop", "local"] + options)
            #expect(output.exitCode == 0, "\(output)")
            let controller = try await sandbox.status().controller()
            #expect(controller.autostopIdleSeconds == seconds)
            #expect(controller.autostopSource == "command line")
            #expect(controller.autostopInSeconds.map { abs($0 - (seconds ?? 0)) < 5 } == seconds.map { _ in true })
        }
    }

    /// SkyPilot's `sky start -i`.
    @Test func startTakesAWindow() async throws {
        try await Sandbox.run { sandbox in
            let started = try await sandbox.dwell("start", "local", "-i", "30", "--down")
            #expect(started.exitCode == 0, "\(started)")
            #expect(try await sandbox.status().controller().autostopIdleSeconds == 1800)
            #expect(try await sandbox.dwell("status").out.contains("30m (down)"))
            #expect(try await sandbox.dwell("start", "local", "--idle", "2h").exitCode == 0)
            #expect(try await sandbox.status().controller().autostopIdleSeconds == 7200)
        }
    }

    @Test func anIdleControllerUsesNoProcessorTime() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            let process = try await sandbox.controllerProcess()
            func ticks() throws -> Int {
                let stat = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
                let fields = try #require(stat.split(separator: ")").last).split(separator: " ")
                return try #require(Int(fields[11])) + #require(Int(fields[12]))
            }
            let before = try ticks()
            try await Task.sleep(for: .seconds(3))  // the thing measured: three idle seconds
            #expect(try ticks() - before <= 2, "clock ticks of 10 ms in 3 s")
        }
    }
}

import Foundation
import Testing

/// `min_start_interval`: starts keep their distance.
@Suite struct ChurnEndToEnd {
    private func configure(_ sandbox: Sandbox, _ interval: String) throws {
        try sandbox.configure("controllers: {local: {min_start_interval: \(interval)}}")
    }

    /// Held back, told of, through a crash of everything, and served when its time has come.
    @Test func anUpThatComesTooSoonIsHeldBackAndServed() async throws {
        try await Sandbox.run { sandbox in
            try configure(sandbox, "4s")
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            try sandbox.writeService()
            let up = try sandbox.start("up", "hello.yaml")
            try await eventually("it is held back") {
                try await sandbox.count("deadlines where kind = 'start'") == 1
            }
            #expect(sandbox.processes(named: "dwell-ctl").isEmpty, "nothing of it runs yet")
            let status = try await sandbox.dwell("status", "-v")
            #expect(
                status.out.contains("STARTING") && status.out.contains("controller local: its start is held back until")
            )
            #expect(
                status.out.contains("ago, min_start_interval 4 s")
                    && status.out.contains("min_start_interval 4s: controllers"))
            #expect(try await sandbox.dwell("explain", "local").out.contains("and held back: started"))
            for pid in sandbox.processes(named: "dwell-keep") { kill(pid, SIGKILL) }
            let output = await up.output()
            #expect(output.exitCode == 0, "\(output)")
            #expect(output.out.contains("controller local: its start is held back until"))
            let starts = try await sandbox.query(
                "select at_us from events where type in ('controller.starting', 'controller.start_due') order by position"
            )
            let times = starts.compactMap { Int64($0) }
            try #require(times.count == 3)
            #expect(times[2] - times[0] >= 4_000_000, "from one start to the next")
            #expect(try await sandbox.count("audit_log where what like '%held back: started%'") == 1)
        }
    }

    @Test func aHeldStartCanBeTakenBack() async throws {
        try await Sandbox.run { sandbox in
            try configure(sandbox, "1h")
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            let start = try sandbox.start("start", "local")
            try await eventually("it is held back") {
                try await sandbox.count("deadlines where kind = 'start'") == 1
            }
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            let output = await start.output()
            #expect(output.exitCode == 1 && output.err.contains(" was stopped by "), "\(output)")
            try await eventually("nothing is left") { sandbox.processes(named: "dwell").isEmpty }
            // Whoever does not ask for the distance any more does not wait for it.
            try sandbox.configure()
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
        }
    }

    @Test(arguments: [
        ("soon", "must be a time of a day at most, such as 60s, or 0 for none"),
        ("-1", "must be a time of a day at most"),
        ("2d", "must be a time of a day at most"),
    ])
    func whatMakesNoSenseIsRefused(_ value: String, _ says: String) async throws {
        try await Sandbox.run { sandbox in
            try configure(sandbox, value)
            let output = try await sandbox.dwell("start", "local")
            #expect(output.exitCode == 2 && output.errors.count == 1, "\(output)")
            #expect(output.err.contains("config.yaml:2: controllers.local.min_start_interval: \(says)"), "\(output)")
        }
    }
}

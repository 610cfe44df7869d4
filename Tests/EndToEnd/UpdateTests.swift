import Foundation
import Testing

/// A service gets new versions while it is asked all the time.
@Suite struct Updates {
    private func versionFile(_ greeting: String, run: String = "exec python3 server.py") -> String {
        """
        name: hello
        run: \(run)
        workdir: .
        envs: {GREETING: \(greeting)}
        service: {readiness_probe: /, replicas: 2}
        """
    }

    @Test(arguments: ["rolling", "blue_green"])
    func anUpdateLosesNoRequest(_ mode: String) async throws {
        try await Sandbox.run { sandbox in
            let url = try await sandbox.up(replicas: 2)
            try sandbox.write(versionFile("better"), to: "better.yaml")
            let load = Load(url, clients: 4)
            let update = try await sandbox.dwell("update", "hello", "better.yaml", "--mode", mode)
            #expect(update.exitCode == 0, "\(update)")
            // Routes follow a commit within milliseconds, and the command has returned at the commit.
            try await eventually("the new version answers") { await HTTP.get(url + "/greeting")?.body == "better" }
            try await eventually("the old replicas are gone") {
                try await sandbox.count("replicas where version = 1") == 0
            }
            let (good, failed) = await load.stop()
            #expect(good > 0)
            #expect(failed.isEmpty, "\(failed.prefix(3))")
            #expect(try await sandbox.query("select status, version, ready_replicas from services") == ["READY|2|2"])
        }
    }

    @Test func aBadVersionLeavesTheOldOneServing() async throws {
        try await Sandbox.run { sandbox in
            let url = try await sandbox.up()
            try sandbox.write(versionFile("worse", run: "echo cannot; exit 3"), to: "worse.yaml")
            let load = Load(url, clients: 2)
            let update = try await sandbox.dwell("update", "hello", "worse.yaml")
            #expect(update.exitCode == 1, "\(update)")
            #expect(update.err.contains("exited with code 3"), "\(update)")
            #expect(update.err.contains("version 1 goes on serving"), "\(update)")
            #expect(try await sandbox.dwell("status").out.contains("version 2 is not launched any more"))
            let rollback = try await sandbox.dwell("update", "hello", "--rollback")
            #expect(rollback.exitCode == 0, "\(rollback)")
            let (_, failed) = await load.stop()
            #expect(failed.isEmpty, "\(failed.prefix(3))")
            #expect(try await sandbox.query("select status, version from services") == ["READY|3"])
        }
    }

    /// It wants none until somebody asks, and could not serve them then.
    @Test func oneThatScalesToZeroAndCannotServeLeavesTheOldOneServing() async throws {
        try await Sandbox.run { sandbox in
            let url = try await sandbox.up(replicas: 2)
            try sandbox.write(
                """
                name: hello
                run: exit 3
                service: {readiness_probe: /, replica_policy: {min_replicas: 0, max_replicas: 3, target_qps_per_replica: 1}}
                """, to: "zero.yaml")
            let load = Load(url, clients: 2)
            let update = try await sandbox.dwell("update", "hello", "zero.yaml", "--mode", "blue_green")
            #expect(update.exitCode == 1 && update.err.contains("version 1 goes on serving"), "\(update)")
            let (_, failed) = await load.stop()
            #expect(failed.isEmpty, "\(failed.prefix(3))")
            #expect(
                try await sandbox.query("select status, ready_replicas, wanted_replicas from services") == ["READY|2|2"]
            )
        }
    }

    @Test func thereIsNothingToRollBackToAtFirst() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.up()
            let rollback = try await sandbox.dwell("update", "hello", "--rollback")
            #expect(rollback.exitCode == 1)
            #expect(rollback.err.contains("nothing to roll back to"), "\(rollback)")
            #expect(try await sandbox.dwell("update", "hello").exitCode == 2)
            #expect(try await sandbox.dwell("update", "other", "hello.yaml").err.contains("there is hello"))
        }
    }
}

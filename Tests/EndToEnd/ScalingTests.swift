import Foundation
import Testing

/// The number of replicas changes, by the load and by hand, with real replicas and requests.
@Suite struct Scaling {
    private func file(_ policy: String) -> String {
        """
        name: hello
        run: exec python3 server.py
        workdir: .
        service:
          readiness_probe: /
          replica_drain_delay: 2
          replica_policy: {\(policy), upscale_delay_seconds: 0, downscale_delay_seconds: 0}
        """
    }

    private func up(_ policy: String, _ sandbox: Sandbox) async throws -> (output: Output, url: String) {
        try sandbox.writeService()
        try sandbox.write(file(policy), to: "hello.yaml")
        let output = try await sandbox.dwell("up", "hello.yaml")
        try #require(output.exitCode == 0, "\(output)")
        return (output, try await sandbox.status().service("hello").endpoint)
    }

    /// Nothing runs until somebody asks, and whoever asks waits and is answered.
    @Test func theFirstRequestIsHeldUntilAReplicaIsThere() async throws {
        try await Sandbox.run { sandbox in
            let (output, url) = try await up("min_replicas: 0, max_replicas: 2, target_qps_per_replica: 1", sandbox)
            #expect(output.out.contains("up with no replica; the first request starts one"), "\(output)")
            #expect(sandbox.processes(named: "python3").isEmpty)
            let status = try await sandbox.dwell("status")
            #expect(status.out.contains("NO_REPLICA") && status.out.contains("0/0"), "\(status)")
            #expect(status.out.contains("no request yet; the next one starts a replica"), "\(status)")
            #expect(await HTTP.get(url)?.status == 200)
            #expect(
                try await sandbox.query("select what from audit_log where event = 'service.scaled'")
                    == ["scaled from 0 to 1: 1 request in 60 s"])
        }
    }

    /// Requests of before it went to zero bring nothing back, and the next one does.
    @Test func whatNobodyAsksForStaysAtZero() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.writeService()
            try sandbox.write(
                file("min_replicas: 0, max_replicas: 1, target_qps_per_replica: 10") + "\n  idle_down: 1s\n",
                to: "hello.yaml")
            #expect(try await sandbox.dwell("up", "hello.yaml").exitCode == 0)
            let url = try await sandbox.status().service("hello").endpoint
            func scaled() async throws -> [String] {
                try await sandbox.query("select what from audit_log where event = 'service.scaled'")
            }
            for round in 1...2 {
                #expect(await HTTP.get(url)?.status == 200)
                // One that is still there may answer the next request, which needs no other then.
                try await eventually("it has gone") {
                    guard try await sandbox.count("replicas") == 0 else { return false }
                    return try await scaled().count == 2 * round
                }
            }
            let last = Date()
            // It is looked at each second; what would come comes by the second look.
            try await eventually("some looks have been taken") { Date().timeIntervalSince(last) > 3 }
            let changes = try await scaled()
            #expect(
                changes.count == 4 && changes.allSatisfy { $0.contains("from 0 to 1") || $0.contains("from 1 to 0") })
        }
    }

    /// It worked once and does not any more: whoever asks is told so, and does not wait for what does not come.
    @Test func whoAsksAServiceThatCrashesOverAndOverIsToldSo() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(
                """
                name: hello
                run: |
                  [ -e "\(sandbox.folder)/broken" ] && exit 7
                  exec python3 -m http.server $PORT --bind 127.0.0.1
                service: {readiness_probe: /, replicas: 1}
                """, to: "hello.yaml")
            #expect(try await sandbox.dwell("up", "hello.yaml").exitCode == 0)
            let url = try await sandbox.status().service("hello").endpoint
            try sandbox.write("", to: "broken")
            for pid in sandbox.processes(named: "python3") { kill(pid, SIGKILL) }
            try await eventually("three have failed") {
                try await sandbox.count("events where type = 'replica.failed'") >= 3
            }
            try await eventually("who asks is told at once") {
                guard let answer = await HTTP.get(url) else { return false }
                return answer.status == 503 && answer.body.contains("failed in a row")
            }
            let status = try await sandbox.dwell("status")
            #expect(status.out.contains("failed in a row, the last: `run` exited with code 7"), "\(status)")
        }
    }

    @Test func theLoadAddsReplicas() async throws {
        try await Sandbox.run { sandbox in
            let (_, url) = try await up("min_replicas: 1, max_replicas: 3, target_qps_per_replica: 0.5", sandbox)
            let load = Load(url, clients: 2)
            try await eventually("three replicas are ready") {
                try await sandbox.query("select ready_replicas, wanted_replicas from services") == ["3|3"]
            }
            let (good, failed) = await load.stop()
            #expect(good > 0 && failed.isEmpty, "\(failed.prefix(3))")
            #expect(try await sandbox.dwell("status").out.contains("3/3"))
        }
    }

    @Test func oneReplicaIsTakenAwayByHand() async throws {
        try await Sandbox.run { sandbox in
            let url = try await sandbox.up(replicas: 2)
            let load = Load(url, clients: 2)
            let down = try await sandbox.dwell("down", "hello", "--replica-id", "1")
            #expect(down.exitCode == 0 && down.out.contains("another takes its place"), "\(down)")
            try await eventually("two are ready again") {
                try await sandbox.query("select id from replicas where status = 'READY' order by id") == ["2", "3"]
            }
            let (_, failed) = await load.stop()
            #expect(failed.isEmpty, "\(failed.prefix(3))")
            let wrong = try await sandbox.dwell("down", "hello", "--replica-id", "9")
            #expect(wrong.exitCode == 1 && wrong.err.contains("has no replica 9; it has 2, 3"), "\(wrong)")
            #expect(try await sandbox.dwell("down", "--all", "--replica-id", "1").exitCode == 2)
        }
    }

    @Test func patternsTakeDownWhatTheyMatch() async throws {
        try await Sandbox.run { sandbox in
            for name in ["web-a", "web-b", "api"] { _ = try await sandbox.up(name: name) }
            let none = try await sandbox.dwell("down", "x-*")
            #expect(none.exitCode == 1)
            #expect(none.err.contains("no service matches x-*; there is api, web-a, web-b"), "\(none)")
            let down = try await sandbox.dwell("down", "web-*", "-y")
            #expect(down.exitCode == 0, "\(down)")
            #expect(try await sandbox.query("select name from services") == ["api"])
        }
    }
}

import Foundation
import Testing

/// What people of SkyServe type.
@Suite struct SkyServeWords {
    @Test func theirFlagsAreUnderstood() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.writeService(replicas: 1)
            #expect(try await sandbox.dwell("up", "hello.yaml").exitCode == 0)
            let endpoint = try await sandbox.dwell("status", "hello", "--endpoint")
            let url = try #require(try await sandbox.query("select host || ':' || port from services").first)
            #expect(endpoint.exitCode == 0 && endpoint.out == "http://\(url)\n", "nothing else is printed: \(endpoint)")
            #expect(try await sandbox.dwell("status", "local", "--endpoint").exitCode == 1)
            #expect(try await sandbox.dwell("status", "--endpoint").exitCode == 2)
            let logs = try await sandbox.dwell("logs", "hello", "--no-follow")
            #expect(logs.exitCode == 0, "\(logs)")
            #expect(try await sandbox.dwell("logs", "hello", "-f", "--no-follow").exitCode == 2)
            let update = try await sandbox.dwell("update", "hello", "hello.yaml", "-y")
            #expect(update.exitCode == 0, "\(update)")
            let down = try await sandbox.dwell("down", "-a", "-y")
            #expect(down.exitCode == 0 && down.out.contains("Service hello"), "\(down)")
            #expect(try await sandbox.dwell("stop", "local", "-y").exitCode == 0)
            #expect(try await sandbox.dwell("terminate", "local", "-y").exitCode == 0)
        }
    }

    /// Files written for several machines run on one as they would there with `num_nodes: 1`.
    @Test func theirVariablesAreSet() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(Files.server, to: "server.py")
            let tell = "env | grep ^SKYPILOT_ | sort"
            try sandbox.write(
                """
                workdir: .
                envs: {SKYPILOT_NODE_RANK: "7", SKYPILOT_TASK_ID: mine}
                resources: {accelerators: {L4: 2}}
                setup: \(tell)
                run: \(tell); exec python3 server.py
                service: {readiness_probe: /}
                """, to: "hello.yaml")
            let up = try await sandbox.dwell("up", "hello.yaml")
            try #require(up.exitCode == 0, "\(up)")
            let said = try await sandbox.dwell("logs", "hello", "1").out
            let expected = """
                SKYPILOT_NODE_IPS=127.0.0.1
                SKYPILOT_NODE_RANK=0
                SKYPILOT_NUM_GPUS_PER_NODE=2
                SKYPILOT_NUM_NODES=1
                SKYPILOT_SERVE_REPLICA_ID=1
                SKYPILOT_SETUP_NODE_IPS=127.0.0.1
                SKYPILOT_SETUP_NODE_RANK=0
                SKYPILOT_SETUP_NUM_GPUS_PER_NODE=2
                SKYPILOT_TASK_ID=mine

                """
            #expect(said.hasPrefix(expected + expected), "\(said)")
        }
    }

    /// What is left to the background is not the replica's `run`, and goes with it: the reason says what to do.
    @Test func aRunThatLeavesItsServerToTheBackgroundIsToldSo() async throws {
        try await Sandbox.run { sandbox in
            // One that does not answer: where it is asked before its `run` is seen to have ended, it would be READY first.
            try sandbox.write("open('begun', 'w'); import time; time.sleep(3600)", to: "server.py")
            try sandbox.write(
                """
                workdir: .
                run: setsid nohup python3 server.py & until [ -e begun ]; do :; done
                service: {readiness_probe: /, replicas: 1}
                """, to: "hello.yaml")
            let up = try await sandbox.dwell("up", "hello.yaml")
            #expect(up.err.contains("`run` exited with code 0: a replica lives as long as its `run`"), "\(up)")
            try await eventually("nothing of it is left") { sandbox.processes(named: "python3").isEmpty }
        }
    }

    @Test func atATerminalItAsksFirst() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            // util-linux's, which gives it a terminal.
            guard try await sandbox.shell("command -v script").exitCode == 0 else { return }
            let no = try await sandbox.shell("echo n | script -qec \"$DWELL stop local\" /dev/null")
            #expect(no.out.contains("Stop controller local?"), "\(no)")
            #expect(try await sandbox.status().controller().status != "STOPPED")
        }
    }
}

import Foundation
import Testing

@Suite struct UpAndDown {
    @Test func stopControllerStopsOneThatHasNoServiceToo() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            let down = try await sandbox.dwell("down", "--all", "--stop-controller")
            #expect(down.exitCode == 0 && down.out.contains("No services"), "\(down)")
            #expect(try await sandbox.status().controller().status == "STOPPED")
        }
    }

    @Test func aServiceIsServedUntilItIsTakenDown() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.writeService(replicas: 2)
            let up = try await sandbox.dwell("up", "hello.yaml")
            #expect(up.exitCode == 0, "\(up)")
            #expect(up.out.contains("Service hello is READY"))
            #expect(up.out.contains("controller start"), "it says how long each step took")
            let url =
                try "http://" + #require(try await sandbox.query("select host || ':' || port from services").first)
            #expect(up.out.contains(url), "it prints the endpoint")

            try await eventually("both replicas answer") {
                var answers: Set<String> = []
                for _ in 0..<10 { answers.insert(await HTTP.get(url)?.body ?? "") }
                return answers == ["1", "2"]
            }
            let report = "home/run/local/hello/traffic.json"
            try await eventually("what has been seen of traffic is written down") {
                let text = try await sandbox.shell("cat \(report)").out
                return text.contains(#""inFlight":0,"#) && !text.contains(#""totalRequests":0"#)
            }
            let down = try await sandbox.dwell("down", "hello")
            #expect(down.exitCode == 0, "\(down)")
            #expect(try await sandbox.shell("ls -A home/run/local; true").out == "", "nor is a file of it left")
            #expect(await HTTP.get(url) == nil, "the load balancer is gone when it returns")
            #expect(sandbox.processes(named: "dwell-lb").isEmpty)
            #expect(sandbox.processes(named: "python").isEmpty, "and so are the replicas")
            #expect(down.out.contains("stops at"), "it says when the controller will stop: \(down.out)")
            #expect(down.out.contains("dwell stop local"), "and how to stop it now")
            #expect(try await sandbox.status().controller().status == "IDLE")
        }
    }

    @Test func theCommandReturnsAlthoughDaemonsGoOn() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.writeService()
            let text = try await sandbox.shell(#"endpoint=$("$DWELL" up hello.yaml | tail -n 1); echo "got $endpoint""#)
            #expect(text.out.contains("got "))
        }
    }

    @Test func setupRunsFirstInTheWorkdirWithTheEnvironment() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(Files.server, to: "server.py")
            try sandbox.write(
                """
                workdir: .
                envs: {GREETING: from the file, NEEDED: null}
                setup: |
                  echo "setup of $DWELL_REPLICA_ID/$SKYPILOT_SERVE_REPLICA_ID" > setup-ran
                run: |
                  test "$(cat setup-ran)" = "setup of 1/1" || exit 9
                  echo "$GREETING $NEEDED" > run-saw
                  exec python3 server.py
                service: {readiness_probe: /}
                """, to: "my_service.yaml")
            let missing = try await sandbox.dwell("up", "my_service.yaml")
            #expect(missing.exitCode == 2)
            #expect(
                missing.errors == [
                    #"dwell: my_service.yaml:2: envs.NEEDED: has no value; give it with --env NEEDED=VALUE, or write NEEDED: "" for an empty one"#
                ])

            let up = try await sandbox.dwell(
                "up", "my_service.yaml", "--env", "NEEDED=a b", "--env", "GREETING",
                environment: ["GREETING": "from here"])
            #expect(up.exitCode == 0, "\(up)")
            #expect(try await sandbox.shell("cat home/sources/local/*/run-saw").out == "from here a b\n")
            let url =
                try "http://" + #require(
                    try await sandbox.query("select host || ':' || port from services where name = 'my-service'").first)
            #expect(await HTTP.get(url + "/greeting")?.body == "from here")
        }
    }

    /// `up` returns with the first replica that is ready; the others are being probed when `down` comes.
    @Test func downIsNotHeldUpByProbesThatAreUnderWay() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(
                """
                import os, socket
                server = socket.create_server(("127.0.0.1", int(os.environ["PORT"])), backlog=128)
                while True:
                    client, _ = server.accept()
                    client.recv(4096)
                    client.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
                    client.close()
                """, to: "quick.py")
            try sandbox.write(
                "name: many\nworkdir: .\nrun: exec python3 -I -S quick.py\nservice: {replicas: 16}\n", to: "many.yaml")
            for _ in 0..<4 {
                #expect(try await sandbox.dwell("up", "many.yaml").exitCode == 0)
                let down = try sandbox.start("down", "many")
                try await eventually("down returns") { down.hasEnded }
                #expect(await down.output().exitCode == 0)
                #expect(sandbox.processes(named: "python").isEmpty)
            }
        }
    }

    @Test func detachReturnsBeforeItIsReady() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.writeService()
            let up = try await sandbox.dwell("up", "hello.yaml", "--detach", "-n", "other")
            #expect(up.exitCode == 0, "\(up)")
            try await eventually("it is READY") { try await sandbox.status().service("other").status == "READY" }
        }
    }

    @Test func aReplicaThatDiesIsReplaced() async throws {
        try await Sandbox.run { sandbox in
            let url = try await sandbox.up()
            let process = try #require(sandbox.processes(named: "python").first)
            kill(process, SIGKILL)
            try await eventually("another serves") {
                let others = sandbox.processes(named: "python").filter { $0 != process }
                guard !others.isEmpty else { return false }
                return await HTTP.get(url)?.status == 200
            }
            #expect(try await sandbox.count("audit_log where event = 'replica.ended'") == 1)
        }
    }

    @Test func controllersLiveSideBySideEachWithItsPolicy() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.configure(
                """
                serve: {controller: {autostop: 2h}}
                controllers:
                  prod: {autostop: false}
                  batch: {autostop: {idle_minutes: 0}}
                """)
            for controller in ["dev", "prod", "batch"] {
                _ = try await sandbox.up(name: "on-\(controller)", "--controller", controller)
            }
            let status = try await sandbox.status()
            #expect(try status.controller("dev").autostopIdleSeconds == 7200)
            #expect(try status.controller("dev").autostopSource == "serve.controller")
            #expect(try status.controller("prod").autostopIdleSeconds == nil)
            #expect(try status.controller("batch").autostopIdleSeconds == 0)
            #expect(try status.controller("batch").autostopSource == "controllers")
            let down = try await sandbox.dwell("down", "--all")
            #expect(down.exitCode == 0, "\(down)")
            try await eventually("batch stops at once, the others stay") {
                let status = try await sandbox.status()
                return try status.controller("batch").status == "STOPPED" && status.controller("dev").status == "IDLE"
                    && status.controller("prod").status == "IDLE"
            }
        }
    }

    @Test func downOfAllAlsoStopsTheControllerWhenAsked() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.up(name: "one")
            _ = try await sandbox.up(name: "two")
            let refused = try await sandbox.dwell("down", "one", "--stop-controller")
            #expect(refused.exitCode == 1)
            #expect(refused.err.contains("two"))
            let down = try await sandbox.dwell("down", "--all", "--stop-controller")
            #expect(down.exitCode == 0, "\(down)")
            #expect(try await sandbox.status().controller().status == "STOPPED")
            try await eventually("no process is left") { sandbox.processes().isEmpty }
        }
    }

    @Test func theEndpointStaysAcrossStopAndStart() async throws {
        try await Sandbox.run { sandbox in
            let url = try await sandbox.up()
            let stop = try await sandbox.dwell("stop", "local")
            #expect(stop.exitCode == 0, "\(stop)")
            try await eventually("no process is left") { sandbox.processes().isEmpty }
            #expect(try await sandbox.status().service("hello").status == "NO_REPLICA")
            let start = try await sandbox.dwell("start", "local")
            #expect(start.exitCode == 0, "\(start)")
            try await eventually("it is served again where it was") { await HTTP.get(url)?.status == 200 }
        }
    }

    @Test func terminateRefusesWhileServicesLiveUnlessForced() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.up()
            let refused = try await sandbox.dwell("terminate", "local")
            #expect(refused.exitCode == 1)
            #expect(refused.errors.count == 1 && refused.err.contains("hello") && refused.err.contains("--force"))
            let forced = try await sandbox.dwell("terminate", "local", "--force")
            #expect(forced.exitCode == 0, "\(forced)")
            try await eventually("no process is left") { sandbox.processes().isEmpty }
            #expect(try await sandbox.status().controllers.isEmpty)
            // The name begins a new life.
            _ = try await sandbox.up()
            #expect(try await sandbox.query("select incarnation from controllers where name = 'local'") == ["2"])
        }
    }
}

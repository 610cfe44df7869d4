import Foundation
import Testing

/// Service files whose `run` binds a fixed port of every address, as those of SkyPilot do.
@Suite(.enabled(if: hasHeldCalls, "seccomp notifications are needed"))
struct FixedPorts {
    /// Answers with its replica's id; `/PORT` with what a client in the replica gets from there on localhost. It listens
    /// on a second port as well, as servers of several parts do.
    private static let server = """
        import http.server, os, sys, threading, urllib.request
        port = int(sys.argv[1])
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def do_GET(self):
                body = os.environ["SKYPILOT_SERVE_REPLICA_ID"]
                if len(self.path) > 1:
                    try: body = "heard " + urllib.request.urlopen(f"http://localhost:{self.path[1:]}/").read().decode()
                    except Exception as error: body = repr(error)
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())
            def log_message(self, *args): pass
        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 1024
        part = Server(("127.0.0.1", port + 1), Handler)
        threading.Thread(target=part.serve_forever, daemon=True).start()
        Server(("0.0.0.0", port), Handler).serve_forever()
        """

    private func write(_ sandbox: Sandbox, port: Int = 8080, replicas: Int = 2, greeting: String = "") throws {
        try sandbox.write(Self.server, to: "fixed.py")
        try sandbox.write(
            """
            name: hello
            workdir: .
            resources: {ports: \(port)}
            envs: {GREETING: "\(greeting)"}
            run: python3 fixed.py \(port)
            service: {readiness_probe: /, replicas: \(replicas)}
            """, to: "hello.yaml")
    }

    private func up(_ sandbox: Sandbox) async throws -> String {
        let output = try await sandbox.dwell("up", "hello.yaml")
        try #require(output.exitCode == 0, "\(output)")
        #expect(!output.err.contains("$PORT"), "\(output)")
        try await eventually("all are ready") {
            try await sandbox.status().replicas.allSatisfy { $0.status == "READY" }
        }
        return try "http://" + #require(await sandbox.query("select host || ':' || port from services").first)
    }

    @Test func twoReplicasHaveTheSamePortAndEachHearsItself() async throws {
        try await Sandbox.run { sandbox in
            try write(sandbox)
            let url = try await up(sandbox)
            let replicas = try await sandbox.status().replicas
            let endpoints = replicas.compactMap(\.endpoint)
            #expect(
                Set(endpoints).count == 2
                    && endpoints.allSatisfy { $0.hasPrefix("http://127.") && $0.hasSuffix(":8080") })
            for replica in replicas {
                let own = try #require(replica.endpoint)
                #expect(await HTTP.get(own)?.body == "\(replica.id)")
                #expect(await HTTP.get(own + "/8080")?.body == "heard \(replica.id)", "its port, at localhost")
                #expect(await HTTP.get(own + "/8081")?.body == "heard \(replica.id)", "and that of its other part")
                let port = url.split(separator: ":").last ?? ""
                #expect(await HTTP.get(own + "/\(port)")?.body.hasPrefix("heard ") == true, "what else is there, too")
            }
            #expect(try await sandbox.shell("ss -ltnH | grep -c '0.0.0.0:808[01] '; true").out == "0\n")
            #expect(try await sandbox.dwell("down", "hello").exitCode == 0)
            #expect(sandbox.processes(named: "python").isEmpty && sandbox.processes(named: "dwell-replica").isEmpty)
            let left = try await sandbox.shell(
                "ss -ltnH | grep -E '\(endpoints.map { $0.dropFirst(7) }.joined(separator: "|"))'; true"
            ).out
            #expect(left == "", "nothing listens there any more")
        }
    }

    @Test func anUpdateUnderLoadLosesNoRequest() async throws {
        try await Sandbox.run { sandbox in
            try write(sandbox)
            let url = try await up(sandbox)
            try write(sandbox, greeting: "better")
            let load = Load(url, clients: 4)
            #expect(try await sandbox.dwell("update", "hello", "hello.yaml").exitCode == 0)
            try await eventually("the old replicas are gone") {
                try await sandbox.query("select status, version from replicas") == ["READY|2", "READY|2"]
            }
            let (good, failed) = await load.stop()
            #expect(good > 0)
            #expect(failed.isEmpty, "\(failed.prefix(3))")
        }
    }

    @Test func whatCrashesLeavesThemServingAndDownLeavesNothing() async throws {
        try await Sandbox.run { sandbox in
            try write(sandbox)
            let url = try await up(sandbox)
            let replicas = sandbox.processes(named: "python")
            let endpoints = try await sandbox.query("select endpoint from replicas order by id")
            #expect(replicas.count == 2)
            try await sandbox.killEverything(named: ["dwell-ctl", "dwell-keep"])
            #expect(await HTTP.get(url)?.status == 200)
            #expect(try await sandbox.dwell("status").exitCode == 0)
            try await eventually("it is taken over") {
                try await sandbox.count("audit_log where event = 'controller.recovered'") > 0
            }
            #expect(Set(sandbox.processes(named: "python")) == Set(replicas), "adopted, where they were")
            #expect(try await sandbox.query("select endpoint from replicas order by id") == endpoints)
            #expect(try await sandbox.dwell("down", "hello").exitCode == 0)
            #expect(sandbox.processes(named: "python").isEmpty && sandbox.processes(named: "dwell-replica").isEmpty)
        }
    }

    @Test func withoutItsKeeperAReplicaEndsAndIsReplaced() async throws {
        try await Sandbox.run { sandbox in
            try write(sandbox)
            _ = try await up(sandbox)
            let before = Set(sandbox.processes(named: "python"))
            let keeper = try #require(sandbox.processes(named: "dwell-replica").first)
            kill(keeper, SIGKILL)
            try await eventually("another has taken its place") {
                let now = Set(sandbox.processes(named: "python"))
                let ready = try await sandbox.status().service("hello").readyReplicas
                return ready == 2 && now.count == 2 && now != before
            }
            #expect(try await sandbox.count("events where type = 'replica.ended'") == 1)
        }
    }

    @Test func aPortThatAnotherProgramHasIsServedAllTheSame() async throws {
        try await Sandbox.run { sandbox in
            let port = 18_000 + Int.random(in: 0..<900)
            let other = try sandbox.startShell("exec python3 -m http.server \(port) > /dev/null 2>&1")
            try await eventually("it listens") { await HTTP.get("http://127.0.0.1:\(port)")?.status == 200 }
            try write(sandbox, port: port)
            _ = try await up(sandbox)
            for replica in try await sandbox.status().replicas {
                let own = try #require(replica.endpoint)
                #expect(!own.hasSuffix(":\(port)"))
                #expect(await HTTP.get(own + "/\(port)")?.body == "heard \(replica.id)", "itself, not the other")
            }
            kill(other.pid, SIGKILL)
        }
    }
}

/// Whether the kernel has what it takes (since Linux 5.6).
private let hasHeldCalls: Bool = {
    var name = utsname()
    uname(&name)
    let release = withUnsafeBytes(of: &name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    let parts = release.split(separator: ".").prefix(2).compactMap { Int($0.prefix { $0.isNumber }) }
    return parts.count == 2 && (parts[0], parts[1]) >= (5, 6)
}()

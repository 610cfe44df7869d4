import Foundation
import Testing

/// `notify` of `config.yaml`: a real receiver that is down, fails, and comes back.
@Suite struct NotifyEndToEnd {
    /// Answers posts with the code in `mode`, and writes down code, type, position and a header of each. The code 0 kills
    /// the process that tells, and answers 200: it has been told, and nobody knows.
    private static let receiver = """
        import http.server, json, os, signal, subprocess, sys
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                code = int(open("mode").read())
                good = event["specversion"] == "1.0" and self.headers["Content-Type"].startswith("application/cloudevents+json")
                with open("got", "a") as file:
                    file.write(f"{code} {event['type']} {event['id']} {good} {self.headers['Authorization']}\\n")
                if code == 0:
                    open("mode", "w").write("200")
                    for pid in filter(str.isdigit, os.listdir("/proc")):
                        try:
                            mark = ("DWELL_HOME=" + os.environ["DWELL_HOME"]).encode()
                            if open(f"/proc/{pid}/comm").read() == "dwell-notify\\n" and mark in open(f"/proc/{pid}/environ", "rb").read().split(b"\\0"):
                                os.kill(int(pid), signal.SIGKILL)
                        except OSError: pass
                self.send_response(code or 200)
                self.send_header("Content-Length", "0")
                self.end_headers()
            def log_message(self, *args): pass
        server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
        if len(sys.argv) > 2:
            import ssl
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(sys.argv[2] + ".crt", sys.argv[2] + ".key")
            server.socket = context.wrap_socket(server.socket, server_side=True)
        open("port", "w").write(str(server.server_port))
        server.serve_forever()
        """

    /// A line of what the receiver got.
    private struct Got {
        var code: String
        var type: String
        var position: Int
        var isCloudEvent: Bool
        var authorization: String
    }

    private func got(_ sandbox: Sandbox) -> [Got] {
        let text = (try? String(contentsOfFile: sandbox.folder + "/got", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map { line in
            let words = line.split(separator: " ", maxSplits: 4).map(String.init)
            return Got(
                code: words[0], type: words[1], position: Int(words[2]) ?? 0, isCloudEvent: words[3] == "True",
                authorization: words[4])
        }
    }

    private func answer(_ code: Int, _ sandbox: Sandbox) throws { try sandbox.write(String(code), to: "mode") }

    /// A receiver that is gone holds on to a process that has something to tell it; in the end there is none.
    private func run(_ body: (Sandbox) async throws -> Void) async throws {
        try await Sandbox.run { sandbox in
            defer { try? sandbox.configure() }
            try await body(sandbox)
        }
    }

    private func startReceiver(_ sandbox: Sandbox, port: Int = 0, certificate: String = "") async throws -> (
        Running, port: Int
    ) {
        try sandbox.write(Self.receiver, to: "receiver.py")
        try? FileManager.default.removeItem(atPath: sandbox.folder + "/port")
        let running = try sandbox.startShell("exec python3 receiver.py \(port) \(certificate)")
        var found: Int?
        try await eventually("the receiver listens") {
            found = (try? String(contentsOfFile: sandbox.folder + "/port", encoding: .utf8)).flatMap { Int($0) }
            return found != nil
        }
        return (running, try #require(found))
    }

    private func configure(_ sandbox: Sandbox, port: Int, _ more: String = "") throws {
        try sandbox.configure(
            """
            notify:
              - name: pager
                url: http://127.0.0.1:\(port)/hook/s3cret
                headers: {Authorization: Bearer t0ken}
                on: "controller.*"
            \(more)
            """)
    }

    private func log(_ sandbox: Sandbox) async throws -> [Int] {
        try await sandbox.query("select position from events where type like 'controller.%' order by position")
            .compactMap { Int($0) }
    }

    @Test func aReceiverIsToldByHTTPSIfItsCertificateIsTrusted() async throws {
        try await run { sandbox in
            try await sandbox.makeCertificate("vouched")
            try answer(200, sandbox)
            let (running, port) = try await startReceiver(sandbox, certificate: "vouched")
            try sandbox.configure(
                "notify: [{name: pager, url: \"https://127.0.0.1:\(port)/hook\", on: \"controller.*\"}]")
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            try await eventually("nobody vouches for it") {
                try await sandbox.count("notice_receivers where error = 'its certificate or TLS is not accepted'") == 1
            }
            #expect(got(sandbox).isEmpty, "it was told nothing")
            // Whoever tells has the trust of whoever starts it.
            try await sandbox.killEverything(named: ["dwell-notify", "dwell-keep", "dwell-ctl"])
            let trust = ["SSL_CERT_FILE": sandbox.folder + "/vouched.crt"]
            #expect(try await sandbox.dwell(["notify", "pager", "--retry"], environment: trust).exitCode == 0)
            try await eventually("it is told") { got(sandbox).contains { $0.type == "dwell.controller.started" } }
            #expect(got(sandbox).allSatisfy { $0.code == "200" && $0.isCloudEvent })
            running.end()
            _ = await running.output()
        }
    }

    /// Down, then failing, then up: nothing is lost, nothing is out of order, and nothing waited for it.
    @Test func aReceiverThatComesBackIsToldOfEverythingInOrder() async throws {
        try await run { sandbox in
            try answer(500, sandbox)
            let (first, port) = try await startReceiver(sandbox)
            first.end()
            _ = await first.output()
            try configure(sandbox, port: port)
            let begun = ContinuousClock.now
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            #expect(ContinuousClock.now - begun < .seconds(8), "no step waits for a receiver")
            try await eventually("it is tried") {
                try await sandbox.count("notice_receivers where error = 'connection refused'") == 1
            }
            #expect(sandbox.processes(named: "dwell-notify").count == 1, "it outlives the controller")
            #expect(sandbox.processes(named: "dwell-ctl").isEmpty)
            let late = try await sandbox.dwell("status")
            #expect(late.out.contains("receiver pager: ") && late.out.contains("connection refused"))

            let (receiver, _) = try await startReceiver(sandbox, port: port)
            defer { receiver.end() }
            try await eventually("it answers 500") { got(sandbox).contains { $0.code == "500" } }
            let positions = try await log(sandbox)
            #expect(Set(got(sandbox).map(\.position)) == [positions[0]], "not the next before this one is taken")
            let doctor = try await sandbox.dwell("doctor")
            #expect(doctor.exitCode == 1 && doctor.out.contains("WRONG  receiver pager"))
            #expect(try await sandbox.dwell("explain", "local").out.contains("receiver pager"))

            try answer(200, sandbox)
            #expect(try await sandbox.dwell("notify", "pager", "--retry").exitCode == 0)
            try await eventually("it is told of everything") {
                got(sandbox).filter { $0.code == "200" }.count == positions.count
            }
            #expect(got(sandbox).filter { $0.code == "200" }.map(\.position) == positions)
            #expect(got(sandbox).allSatisfy { $0.isCloudEvent && $0.authorization == "Bearer t0ken" })
            #expect(got(sandbox).last?.type == "dwell.controller.stopped")
            try await eventually("nothing is left to tell, so nothing is left") {
                sandbox.processes(named: "dwell").isEmpty
            }
            let idle = try await sandbox.dwell("status", "-v")
            #expect(idle.out.contains("receiver pager: told of everything (\(positions.count) so far)"))

            for secret in ["s3cret", "t0ken"] {
                let found = try await sandbox.shell("grep -rl \(secret) home | grep -v 'config.*yaml'")
                #expect(found.out.isEmpty, "\(found)")
            }
        }
    }

    /// Killed after the receiver has taken an event and before that is written down: it is told again.
    @Test func whoIsKilledWhileTellingTellsAgain() async throws {
        try await run { sandbox in
            try answer(0, sandbox)
            let (receiver, port) = try await startReceiver(sandbox)
            defer { receiver.end() }
            try configure(sandbox, port: port)
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            // The controller's process starts another; no command helps.
            try await eventually("it is told again") { got(sandbox).count >= 4 }
            #expect(got(sandbox).prefix(2).map(\.code) == ["0", "200"])
            #expect(got(sandbox).prefix(2).map(\.position) == [1, 1])
            for _ in 0..<3 {
                try answer(0, sandbox)
                #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
                #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            }
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            let positions = try await log(sandbox)
            try await eventually("the last is told") {
                _ = try await sandbox.dwell("status")
                return got(sandbox).last?.position == positions.last
            }
            let told = got(sandbox).map(\.position)
            #expect(Set(told) == Set(positions), "at least once")
            #expect(told == told.sorted(), "in order, one that is told again beside itself")
            try await eventually("nothing is left") { sandbox.processes(named: "dwell").isEmpty }
        }
    }

    /// A receiver that does not take what it is told holds up itself alone, and what is passed over is passed over.
    @Test func oneThatIsStuckHoldsUpNobodyElse() async throws {
        try await run { sandbox in
            try answer(404, sandbox)
            let (receiver, port) = try await startReceiver(sandbox)
            defer { receiver.end() }
            try configure(
                sandbox, port: port,
                """
                  - name: file
                    command: 'jq=$(cat); echo "$DWELL_EVENT_TYPE $jq" >> "$DWELL_HOME/../told"; sleep 0.01'
                    on: [controller.stopped, controller.start*]
                  - {name: slow, command: sleep 60, timeout: 1s, on: controller.stopped}
                """)
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            func told() -> [String] {
                ((try? String(contentsOfFile: sandbox.folder + "/told", encoding: .utf8)) ?? "")
                    .split(separator: "\n").compactMap { $0.split(separator: " ").first.map(String.init) }
            }
            try await eventually("the other is told") {
                told() == ["controller.starting", "controller.started", "controller.stopped"]
            }
            try await eventually("the slow one is killed") {
                try await sandbox.count("notice_receivers where key = 'slow' and error like '%1.0 s and was killed'")
                    == 1
            }
            let positions = try await log(sandbox)
            #expect(Set(got(sandbox).map(\.position)) == [positions[0]])
            #expect(try await sandbox.dwell("notify", "pager", "--skip").out.contains("Passed over 1 event"))
            try await eventually("it is told of the next") { got(sandbox).last?.position == positions[1] }
            #expect(try await sandbox.dwell("notify", "nobody").exitCode == 1)
            for name in ["pager", "slow"] {
                #expect(try await sandbox.dwell("notify", name, "--skip-all").exitCode == 0)
            }
            try await eventually("nothing is left") { sandbox.processes(named: "dwell").isEmpty }
        }
    }

    /// A receiver is told of what happens after it was named, with no command between.
    @Test func aControllerThatStopsItselfIsTold() async throws {
        try await run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            try sandbox.configure(
                """
                notify: {command: 'cat >> "$DWELL_HOME/../told"', on: controller.*}
                serve: {controller: {autostop: {idle: 0.5s, down: true}}}
                """)
            #expect(try await sandbox.dwell("autostop", "local", "--idle", "1s", "--down").exitCode == 0)
            try await eventually("it is gone, and nothing is left") { sandbox.processes(named: "dwell").isEmpty }
            let told = try String(contentsOfFile: sandbox.folder + "/told", encoding: .utf8).split(separator: "\n")
            #expect(told.last?.contains("dwell.controller.terminated") == true)
            #expect(!told.contains { $0.contains("dwell.controller.started") }, "that was before")
        }
    }

    /// A file that cannot be read holds up nothing else, and is told of.
    @Test func aBrokenFileIsSaid() async throws {
        try await run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            try sandbox.configure("notify: [{url: x}]")
            let status = try await sandbox.dwell("status")
            #expect(status.exitCode == 0 && status.err.contains("nobody is told what happens (notify): "))
            let start = try await sandbox.dwell("start", "other")
            #expect(start.exitCode == 2 && start.errors.count == 1, "it is said once: \(start)")
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
        }
    }
}

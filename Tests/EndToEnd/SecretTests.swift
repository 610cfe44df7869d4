import Foundation
import Testing

/// Secrets reach the service and nothing else.
@Suite struct SecretTests {
    private static let value = "s3cret-of-a-service"

    /// Serves its secret, says it in its log, and is ready only for who knows it.
    private static let server = """
        import http.server, os
        token = os.environ.get("TOKEN", "")
        print("my token is", token, flush=True)
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                ok = self.path != "/health" or self.headers.get("Authorization") == "Bearer " + token
                self.send_response(200 if ok else 401)
                self.end_headers()
                self.wfile.write(token.encode())
            def log_message(self, *_): pass
        http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
        """

    private static let file = """
        secrets: {TOKEN: null}
        workdir: .
        run: exec python3 server.py
        service:
          readiness_probe: {path: /health, headers: {Authorization: "Bearer ${TOKEN}"}}
        """

    private func write(_ sandbox: Sandbox) throws {
        try sandbox.write(Self.server, to: "server.py")
        try sandbox.write(Self.file, to: "api.yaml")
    }

    private func secretFiles(_ sandbox: Sandbox) -> [String] {
        (try? FileManager.default.subpathsOfDirectory(atPath: sandbox.home + "/secrets").filter {
            $0.hasSuffix(".json")
        })
            ?? []
    }

    @Test func theyReachTheServiceAndAreForgottenWithIt() async throws {
        try await Sandbox.run { sandbox in
            try write(sandbox)
            let up = try await sandbox.dwell("up", "api.yaml", "--secret", "TOKEN", environment: ["TOKEN": Self.value])
            try #require(up.exitCode == 0, "\(up)")
            let endpoint = try #require(try await sandbox.status().services.first?.endpoint)
            #expect(try await sandbox.shell("curl -s \(endpoint)/").out == Self.value)

            let files = secretFiles(sandbox)
            #expect(files.count == 1)
            let attributes = try FileManager.default.attributesOfItem(
                atPath: sandbox.home + "/secrets/" + (files.first ?? ""))
            #expect(attributes[.posixPermissions] as? Int == 0o600)

            // Its log may say what it likes; the log of events may not. It is killed, and so tells its last lines.
            try await killReplica(sandbox)
            let told = try await sandbox.query("select payload from events where type = 'replica.ended'").first ?? ""
            #expect(told.contains("my token is [TOKEN]"), "\(told)")
            let visible = try await sandbox.shell(
                "\"$DWELL\" status; \"$DWELL\" status --json; \"$DWELL\" events --json; "
                    + "sqlite3 home/dwell.db .dump; strings -n 4 home/dwell.db home/dwell.db-wal")
            #expect(visible.out.contains("api") && !visible.out.contains(Self.value))
            #expect(!up.out.contains(Self.value) && !up.err.contains(Self.value))

            #expect(try await sandbox.dwell("down", "api").exitCode == 0)
            try await eventually("its secrets are gone") { secretFiles(sandbox).isEmpty }
        }
    }

    private func killReplica(_ sandbox: Sandbox) async throws {
        for pid in sandbox.processes(named: "python3") { kill(pid, SIGKILL) }
        try await eventually("its end is recorded") {
            try await sandbox.count("events where type = 'replica.ended'") > 0
        }
        try await eventually("it is replaced") {
            try await sandbox.status().replicas.contains { $0.id > 1 && $0.status == "READY" }
        }
    }

    @Test func theySurviveACrashOfTheControllerAndAStop() async throws {
        try await Sandbox.run { sandbox in
            try write(sandbox)
            try sandbox.write("TOKEN=\"\(Self.value)\" # its own\n", to: "secrets.env")
            let up = try await sandbox.dwell("up", "api.yaml", "--secret-file", "secrets.env")
            try #require(up.exitCode == 0, "\(up)")
            kill(try await sandbox.controllerProcess(), SIGKILL)
            try await killReplica(sandbox)
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            #expect(secretFiles(sandbox).count == 1, "the service comes back with the controller")
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            try await eventually("it serves again") {
                try await sandbox.status().services.first?.status == "READY"
            }
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            // Without a process nobody but the command itself can remove them.
            #expect(try await sandbox.dwell("down", "api").exitCode == 0)
            #expect(secretFiles(sandbox).isEmpty)
        }
    }

    @Test func anUpdateWithTheSameSecretsKeepsTheReplicas() async throws {
        try await Sandbox.run { sandbox in
            try write(sandbox)
            let plain = Self.file.replacing("workdir: .\n", with: "").replacing(
                "server.py", with: "\"$OLDPWD/server.py\"")
            let file = "envs: {OLDPWD: \"\(sandbox.folder)\"}\n" + plain
            try sandbox.write(file, to: "api.yaml")
            let up = try await sandbox.dwell("up", "api.yaml", "--secret", "TOKEN=\(Self.value)")
            try #require(up.exitCode == 0, "\(up)")
            try sandbox.write(file + "\n  replicas: 2\n", to: "api.yaml")
            let same = try await sandbox.dwell("update", "api", "api.yaml", "--secret", "TOKEN=\(Self.value)")
            try #require(same.exitCode == 0, "\(same)")
            #expect(try await sandbox.status().replicas.contains { $0.id == 1 && $0.status == "READY" })
            #expect(secretFiles(sandbox).count == 1)
            let other = try await sandbox.dwell("update", "api", "api.yaml", "--secret", "TOKEN=another-\(Self.value)")
            try #require(other.exitCode == 0, "\(other)")
            #expect(try await !sandbox.status().replicas.contains { $0.id <= 2 && $0.status == "READY" })
            let endpoint = try #require(try await sandbox.status().services.first?.endpoint)
            #expect(try await sandbox.shell("curl -s \(endpoint)/").out == "another-" + Self.value)
        }
    }

    @Test func aRefusedUpLeavesNoSecrets() async throws {
        try await Sandbox.run { sandbox in
            try write(sandbox)
            let first = try await sandbox.dwell("up", "api.yaml", "--secret", "TOKEN=\(Self.value)")
            try #require(first.exitCode == 0, "\(first)")
            let second = try await sandbox.dwell("up", "api.yaml", "--secret", "TOKEN=another-secret")
            #expect(second.exitCode == 1)
            #expect(secretFiles(sandbox).count == 1)
        }
    }

    @Test func aValueOnTheCommandLineIsWrittenOver() async throws {
        try await Sandbox.run { sandbox in
            try write(sandbox)
            try sandbox.write(Self.file.replacing("exec python3", with: "sleep 600; exec python3"), to: "slow.yaml")
            let up = try sandbox.start("up", "slow.yaml", "--secret", "TOKEN=\(Self.value)", "--secret=B=\(Self.value)")
            defer { kill(up.pid, SIGKILL) }
            var line = ""
            try await eventually("the values are gone from its command line") {
                let bytes = FileManager.default.contents(atPath: "/proc/\(up.pid)/cmdline") ?? Data()
                line = String(decoding: bytes, as: UTF8.self)
                return line.contains("TOKEN=***") && line.contains("B=***")
            }
            #expect(!line.contains(Self.value), "\(line)")
        }
    }
}

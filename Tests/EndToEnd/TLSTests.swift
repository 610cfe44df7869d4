import Foundation
import Testing

/// HTTPS as a user has it: files made with openssl, asked with curl.
@Suite struct EncryptedServices {
    private static let tls = "  tls: {keyfile: one.key, certfile: one.crt}"

    @Test func aServiceIsServedByHTTPS() async throws {
        try await Sandbox.run { sandbox in
            try await sandbox.makeCertificate("one")
            // The files lie in the workdir, which is copied but for this.
            try sandbox.write("*.key\n", to: ".skyignore")
            try sandbox.writeService(replicas: 2, more: Self.tls)
            let up = try await sandbox.dwell("up", "hello.yaml")
            #expect(up.exitCode == 0, "\(up)")
            let url = try await sandbox.status().service("hello").endpoint
            #expect(url.hasPrefix("https://127.0.0.1:"))
            #expect(up.out.contains("Service hello on controller local: \(url)\n"), "\(up)")
            #expect(try await sandbox.curl(url, "one.crt").exitCode == 0)
            let plain = try await sandbox.shell("curl -sS \(url.replacing("https:", with: "http:"))")
            #expect(plain.out == "HTTP was spoken where HTTPS is: use https://\n", "\(plain)")
            // Nothing of the key is anywhere in the home.
            let secret = try await sandbox.shell("grep -rlF \"$(sed -n 2p one.key)\" home; test $? = 1")
            #expect(secret.exitCode == 0, "\(secret)")
        }
    }

    @Test func anotherPairIsTakenWhileItServes() async throws {
        try await Sandbox.run { sandbox in
            for name in ["one", "two"] { try await sandbox.makeCertificate(name) }
            try sandbox.writeService(more: Self.tls)
            try #require(try await sandbox.dwell("up", "hello.yaml").exitCode == 0)
            let url = try await sandbox.status().service("hello").endpoint
            try await sandbox.shell("cp one.crt old.crt; cp two.crt new && mv new one.crt")
            try await eventually("the pair that does not fit is told") {
                try await sandbox.dwell("logs", "hello", "--load-balancer").out.contains(
                    "going on with the pair before it")
            }
            #expect(try await sandbox.curl(url, "old.crt").exitCode == 0)
            #expect(try await sandbox.dwell("doctor").out.contains("one.key is not the key of the certificate"))
            try await sandbox.shell("cp two.key new && mv new one.key")
            try await eventually("the new pair is used") { try await sandbox.curl(url, "two.crt").exitCode == 0 }
            #expect(try await sandbox.curl(url, "old.crt").exitCode == 60)
        }
    }

    /// Whoever dies, and however the service is stopped and started, it is HTTPS at the same port.
    @Test func itSurvivesCrashesAndStops() async throws {
        try await Sandbox.run { sandbox in
            try await sandbox.makeCertificate("one")
            try sandbox.writeService(more: Self.tls)
            try #require(try await sandbox.dwell("up", "hello.yaml").exitCode == 0)
            let url = try await sandbox.status().service("hello").endpoint
            for pid in sandbox.processes(named: "dwell-ctl") + sandbox.processes(named: "dwell-lb") {
                kill(pid, SIGKILL)
            }
            try await eventually("it serves again") { try await sandbox.curl(url, "one.crt").exitCode == 0 }
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            try await eventually("it serves after a stop") { try await sandbox.curl(url, "one.crt").exitCode == 0 }
            #expect(try await sandbox.status().service("hello").endpoint == url)
            // Without its key it turns everybody away rather than serve in the clear, until the key is there again.
            try await sandbox.shell("mv one.key away")
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            let start = try await sandbox.dwell("start", "local")
            #expect(start.exitCode == 0 && start.err.contains("nobody can connect to service hello until"), "\(start)")
            try await eventually("it is not ready") { try await sandbox.saysWhyNobodyConnects("one.key") }
            for scheme in ["http", "https"] {
                let refused = try await sandbox.shell("curl -skS \(url.replacing("https", with: scheme))/")
                #expect(refused.exitCode != 0, "\(refused)")
            }
            try await sandbox.shell("mv away one.key")
            try await eventually("it serves with its key") { try await sandbox.curl(url, "one.crt").exitCode == 0 }
            try await eventually("it says so") { try await sandbox.status().service("hello").status == "READY" }
        }
    }

    /// READY would be a lie: the replicas answer, and nobody can ask them.
    @Test func withoutItsCertificateItIsNotReady() async throws {
        try await Sandbox.run { sandbox in
            try await sandbox.makeCertificate("one")
            try sandbox.writeService(more: Self.tls)
            try #require(try await sandbox.dwell("up", "hello.yaml").exitCode == 0)
            let url = try await sandbox.status().service("hello").endpoint
            try await sandbox.shell("mv one.crt away")
            let balancer = try #require(sandbox.processes(named: "dwell-lb").first)
            #expect(try await sandbox.dwell("status").out.contains("goes on with the pair that it has read"))
            kill(balancer, SIGKILL)
            try await eventually("it is not ready") { try await sandbox.saysWhyNobodyConnects("one.crt") }
            #expect(sandbox.processes(named: "dwell-lb").isEmpty)
            try await sandbox.shell("mv away one.crt")
            try await eventually("it is ready by itself") {
                try await sandbox.status().service("hello").status == "READY"
            }
            #expect(try await sandbox.curl(url, "one.crt").exitCode == 0)
        }
    }

    @Test func anUpdateBringsItAndTakesItAway() async throws {
        try await Sandbox.run { sandbox in
            try await sandbox.makeCertificate("one")
            let plain = try await sandbox.up()
            let secure = plain.replacing("http:", with: "https:")
            let balancer = sandbox.processes(named: "dwell-lb")
            try sandbox.writeService(more: Self.tls)
            let update = try await sandbox.dwell("update", "hello", "hello.yaml")
            #expect(update.exitCode == 0 && update.out.contains(": \(secure)\n"), "\(update)")
            try await eventually("HTTPS is spoken") { try await sandbox.curl(secure, "one.crt").exitCode == 0 }
            // One that does not come up changes nothing of how the one before it is reached.
            try sandbox.write(
                "name: hello\nrun: exit 3\nservice: {readiness_probe: /}\n", to: "worse.yaml")
            #expect(try await sandbox.dwell("update", "hello", "worse.yaml").exitCode == 1)
            #expect(try await sandbox.status().service("hello").endpoint == secure)
            #expect(try await sandbox.curl(secure, "one.crt").exitCode == 0)
            #expect(try await sandbox.dwell("update", "hello", "--rollback").exitCode == 0)
            try sandbox.writeService()
            #expect(try await sandbox.dwell("update", "hello", "hello.yaml").exitCode == 0)
            try await eventually("HTTP is spoken") { await HTTP.get(plain)?.status == 200 }
            #expect(sandbox.processes(named: "dwell-lb") == balancer, "the load balancer was started again")
        }
    }

    /// Told with its line before anything is done.
    @Test func aPairThatCannotBeUsedIsRefused() async throws {
        try await Sandbox.run { sandbox in
            for name in ["one", "two"] { try await sandbox.makeCertificate(name) }
            try sandbox.writeService(more: "  tls:\n    keyfile: two.key\n    certfile: one.crt")
            for command in [["up", "hello.yaml"], ["validate", "hello.yaml"], ["update", "hello", "hello.yaml"]] {
                let output = try await sandbox.dwell(command)
                #expect(output.exitCode == 2 && output.errors.count == 1, "\(output)")
                #expect(
                    output.err.hasPrefix(
                        "dwell: hello.yaml:8: service.tls.keyfile: \(sandbox.folder)/two.key is not the key"),
                    "\(output)")
            }
            #expect(sandbox.processes().isEmpty)
        }
    }
}

extension Sandbox {
    func makeCertificate(_ name: String) async throws {
        let output = try await shell(
            """
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=\(name) \
            -addext subjectAltName=IP:127.0.0.1 -keyout \(name).key -out \(name).crt && chmod 600 \(name).key
            """)
        try #require(output.exitCode == 0, "\(output)")
    }

    /// Whether `status` says that the service is not ready for want of the file.
    fileprivate func saysWhyNobodyConnects(_ file: String) async throws -> Bool {
        let reasons = try await query("select status, reason from services where name = 'hello'")
        return reasons.first?.hasPrefix(
            "NOT_READY|its load balancer does not run: TLS cannot be spoken: cannot read \(folder)/\(file)") == true
    }

    /// Asks with curl, which trusts one certificate only: exit code 60 when it is shown another.
    fileprivate func curl(_ url: String, _ certificate: String) async throws -> Output {
        try await shell("curl -sSf --cacert \(certificate) \(url)/")
    }
}

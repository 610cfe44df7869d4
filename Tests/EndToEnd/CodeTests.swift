import Foundation
import Testing

/// A version runs the code that was there when it was made.
@Suite struct CodeTests {
    /// Answers with what `say` says.
    private static let server = """
        import http.server, os
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = open("say", "rb").read()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            def log_message(self, *_): pass
        http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
        """

    private func write(_ sandbox: Sandbox, says text: String, workdir: String = "app") async throws {
        try FileManager.default.createDirectory(atPath: sandbox.folder + "/app", withIntermediateDirectories: true)
        try sandbox.write(Self.server, to: "app/server.py")
        try sandbox.write(text, to: "app/say")
        try sandbox.write(
            "name: hello\nworkdir: \(workdir)\nrun: exec python3 server.py\nservice: {readiness_probe: /, replicas: 2}\n",
            to: "hello.yaml")
    }

    private func up(_ sandbox: Sandbox) async throws -> String {
        let up = try await sandbox.dwell("up", "hello.yaml")
        try #require(up.exitCode == 0, "\(up)")
        try await bothAreReady(sandbox)
        return try await sandbox.status().service("hello").endpoint
    }

    private func bothAreReady(_ sandbox: Sandbox) async throws {
        try await eventually("both are ready") { try await sandbox.status().service("hello").readyReplicas == 2 }
    }

    /// Kills every replica, and waits for two others.
    private func replaceReplicas(_ sandbox: Sandbox) async throws {
        let last = try await sandbox.status().replicas.map(\.id).max() ?? 0
        for pid in sandbox.processes(named: "python3") { kill(pid, SIGKILL) }
        try await eventually("there are others") {
            try await sandbox.status().replicas.count { $0.id > last && $0.status == "READY" } == 2
        }
    }

    /// What it answers to several requests.
    private func answers(_ url: String) async -> Set<String> {
        var answers: Set<String> = []
        for _ in 1...8 { answers.insert(await HTTP.get(url)?.body ?? "none") }
        return answers
    }

    private func copies(_ sandbox: Sandbox) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: sandbox.home + "/sources/local")) ?? []
    }

    @Test func anEditIsNotRunBeforeItIsAnUpdate() async throws {
        try await Sandbox.run { sandbox in
            try await write(sandbox, says: "one")
            let url = try await up(sandbox)
            #expect(copies(sandbox).count == 1)
            try sandbox.write("raise SystemExit('broken')\n", to: "app/server.py")
            try await replaceReplicas(sandbox)
            #expect(await answers(url) == ["one"])

            let broken = try await sandbox.dwell("update", "hello", "hello.yaml")
            #expect(broken.exitCode == 1 && broken.err.contains("version 1 goes on serving"), "\(broken)")
            try await replaceReplicas(sandbox)
            #expect(await answers(url) == ["one"])
            let rollback = try await sandbox.dwell("update", "hello", "--rollback")
            #expect(rollback.exitCode == 0, "\(rollback)")
            #expect(await answers(url) == ["one"])
            #expect(try await sandbox.dwell("down", "hello").exitCode == 0)
            try await eventually("the copies are gone") { copies(sandbox).isEmpty }
        }
    }

    @Test func aGoodEditIsRolledBackToo() async throws {
        try await Sandbox.run { sandbox in
            try await write(sandbox, says: "one")
            let url = try await up(sandbox)
            let same = try await sandbox.dwell("update", "hello", "hello.yaml")
            #expect(same.exitCode == 0, "\(same)")
            #expect(try await sandbox.status().replicas.map(\.id) == [1, 2], "nothing has changed")
            try sandbox.write("two", to: "app/say")
            #expect(try await sandbox.dwell("update", "hello", "hello.yaml").exitCode == 0)
            try await eventually("the new code answers") { await answers(url) == ["two"] }
            #expect(try await sandbox.dwell("update", "hello", "--rollback").exitCode == 0)
            try await eventually("the old code answers") { await answers(url) == ["one"] }
        }
    }

    /// Replicas may write in the copy they start in; it is nobody else's.
    @Test func whatOneServiceWritesInItsCopyIsNoOthers() async throws {
        try await Sandbox.run { sandbox in
            try await write(sandbox, says: "one")
            for name in ["first", "second"] {
                try sandbox.write(
                    """
                    name: \(name)
                    workdir: app
                    setup: mkdir build && echo -n \(name) > say
                    run: exec python3 server.py
                    service: {readiness_probe: /}

                    """, to: "\(name).yaml")
                let up = try await sandbox.dwell("up", "\(name).yaml")
                #expect(up.exitCode == 0, "\(up)")
            }
            for name in ["first", "second"] {
                let url = try await sandbox.status().service(name).endpoint
                #expect(await answers(url) == [name])
            }
            // Another version with other commands begins with the folder as it is, and not with what was made of it.
            try sandbox.write(
                "workdir: app\nrun: test ! -e build && exec python3 server.py\nservice: {readiness_probe: /}\n",
                to: "first.yaml")
            let update = try await sandbox.dwell("update", "first", "first.yaml")
            #expect(update.exitCode == 0, "\(update)")
        }
    }

    @Test func aSuspendedServiceHasItsCodeAlsoAfterACrash() async throws {
        try await Sandbox.run { sandbox in
            try await write(sandbox, says: "one")
            let url = try await up(sandbox)
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            try FileManager.default.removeItem(atPath: sandbox.folder + "/app")
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            try await bothAreReady(sandbox)
            try await sandbox.killEverything()
            _ = try await sandbox.dwell("status")
            try await eventually("it serves again") { await answers(url) == ["one"] }
        }
    }

    @Test func aRefusedOrKilledUpLeavesNoCopy() async throws {
        try await Sandbox.run { sandbox in
            try await write(sandbox, says: "one")
            _ = try await up(sandbox)
            let mine = copies(sandbox)
            try sandbox.write("two", to: "app/say")
            let refused = try await sandbox.dwell("up", "hello.yaml")
            #expect(refused.exitCode == 1, "\(refused)")
            #expect(copies(sandbox) == mine)
            // Half way through a copy: too big to be done by then.
            _ = try await sandbox.shell("mkdir app/big; for i in {1..3000}; do echo $i > app/big/$i; done")
            let killed = try sandbox.start("update", "hello", "hello.yaml")
            try await eventually("it copies") { copies(sandbox).contains { $0.hasSuffix(".new") } }
            kill(killed.pid, SIGKILL)
            _ = await killed.output()
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            #expect(copies(sandbox).count <= 2 && !copies(sandbox).contains { $0.hasSuffix(".new") })
        }
    }

    @Test func anInterruptedCopyIsRemovedAtOnce() async throws {
        try await Sandbox.run { sandbox in
            try await write(sandbox, says: "one")
            // A hole that takes long to read, and no room.
            _ = try await sandbox.shell("truncate -s 200G app/large")
            let up = try sandbox.start("up", "hello.yaml")
            try await eventually("it copies") { copies(sandbox).contains { $0.hasSuffix(".new") } }
            kill(up.pid, SIGINT)
            let output = await up.output()
            #expect(output.exitCode == 130 && output.err.contains("interrupted; nothing was asked for"), "\(output)")
            #expect(copies(sandbox).isEmpty)
            #expect(try await sandbox.status().services.isEmpty)
        }
    }

    @Test func gitEndsWithTheCommandThatAsksIt() async throws {
        try await Sandbox.run { sandbox in
            try await write(sandbox, says: "one", workdir: "{url: 'https://127.0.0.1/none', ref: main}")
            try sandbox.write("#!/bin/bash\nexec sleep 1000\n", to: "git")
            let up = try sandbox.startShell("chmod +x git; PATH=\"$PWD:$PATH\" exec '\(Sandbox.dwell)' up hello.yaml")
            try await eventually("git is asked") { !sandbox.processes(named: "sleep").isEmpty }
            let said = await up.errorLines { !$0.isEmpty }
            #expect(said == ["waiting for https://127.0.0.1/none to say which commit main is"])
            kill(up.pid, SIGTERM)
            let output = await up.output()
            #expect(output.exitCode == 143 && output.err.contains("interrupted; nothing was asked for"), "\(output)")
            #expect(sandbox.processes(named: "sleep").isEmpty && copies(sandbox).isEmpty)
        }
    }

    @Test func aFolderThatIsTooDeepIsNamedInALine() async throws {
        try await Sandbox.run { sandbox in
            try await write(sandbox, says: "one")
            let up = try await sandbox.shell(
                "(cd app; for n in {1..300}; do mkdir nested; cd nested; done); ulimit -n 200; \"$DWELL\" up hello.yaml"
            )
            #expect(up.exitCode == 1 && up.errors.count == 1 && up.err.count < 500, "\(up)")
            #expect(up.err.contains("/nested/…/nested ("), "\(up)")
            #expect(up.err.contains("names long): Too many open files; "), "\(up)")
            #expect(copies(sandbox).isEmpty)
        }
    }

    @Test func aBranchThatMovesIsNotRunBeforeAnUpdate() async throws {
        try await Sandbox.run { sandbox in
            try await write(sandbox, says: "one", workdir: "{url: app, ref: main}")
            let git = "git -C app -c user.name=a -c user.email=a@b"
            let made = try await sandbox.shell(
                "set -e; git init -q -b main app; git -C app add .; \(git) commit -qm one")
            try #require(made.exitCode == 0, "\(made)")
            let url = try await up(sandbox)
            try sandbox.write("two", to: "app/say")
            _ = try await sandbox.shell("\(git) commit -qam two")
            try await replaceReplicas(sandbox)
            #expect(await answers(url) == ["one"])
            let update = try await sandbox.dwell("update", "hello", "hello.yaml")
            #expect(update.exitCode == 0, "\(update)")
            try await eventually("the new commit answers") { await answers(url) == ["two"] }
            #expect(try await sandbox.dwell("update", "hello", "--rollback").exitCode == 0)
            try await eventually("the old commit answers") { await answers(url) == ["one"] }
            #expect(copies(sandbox).isEmpty)
        }
    }

    @Test func validateCopiesNothing() async throws {
        try await Sandbox.run { sandbox in
            try await write(sandbox, says: "one")
            #expect(try await sandbox.dwell("validate", "hello.yaml").exitCode == 0)
            #expect(!FileManager.default.fileExists(atPath: sandbox.home + "/sources"))
        }
    }
}

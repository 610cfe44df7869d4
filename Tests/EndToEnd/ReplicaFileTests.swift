import Foundation
import Testing

/// What a replica finds where it starts: clones of repositories, and mounts.
@Suite struct ReplicaFileTests {
    /// A repository with two commits: the server as of `v1`, and one on main that has more in it.
    private func makeRepository(_ sandbox: Sandbox) async throws {
        try sandbox.write(Files.server, to: "server.py")
        let made = try await sandbox.shell(
            """
            set -e
            git init -q -b main repo && cd repo
            git config user.name a && git config user.email a@b
            cp ../server.py . && git add . && git commit -qm one && git tag v1
            echo more > more.txt && git add . && git commit -qm two
            """)
        try #require(made.exitCode == 0, "\(made)")
    }

    private func file(url: String, ref: String? = nil) -> String {
        """
        workdir: {url: "\(url)"\(ref.map { ", ref: \($0)" } ?? "")}
        run: ls > listing; git rev-parse HEAD > head; exec python3 server.py
        service: {replicas: 2}
        """
    }

    @Test(arguments: [nil, "v1", "main", "commit"])
    func eachReplicaHasACloneOfTheRepository(_ ref: String?) async throws {
        try await Sandbox.run { sandbox in
            try await makeRepository(sandbox)
            let commit = try await sandbox.shell(
                "git -C repo rev-parse \(ref == "commit" ? "v1" : ref ?? "main")^{commit}"
            )
            .out.trimmingCharacters(in: .newlines)
            // By its path, and by a URL; git decodes no URL of a file, so that one goes by a name without a space.
            let link = NSTemporaryDirectory() + "/dwell-repo-\(UUID().uuidString.prefix(8))"
            try #require(symlink(sandbox.folder, link) == 0)
            defer { unlink(link) }
            let url = ref == nil ? "repo" : "file://\(link)/repo"
            try sandbox.write(file(url: url, ref: ref == "commit" ? commit : ref), to: "app.yaml")
            let up = try await sandbox.dwell("up", "app.yaml")
            try #require(up.exitCode == 0, "\(up)")
            try await eventually("both are ready") { try await sandbox.status().services.first?.readyReplicas == 2 }
            for replica in 1...2 {
                let work = sandbox.home + "/run/local/app/\(replica)/work"
                let head = try String(contentsOfFile: work + "/head", encoding: .utf8)
                #expect(head == commit + "\n")
                let hasMore = try String(contentsOfFile: work + "/listing", encoding: .utf8).contains("more.txt")
                #expect(hasMore == (ref == nil || ref == "main"))
            }
            #expect(try await sandbox.dwell("down", "app").exitCode == 0)
            #expect(!FileManager.default.fileExists(atPath: sandbox.home + "/run/local/app"))
        }
    }

    @Test func aRepositoryThatIsNotThereFailsWithWhatGitSays() async throws {
        try await Sandbox.run { sandbox in
            try await makeRepository(sandbox)
            try sandbox.write(file(url: "file:///nowhere/at-all"), to: "app.yaml")
            let up = try await sandbox.dwell("up", "app.yaml")
            #expect(up.exitCode == 1)
            #expect(up.errors.count == 1 && up.err.contains("/nowhere/at-all"), "\(up)")
            #expect(try await sandbox.status().services.isEmpty, "nothing is recorded of it")
            try sandbox.write(file(url: "repo", ref: "no-such-branch"), to: "other.yaml")
            let other = try await sandbox.dwell("up", "other.yaml")
            #expect(other.exitCode == 1 && (other.out + other.err).contains("no-such-branch"), "\(other)")
        }
    }

    @Test(arguments: [
        "--upload-pack=touch hurt", "ext::sh -c touch% hurt", "-x", "file://-x/y", "ssh://-oProxyCommand=x/y",
        "ftp://host/x", "a@-x:y", "fd::3",
    ])
    func aURLThatIsAnOptionOrAProgramIsRefused(_ url: String) async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(file(url: url), to: "app.yaml")
            let output = try await sandbox.dwell("validate", "app.yaml")
            #expect(output.exitCode == 2 && output.err.contains("app.yaml:1: workdir.url: "), "\(output)")
        }
    }

    @Test func mountsAreFoundWhereTheFileSaysAndLeaveNothingBehind() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(Files.server, to: "server.py")
            let outside = sandbox.folder + "/outside"
            try await sandbox.shell(
                """
                mkdir -p app/data model && cp server.py app && echo own > app/data/own && echo weights > model/weights
                echo conf > conf
                """)
            try sandbox.write(
                """
                workdir: app
                file_mounts:
                  data/model: model
                  deep/er/conf: conf
                  ./server.conf: ./conf
                  \(outside): model
                run: cat data/own data/model/weights deep/er/conf server.conf '\(outside)/weights' > seen; exec python3 server.py
                service: {replicas: 2}
                """, to: "app.yaml")
            let before = try await sandbox.shell("find app model | sort").out
            let up = try await sandbox.dwell("up", "app.yaml")
            try #require(up.exitCode == 0, "\(up)")
            try await eventually("both are ready") { try await sandbox.status().services.first?.readyReplicas == 2 }
            for replica in 1...2 {
                let seen = try String(
                    contentsOfFile: sandbox.home + "/run/local/app/\(replica)/work/seen", encoding: .utf8)
                #expect(seen == "own\nweights\nconf\nconf\nweights\n")
            }
            #expect(
                try await sandbox.shell("find app model | sort").out == before, "the user's folders are as they were")
            #expect(try await sandbox.dwell("down", "app").exitCode == 0)
            #expect(!FileManager.default.fileExists(atPath: outside))
            #expect(try await sandbox.shell("find app model | sort").out == before)
            #expect(try await sandbox.shell("cat model/weights app/data/own").out == "weights\nown\n")
        }
    }

    @Test func nothingOfTheUsersIsOverwritten() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write("precious", to: "there")
            try sandbox.write("other", to: "source")
            try sandbox.write(
                "file_mounts: {\"\(sandbox.folder)/there\": source}\nrun: serve\nservice: {}\n", to: "app.yaml")
            let up = try await sandbox.dwell("up", "app.yaml")
            #expect(up.exitCode == 1 && (up.out + up.err).contains("nothing of yours is overwritten"), "\(up)")
            #expect(try await sandbox.shell("cat there").out == "precious")
        }
    }

    /// Replicas share the machine that `setup` installs on: the first runs alone, the others after it side by side.
    @Test func setupsDoNotDisturbEachOther() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(Files.server, to: "server.py")
            try sandbox.write(
                """
                name: hello
                workdir: .
                envs: {ORDER: "\(sandbox.folder)/order"}
                setup: |
                  echo begin >> "$ORDER"
                  [ "$(wc -l < "$ORDER")" != 1 ] || sleep 0.5
                  echo end >> "$ORDER"
                run: exec python3 server.py
                service: {readiness_probe: /, replicas: 4}
                """, to: "hello.yaml")
            #expect(try await sandbox.dwell("up", "hello.yaml").exitCode == 0)
            try await eventually("all are ready") { try await sandbox.status().service("hello").readyReplicas == 4 }
            let order = try await sandbox.shell("cat order").out.split(separator: "\n")
            #expect(order.count == 8 && order.prefix(2) == ["begin", "end"], "\(order)")
            #expect(
                try await sandbox.shell("cat home/logs/local/hello/*").out.contains("waits for the setup of another"))
            #expect(try await sandbox.dwell("down", "hello").exitCode == 0)
            #expect(!FileManager.default.fileExists(atPath: sandbox.home + "/run/local/hello"))
        }
    }
}

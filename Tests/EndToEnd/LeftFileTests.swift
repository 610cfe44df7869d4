import Foundation
import Testing

/// What replicas leave in their folders, and what is made for them outside.
@Suite struct LeftFileTests {
    /// Whether a file here can be made immutable: root on a file system that knows it.
    private static let canHaveImmutableFiles: Bool = {
        let file = NSTemporaryDirectory() + "/dwell-immutable-\(UUID().uuidString)"
        _ = FileManager.default.createFile(atPath: file, contents: nil)
        defer { unlink(file) }
        func chattr(_ change: String) -> Bool { pclose(popen("chattr \(change) '\(file)' 2>&1", "r")) == 0 }
        return chattr("+i") && chattr("-i")
    }()

    @Test(
        .enabled(if: canHaveImmutableFiles, "files that cannot be removed take root and a file system that knows them"))
    func whatCannotBeRemovedOfAReplicasFolderIsToldAndTriedAgain() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(Files.server, to: "server.py")
            try sandbox.write(
                """
                name: hello
                envs: {FOLDER: "\(sandbox.folder)"}
                run: |
                  ls -A > "$FOLDER/found"
                  touch keep; chattr +i keep
                  exec python3 "$FOLDER/server.py"
                service: {readiness_probe: /}
                """, to: "hello.yaml")
            let keep = sandbox.home + "/run/local/hello/1/work/keep"
            func unlock() async throws { try await sandbox.shell("chattr -i '\(keep)'") }
            #expect(try await sandbox.dwell("up", "hello.yaml").exitCode == 0)
            let down = try await sandbox.dwell("down", "hello")
            #expect(down.exitCode == 1 && down.err.contains(keep), "\(down)")
            #expect(try await sandbox.status().service("hello").status == "FAILED_CLEANUP")
            #expect(try await sandbox.dwell("doctor").out.contains(keep))
            try await unlock()
            try await eventually("it is tried again") { try await sandbox.count("services") == 0 }

            // Given up: what is left is told, and is not where the next one starts.
            #expect(try await sandbox.dwell("up", "hello.yaml").exitCode == 0)
            let purge = try await sandbox.dwell("down", "hello", "--purge")
            #expect(purge.exitCode == 0, "\(purge)")
            #expect(try await sandbox.count("events where payload ->> '$.leftovers' like '%/work/keep%'") > 0)
            let again = try await sandbox.dwell("up", "hello.yaml")
            #expect(again.exitCode == 0, "\(again)")
            #expect(try await sandbox.shell("cat found").out.isEmpty)
            try await eventually("its file is there") { FileManager.default.fileExists(atPath: keep) }
            try await sandbox.shell("chattr -R -i home/run")
            #expect(try await sandbox.dwell("down", "hello").exitCode == 0)
            #expect(!FileManager.default.fileExists(atPath: sandbox.home + "/run/local/hello"))
        }
    }

    @Test func foldersAboveAMountAreMadeAndRemoved() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(Files.server, to: "server.py")
            try sandbox.write("weights", to: "model")
            let mount = sandbox.folder + "/there/deep/er/model"
            try FileManager.default.createDirectory(
                atPath: sandbox.folder + "/there", withIntermediateDirectories: true)
            try sandbox.write(
                """
                name: hello
                workdir: .
                file_mounts: {"\(mount)": model}
                run: cat "\(mount)" && exec python3 server.py
                service: {readiness_probe: /, replicas: 2}
                """, to: "hello.yaml")
            let up = try await sandbox.dwell("up", "hello.yaml")
            #expect(up.exitCode == 0, "\(up)")
            try await eventually("both are ready") { try await sandbox.status().service("hello").readyReplicas == 2 }
            #expect(try await sandbox.dwell("down", "hello", "--replica-id", "1").exitCode == 0)
            #expect(try await sandbox.shell("cat there/deep/er/model").out == "weights")
            #expect(try await sandbox.dwell("down", "hello").exitCode == 0)
            #expect(try await sandbox.shell("find there; cat model").out == "there\nweights")
        }
    }
}

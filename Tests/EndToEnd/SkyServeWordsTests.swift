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

import Foundation
import Testing

/// `--log FILE`: the commands that only ask, asked of a file.
@Suite struct LogFiles {
    @Test func aBackupAnswersWithoutAHome() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.up()
            let path = sandbox.folder + "/backup.db"
            #expect(try await sandbox.dwell("backup", path).exitCode == 0)
            let elsewhere = ["DWELL_HOME": sandbox.folder + "/none"]
            for words in [
                ["status", "hello"], ["events", "--limit", "3"], ["explain", "hello"], ["report"],
                ["diff", "#1", "#3"],
                ["replay"], ["verify"], ["status", "--at-position", "3"],
            ] {
                let output = try await sandbox.dwell(words + ["--log", path], environment: elsewhere)
                #expect(output.exitCode == 0 && output.err.isEmpty && !output.out.isEmpty, "\(words): \(output)")
            }
            let missing = try await sandbox.dwell(["status", "--log", path + "x"], environment: elsewhere)
            #expect(missing.exitCode == 1 && missing.errors.count == 1, "\(missing)")
            let followed = try await sandbox.dwell(["events", "--follow", "--log", path], environment: elsewhere)
            #expect(followed.exitCode == 2 && followed.errors.count == 1, "\(followed)")
            #expect(!FileManager.default.fileExists(atPath: sandbox.folder + "/none"), "no home is made")
        }
    }
}

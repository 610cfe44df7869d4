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
            #expect(missing.exitCode == 2 && missing.errors.count == 1, "\(missing)")
            let followed = try await sandbox.dwell(["events", "--follow", "--log", path], environment: elsewhere)
            #expect(followed.exitCode == 2 && followed.errors.count == 1, "\(followed)")
            #expect(!FileManager.default.fileExists(atPath: sandbox.folder + "/none"), "no home is made")
        }
    }

    /// A file is told of up to and with its last event.
    @Test func aCrashThatHappenedLastIsCounted() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            kill(try await sandbox.controllerProcess(), SIGKILL)
            try await eventually("another has taken over") {
                try await sandbox.count("events where type = 'controller.recovered'") == 1
            }
            let last = try await sandbox.query("select type from events order by position desc limit 1")
            #expect(last == ["controller.recovered"])
            let path = sandbox.folder + "/backup.db"
            #expect(try await sandbox.dwell("backup", path).exitCode == 0)
            let report = try await sandbox.dwell("report", "--json", "--log", path)
            #expect(report.out.contains("\"crashes\" : 1"), "\(report)")
        }
    }

    /// What runs goes on, and the log goes on from where the archive ends.
    @Test func eventsAreArchivedWhileAServiceRuns() async throws {
        try await Sandbox.run { sandbox in
            let endpoint = try await sandbox.up()
            let path = sandbox.folder + "/old.db"
            let archived = try await sandbox.dwell("archive", "--before", "now", path)
            #expect(archived.exitCode == 0 && archived.out.contains("0 remain"), "\(archived)")
            #expect(await HTTP.get(endpoint)?.status == 200)
            let again = try await sandbox.dwell("archive", "--before", "now", path)
            #expect(again.exitCode == 2 && again.errors.count == 1 && again.err.contains("exists already"), "\(again)")

            #expect(try await sandbox.dwell("down", "hello").exitCode == 0)
            let events = try await sandbox.dwell("events")
            #expect(events.out.contains("controller.idle") && !events.out.contains("service.up_requested"), "\(events)")
            #expect(events.err.contains("--log \(path)"), "\(events)")
            let old = try await sandbox.dwell("events", "--log", path)
            #expect(old.out.contains("service.up_requested") && old.err.isEmpty, "\(old)")
            let past = try await sandbox.dwell("status", "--at-position", "3")
            #expect(past.exitCode == 1 && past.errors.count == 1 && past.err.contains("--log"), "\(past)")
            let verified = try await sandbox.dwell("verify", "--archive", path)
            #expect(
                verified.exitCode == 0 && verified.out.contains("the log goes on from the last of them"), "\(verified)")
            let missing = try await sandbox.dwell("verify", "--archive", path + "x")
            #expect(missing.exitCode == 2 && missing.errors.count == 1, "\(missing)")
            let explained = try await sandbox.dwell("explain", "local")
            #expect(explained.exitCode == 0 && explained.out.contains("is archived"), "\(explained)")
        }
    }
}

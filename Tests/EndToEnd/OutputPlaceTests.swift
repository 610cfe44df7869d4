import Foundation
import Testing

/// Where a command may write the file that somebody names.
@Suite struct OutputPlaces {
    /// What is in the home is the log, or is taken for part of it; whatever name leads there.
    @Test func nothingIsWrittenIntoTheHome() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            _ = try await sandbox.shell(
                "ln -s home shortcut; ln -s home/run/unsynced dangling; ln home/dwell.db other-name; mkdir other")
            let events = try await sandbox.count("events")
            for path in ["home/new.db", "home/run/unsynced", "home/dwell.db-journal", "shortcut/new", "dangling"] {
                for words in [["backup", path], ["archive", "--before", "0s", path], ["report", "--svg", path]] {
                    let refused = try await sandbox.dwell(words)
                    #expect(refused.exitCode == 2 && refused.errors.count == 1, "\(words): \(refused)")
                    #expect(refused.err.contains("it is in dwell's own folder"), "\(words): \(refused)")
                }
            }
            for path in ["home/dwell.db", "home/config.yaml", "other-name"] {
                let refused = try await sandbox.dwell("report", "--svg", path)
                #expect(refused.exitCode == 2 && refused.err.contains("dwell's own folder"), "\(path): \(refused)")
            }
            #expect(try await sandbox.count("events") == events)
            #expect(try await sandbox.dwell("backup", "other/home.db").exitCode == 0, "elsewhere they are")
            #expect(try await sandbox.dwell("report", "--svg", "home.svg").exitCode == 0)
        }
    }

    /// The log's file may lie on another disk, with its WAL beside it there.
    @Test func norBesideALogThatLiesElsewhere() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.shell(
                "mkdir disk logs-disk; ln -s ../disk/log home/dwell.db; ln -s ../logs-disk home/logs")
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            for path in ["disk/log-journal", "disk/log-wal", "logs-disk/x.db"] {
                let refused = try await sandbox.dwell("backup", path)
                #expect(refused.exitCode == 2 && refused.err.contains("dwell's own folder"), "\(path): \(refused)")
            }
            #expect(try await sandbox.dwell("backup", "disk/backup").exitCode == 0)
        }
    }

    /// SQLite would read what another database left there as the end of what is written.
    @Test(arguments: ["-wal", "-shm", "-journal"])
    func nothingIsWrittenBesideWhatIsTakenForPartOfIt(_ suffix: String) async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            try sandbox.write("left by another", to: "new.db" + suffix)
            for words in [["backup", "new.db"], ["archive", "--before", "0s", "new.db"]] {
                let refused = try await sandbox.dwell(words)
                #expect(refused.exitCode == 2 && refused.errors.count == 1, "\(refused)")
                #expect(refused.err.contains("new.db\(suffix) would be taken for part of it"), "\(refused)")
                #expect(!FileManager.default.fileExists(atPath: sandbox.folder + "/new.db"))
            }
        }
    }
}

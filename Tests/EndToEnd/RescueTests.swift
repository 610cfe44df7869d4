import Foundation
import Testing

/// restore and repair where something is in the way: nothing is ended for what cannot be done, nothing is thrown away.
@Suite struct Rescues {
    /// All that is left of the log is in a WAL that is said to be copied, and that SQLite removes when the last process
    /// closes the database.
    @Test func whatTheWALAloneHoldsOutlivesTheEndOfWhatRan() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.up()
            #expect(try await sandbox.dwell("autostop", "local", "--idle", "33m").exitCode == 0)
            let events = try await sandbox.count("events")
            let broken = try await sandbox.shell(
                """
                sqlite3 "$DWELL_HOME/dwell.db" 'pragma wal_checkpoint' > /dev/null && echo junk > "$DWELL_HOME/dwell.db"
                """)
            try #require(broken.exitCode == 0, "\(broken)")
            let repaired = try await sandbox.dwell("repair", "--stop")
            #expect(repaired.exitCode == 0, "\(repaired)")
            let saved = repaired.out.split(separator: " ").first.flatMap { Int($0) } ?? 0
            #expect(saved >= events && !repaired.out.contains("lost"), "\(repaired)")
            let files = try FileManager.default.contentsOfDirectory(atPath: sandbox.home)
            #expect(files.contains("dwell.db.damaged-wal") && !files.contains { $0.contains("held") }, "\(files)")
            #expect(try await sandbox.dwell("verify").exitCode == 0)
        }
    }

    @Test(arguments: ["mkfifo", "mkdir"]) func whatIsNoFileIsCalledWhatItIs(_ make: String) async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            #expect(try await sandbox.dwell("backup", "copy.db").exitCode == 0)
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            try await eventually("nothing runs any more") { sandbox.processes().isEmpty }
            _ = try await sandbox.shell(#"cd "$DWELL_HOME" && rm -f dwell.db* && \#(make) dwell.db"#)
            let what = make == "mkdir" ? "it is a folder" : "it is a pipe"
            for words in [["repair"], ["repair", "--stop"], ["restore", "copy.db", "--stop"], ["doctor"]] {
                let output = try await sandbox.dwell(words)
                let said = output.out + output.err
                #expect(output.exitCode == 1 && said.contains(what) && said.contains("mv "), "\(words): \(output)")
                #expect(!said.contains("chmod") && !said.contains("Operation not permitted"), "\(words): \(output)")
            }
            _ = try await sandbox.shell(#"mv "$DWELL_HOME/dwell.db" "$DWELL_HOME/dwell.db.away""#)
            #expect(try await sandbox.dwell("restore", "copy.db").exitCode == 0, "as it said")
        }
    }

    @Test(.enabled(if: getuid() == 0, "a file system of its own takes a mount namespace"))
    func nothingIsEndedInAHomeThatCannotBeWritten() async throws {
        try await Sandbox.run { sandbox in
            let url = try await sandbox.up()
            #expect(try await sandbox.dwell("backup", "copy.db").exitCode == 0)
            _ = try await sandbox.shell(
                #"sqlite3 "$DWELL_HOME/dwell.db" "drop trigger events_are_never_updated; update events set actor = 'bob' where position = 2""#
            )
            let processes = Set(sandbox.processes())
            for words in ["restore copy.db --stop", "repair --stop"] {
                let refused = try await sandbox.shell(
                    """
                    exec unshare --mount sh -c 'mount --bind home home && mount -o remount,ro,bind home &&
                        exec "$DWELL" \(words)'
                    """)
                #expect(refused.exitCode == 1 && refused.errors.count == 1, "\(words): \(refused)")
            }
            #expect(Set(sandbox.processes()).isSuperset(of: processes), "none has ended")
            #expect(await HTTP.get(url)?.status == 200)
            #expect(try await sandbox.dwell("restore", "copy.db", "--stop").exitCode == 0)
        }
    }

    @Test(.enabled(if: getuid() == 0, "a file system of its own takes a mount namespace"))
    func nothingIsEndedOnADiskWithoutRoom() async throws {
        try await Sandbox.run { sandbox in
            let output = try await sandbox.shell(
                """
                exec unshare --mount bash -c '
                    mount -t tmpfs -o size=2m,mode=700 tmpfs home || exit 9
                    "$DWELL" start local > /dev/null && "$DWELL" backup copy.db > /dev/null || exit 8
                    dd if=/dev/zero of=home/filler bs=4k 2> /dev/null
                    "$DWELL" restore copy.db --stop; code=$?
                    rm home/filler
                    "$DWELL" events --type controller.recovered
                    "$DWELL" terminate local --force > /dev/null
                    exit $code'
                """)
            #expect(output.exitCode == 1 && output.errors.count == 1, "\(output)")
            #expect(output.err.contains("no space left on the disk that holds \(sandbox.home)/dwell.db"), "\(output)")
            #expect(!output.out.contains("recovered"), "its process was never ended: \(output)")
        }
    }
}

import Foundation
import Testing

/// What is said of a home, or a log, that something is wrong with, and what can be done in it all the same.
@Suite struct FaultWords {
    /// Those who use the log know that the WAL was longer.
    @Test(arguments: ["rm", "truncate -s 0"]) func aWALThatWasCutWhileItWasUsed(_ cut: String) async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            let process = try await sandbox.controllerProcess()
            // Nothing is copied meanwhile, so that pages are in the WAL alone.
            kill(process, SIGSTOP)
            #expect(try await sandbox.dwell("autostop", "local", "--idle", "33m").exitCode == 0)
            _ = try await sandbox.shell(#"\#(cut) "$DWELL_HOME/dwell.db-wal""#)
            for words in [["events"], ["doctor"]] {
                let told = try await sandbox.dwell(words)
                let said = told.out + told.err
                #expect(told.exitCode == 1 && said.contains("was removed or cut while it was used"), "\(told)")
                #expect(said.contains("dwell repair --stop") && !said.contains("the disk that holds"), "\(told)")
            }
            #expect(try await sandbox.dwell("repair", "--stop").exitCode == 0, "as it said")
            #expect(try await sandbox.dwell("verify").exitCode == 0)
        }
    }

    @Test func aBackupOfALogWithAChangedSchemaIsNotCalledChecked() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            _ = try await sandbox.shell(#"sqlite3 "$DWELL_HOME/dwell.db" 'drop view audit_log'"#)
            #expect(try await sandbox.dwell("verify").exitCode == 1)
            let backup = try await sandbox.dwell("backup", "copy.db")
            #expect(backup.exitCode == 0 && !backup.out.contains("checked"), "\(backup)")
            #expect(backup.err.contains("audit_log") && backup.err.contains("dwell repair"), "\(backup)")
        }
    }

    @Test(.enabled(if: getuid() == 0, "a file system of its own takes a mount namespace"))
    func whatIsMountedReadOnlyIsReadAndBackedUp() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.up()
            for words in ["backup copy.db", "logs hello"] {
                let output = try await sandbox.shell(
                    """
                    exec unshare --mount sh -c 'mount --bind home home && mount -o remount,ro,bind home &&
                        exec "$DWELL" \(words)'
                    """)
                #expect(output.exitCode == 0, "\(words): \(output)")
                #expect(output.err.contains("mounted read-only") && !output.err.contains("chmod"), "\(output)")
            }
            #expect(try await sandbox.dwell("verify", "--log", "copy.db").exitCode == 0)
        }
    }

    @Test(.enabled(if: getuid() == 0, "giving privileges up takes root to do"))
    func whatIsClosedToItsOwnerIsToBeOpened() async throws {
        try await Sandbox.run { sandbox in
            // Its own copy of the program, for the build may be where nobody else may look.
            let prepared = try await sandbox.shell("cp \"$DWELL\" dwell && chown -R 65534 .")
            try #require(prepared.exitCode == 0, "\(prepared)")
            func shell(_ commands: String) async throws -> Output {
                try await sandbox.shell(
                    """
                    exec env -i "PATH=$PATH" "HOME=$PWD" "DWELL_HOME=$DWELL_HOME" \
                        setpriv --reuid=65534 --regid=65534 --clear-groups sh -c '\(commands)'
                    """)
            }
            #expect(try await shell("./dwell start local").exitCode == 0)
            for file in ["dwell.db-wal", "dwell.db-shm", "dwell.db"] {
                for command in ["status", "doctor"] {
                    let told = try await shell(
                        "chmod 000 home/\(file); ./dwell \(command); code=$?; chmod 600 home/\(file); exit $code")
                    let said = told.out + told.err
                    #expect(told.exitCode == 1 && said.contains("chmod u+rw"), "\(file) \(command): \(told)")
                    #expect(said.contains("/\(file): it is closed to you"), "\(file) \(command): \(told)")
                    #expect(!said.contains("restore") && !said.contains("repair"), "\(file) \(command): \(told)")
                }
            }
            let shut = try await shell("chmod 000 home; ./dwell doctor; code=$?; chmod 700 home; exit $code")
            #expect(shut.exitCode == 1 && shut.out.contains("home cannot be entered"), "\(shut)")
            #expect(!shut.out.contains("no log yet") && !shut.out.contains("config.yaml"), "\(shut)")
            #expect(try await shell("./dwell terminate local").exitCode == 0)
        }
    }

    /// What the first command leaves that had no room.
    @Test func anEmptyDatabaseIsNoLogYet() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write("", to: "home/dwell.db")
            let told = try await sandbox.dwell("doctor")
            #expect(told.out.contains("there is no log yet") && !told.out.contains("not one of dwell's"), "\(told)")
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
        }
    }

    /// What lies there under the name that an unfinished file would have is somebody's.
    @Test func filesOfOthersAreLeftAlone() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            for name in ["copy.db", "old.db"] { try sandbox.write("mine", to: name + ".unfinished") }
            #expect(try await sandbox.dwell("backup", "copy.db").exitCode == 0)
            #expect(try await sandbox.dwell("archive", "--before", "0s", "old.db").exitCode == 0)
            for name in ["copy.db", "old.db"] {
                let text = try String(contentsOfFile: sandbox.folder + "/\(name).unfinished", encoding: .utf8)
                #expect(text == "mine")
            }
            let left = try FileManager.default.contentsOfDirectory(atPath: sandbox.folder).sorted()
            #expect(left == ["copy.db", "copy.db.unfinished", "home", "old.db", "old.db.unfinished"], "\(left)")
        }
    }
}

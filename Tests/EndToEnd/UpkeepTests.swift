import Foundation
import Testing

/// doctor, backup, restore and repair, on a home that is in use.
@Suite struct UpkeepCommands {
    /// Units that systemd takes, whatever characters the paths have.
    @Test func unitsForSystemd() async throws {
        try await Sandbox.run { sandbox in
            let home = sandbox.folder + "/a home of 100% $x"
            let environment = ["DWELL_HOME": home, "XDG_CONFIG_HOME": sandbox.folder + "/config"]
            let output = try await sandbox.dwell("install-service", environment: environment)
            #expect(output.exitCode == 0 && output.out.contains("enable --now dwell-timer.timer"), "\(output)")
            let folder = sandbox.folder + "/config/systemd/user"
            let unit = try String(contentsOfFile: folder + "/dwell-controller@.service", encoding: .utf8)
            #expect(unit.contains("Environment=\"DWELL_HOME=\(sandbox.folder)/a home of 100%% $x\""))
            #expect(unit.contains("KillMode=process") && !unit.contains("User="))
            #expect(unit.contains("Restart=on-failure") && unit.contains("RestartPreventExitStatus=2"))
            let timer = try String(contentsOfFile: folder + "/dwell-timer.service", encoding: .utf8)
            #expect(timer.contains("Type=oneshot") && timer.contains("KillMode=process"))
            let printed = try await sandbox.dwell("install-service", "--system", "--print", environment: environment)
            #expect(printed.out.contains("WantedBy=multi-user.target") && printed.out.contains("User="))
            let check = try await sandbox.shell(
                """
                command -v systemd-analyze > /dev/null || exit 0
                cp config/systemd/user/dwell-controller@.service config/systemd/user/dwell-controller@local.service
                systemd-analyze verify --user config/systemd/user/dwell-controller@local.service \
                    config/systemd/user/dwell-timer.timer 2>&1 | grep -i dwell || true
                """)
            #expect(check.out == "")
            #expect(!FileManager.default.fileExists(atPath: home), "no home is made")
        }
    }

    /// Two homes of one user: neither takes the place of the other, however often each is installed.
    @Test func unitsOfASecondHomeHaveNamesOfTheirOwn() async throws {
        try await Sandbox.run { sandbox in
            let folder = sandbox.folder + "/config/systemd/user"
            func install(_ home: String) async throws -> Output {
                try await sandbox.dwell(
                    "install-service",
                    environment: ["DWELL_HOME": home, "XDG_CONFIG_HOME": sandbox.folder + "/config"])
            }
            for _ in 0..<2 {
                #expect(try await install("/srv/first").exitCode == 0)
                let second = try await install("/srv/se-cond")
                #expect(
                    second.out.contains(
                        #"enable --now 'dwell-timer-srv-se\x2dcond.timer' 'dwell-controller-srv-se\x2dcond@local.service'"#
                    ),
                    "\(second)")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 6)
            let first = try String(contentsOfFile: folder + "/dwell-timer.service", encoding: .utf8)
            #expect(first.contains("/srv/first"))
        }
    }

    @Test func doctorReadsTheConfiguration() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            try sandbox.write("serve: {controller: {autostop: soon}}\n", to: "home/config.yaml")
            let broken = try await sandbox.dwell("doctor")
            #expect(broken.exitCode == 1, "\(broken)")
            #expect(
                broken.out.split(separator: "\n").contains {
                    $0.hasPrefix("WRONG") && $0.contains("config.yaml:1: serve.controller.autostop")
                }, "\(broken)")
            try sandbox.write("serve: {controller: {autostop: 10}}\n", to: "home/config.yaml")
            #expect(try await sandbox.dwell("doctor").exitCode == 0)
        }
    }

    /// What `Restart=on-failure` makes of it: where there is nothing to run, trying again would go on for ever.
    @Test func aControllerThatIsNotToRunIsNoFailureToSystemd() async throws {
        try await Sandbox.run { sandbox in
            let absent = try await sandbox.dwell("controller", "run", "local")
            #expect(
                absent.exitCode == 0 && absent.out.hasPrefix("there is no controller local: nothing to"), "\(absent)")
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            let second = try await sandbox.dwell("controller", "run", "local")
            #expect(second.exitCode == 0 && second.out.contains("local has a process already"), "\(second)")
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            let stopped = try await sandbox.dwell("controller", "run", "local")
            #expect(stopped.exitCode == 0 && stopped.out.contains("local is STOPPED: nothing to run"), "\(stopped)")
            #expect(try await sandbox.dwell("controller", "run", "Not a name").exitCode == 2)
        }
    }

    /// After a boot there is nothing of dwell; the timer unit alone brings back whatever was to run.
    @Test func theTimerUnitBringsServicesBack() async throws {
        try await Sandbox.run { sandbox in
            let url = try await sandbox.up()
            try await sandbox.killEverything()
            let output = try await sandbox.dwell("timer")
            #expect(output.exitCode == 0, "\(output)")
            try await eventually("it is served again") { await HTTP.get(url)?.status == 200 }
        }
    }

    @Test func aHomeInUseIsBackedUpAndRestoredAndServesAgain() async throws {
        try await Sandbox.run { sandbox in
            let url = try await sandbox.up()
            let backup = try await sandbox.dwell("backup", "copy.db")
            #expect(backup.exitCode == 0 && backup.out.contains("checked"), "\(backup)")
            #expect(try await sandbox.dwell("backup", "copy.db").exitCode == 2, "it overwrites nothing")
            #expect(try await sandbox.dwell("down", "hello").exitCode == 0)

            let refused = try await sandbox.dwell("restore", "copy.db")
            #expect(refused.exitCode == 1)
            #expect(refused.errors.count == 1 && refused.err.contains("--stop"), "\(refused)")
            #expect(try await sandbox.status().services.isEmpty, "nothing was changed")

            let restored = try await sandbox.dwell("restore", "copy.db", "--stop")
            #expect(restored.exitCode == 0, "\(restored)")
            try await eventually("what the backup says should run is served, where it was") {
                await HTTP.get(url)?.status == 200
            }
            #expect(try await sandbox.dwell("verify").exitCode == 0)
            // A backup holds the log and not the copies of folders.
            #expect(try await sandbox.dwell("logs", "hello").out.contains("is gone; this is the folder as it is now"))
            #expect(sandbox.processes(named: "python").count == 1)
        }
    }

    @Test func doctorSaysWhatIsWrongAndWhatToDo() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.up()
            let healthy = try await sandbox.dwell("doctor")
            #expect(healthy.exitCode == 0 && !healthy.out.contains("WRONG"), "\(healthy)")
            // Open to others; and nobody is left to do what the log says.
            _ = try await sandbox.shell(#"chmod 755 "$DWELL_HOME" && chmod 644 "$DWELL_HOME/dwell.db""#)
            try await sandbox.killEverything()
            let sick = try await sandbox.dwell("doctor")
            #expect(sick.exitCode == 1)
            for words in ["chmod 600", "has something to do and no process", "has ended, and nobody has noticed"] {
                #expect(
                    sick.out.split(separator: "\n").contains { $0.hasPrefix("WRONG") && $0.contains(words) }, "\(sick)")
            }
            _ = try await sandbox.shell(#"chmod 600 "$DWELL_HOME/dwell.db""#)
            #expect(try await sandbox.dwell("status").exitCode == 0, "as it said")
            try await eventually("it is well again") { try await sandbox.dwell("doctor").exitCode == 0 }
        }
    }

    @Test func aProcessThatTheLogDoesNotKnowIsTold() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.dwell("start", "local")
            let id = try #require(try await sandbox.query("select value from meta where key = 'log_id'").first)
            let stranger = try sandbox.startShell("DWELL_COOKIE='\(id):local:ghost:1:3' exec sleep 60")
            defer { stranger.end() }
            try await eventually("it is told") {
                let output = try await sandbox.dwell("doctor")
                return output.exitCode == 1 && output.out.contains("service ghost")
                    && output.out.contains("kill \(stranger.pid)")
            }
        }
    }

    @Test func aDamagedLogIsRepairedAndServedFrom() async throws {
        try await Sandbox.run { sandbox in
            let url = try await sandbox.up()
            _ = try await sandbox.shell(
                #"sqlite3 "$DWELL_HOME/dwell.db" "drop trigger events_are_never_updated; update events set actor = 'bob' where position = (select max(position) from events)""#
            )
            let told = try await sandbox.dwell("doctor")
            #expect(told.exitCode == 1 && told.out.contains("dwell repair"), "\(told)")
            let refused = try await sandbox.dwell("repair")
            #expect(refused.exitCode == 1 && refused.err.contains("--stop"), "\(refused)")
            let repaired = try await sandbox.dwell("repair", "--stop")
            // As it was recorded, the event may still lie in the WAL; then it is saved, too.
            #expect(repaired.exitCode == 0 && repaired.out.contains("events are saved"), "\(repaired)")
            try await eventually("it serves") { await HTTP.get(url)?.status == 200 }
            #expect(try await sandbox.dwell("verify").exitCode == 0)
            #expect(try await sandbox.dwell("repair").out.contains("nothing to repair"))
        }
    }

    /// Whoever removes the WAL of a log that is little used must not remove the log.
    @Test func aYoungLogDoesNotLieInItsWALAlone() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.up()
            let last = try #require(try await sandbox.query("select max(position) from events").first)
            try await eventually("the database holds it without its WAL", within: 40) {
                let alone = try await sandbox.shell(
                    #"cp "$DWELL_HOME/dwell.db" alone.db && sqlite3 alone.db 'select max(position) from events'; rm -f alone.db*"#
                )
                return Int(alone.out.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0 >= Int(last) ?? .max
            }
            // The last to leave does it at once.
            #expect(try await sandbox.dwell("down", "hello").exitCode == 0)
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            try await eventually("nothing runs any more") { sandbox.processes().isEmpty }
            let stopped = try await sandbox.shell(
                #"rm "$DWELL_HOME/dwell.db-wal"; sqlite3 "$DWELL_HOME/dwell.db" 'select type from events order by position desc limit 1'"#
            )
            #expect(stopped.out == "controller.stopped\n", "\(stopped)")
        }
    }

    /// Everything was in the WAL, and it is gone: what was served is ended, and the log begins anew.
    @Test func aLogThatIsLostBeginsAnewWhenItIsRepaired() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.up()
            try await sandbox.killEverything(named: ["dwell-ctl", "dwell-keep", "dwell-timer", "dwell-lb"])
            _ = try await sandbox.shell(#"cd "$DWELL_HOME" && rm -f dwell.db-wal dwell.db-shm && : > dwell.db"#)
            let told = try await sandbox.dwell("status")
            #expect(told.exitCode == 1 && told.err.contains("was acknowledged") && told.err.contains("dwell repair"))
            let refused = try await sandbox.dwell("repair")
            #expect(refused.exitCode == 1 && refused.err.contains("replica 1 of service hello"), "\(refused)")
            let repaired = try await sandbox.dwell("repair", "--stop")
            #expect(repaired.exitCode == 0 && repaired.out.contains("the log begins anew"), "\(repaired)")
            #expect(repaired.out.contains("lost: events 1 to ") && repaired.out.contains("dwell.db.damaged"))
            #expect(sandbox.processes().isEmpty)
            #expect(try await sandbox.dwell("status").exitCode == 0)
            _ = try await sandbox.up()
        }
    }

    /// SQLite finds what neither the chain of digests nor the tables show.
    @Test func verifyFindsADamagedIndex() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            try await eventually("nothing runs any more") { sandbox.processes().isEmpty }
            let page = try #require(
                try await sandbox.query("select rootpage from sqlite_schema where name = 'events_by_time'").first
                    .flatMap { Int($0) })
            _ = try await sandbox.shell(
                """
                sqlite3 "$DWELL_HOME/dwell.db" 'pragma wal_checkpoint(truncate)'
                printf '\\377' | dd of="$DWELL_HOME/dwell.db" bs=1 conv=notrunc \
                    seek=$(( \(page - 1) * $(sqlite3 "$DWELL_HOME/dwell.db" 'pragma page_size') + 1 ))
                """)
            let found = try await sandbox.dwell("verify")
            #expect(found.exitCode == 1 && found.err.contains("damaged"), "\(found)")
            #expect(found.err.contains("dwell repair"), "\(found)")
            #expect(try await sandbox.dwell("repair").exitCode == 0)
            #expect(try await sandbox.dwell("verify").exitCode == 0)
        }
    }

    /// Somebody copies another database over the one that is in use.
    @Test func aDatabaseThatIsReplacedIsNoticedByWhoHasItOpen() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.dwell("start", "local")
            let process = try await sandbox.controllerProcess()
            #expect(try await sandbox.dwell("backup", "copy.db").exitCode == 0)
            _ = try await sandbox.shell(
                #"cd "$DWELL_HOME" && mv dwell.db old.db && rm -f dwell.db-wal dwell.db-shm && mv ../copy.db dwell.db"#)
            // Whoever comes next opens what is there, and the one that has the other open ends.
            _ = try await sandbox.dwell("autostop", "local", "--idle", "2h")
            try await eventually("the one that has the old one open has ended") {
                kill(process, 0) != 0
            }
            try await eventually("another serves the new one") {
                _ = try await sandbox.dwell("status")
                return try await sandbox.controllerProcess() != process
            }
            #expect(try await sandbox.dwell("verify").exitCode == 0)
        }
    }

    /// A database that a newer dwell has made is not damaged.
    @Test func repairLeavesWhatANewerDwellMade() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            _ = try await sandbox.shell(
                #"sqlite3 "$DWELL_HOME/dwell.db" "insert into schema_migrations select 99, 'later', checksum, applied_at_us from schema_migrations limit 1""#
            )
            #expect(try await sandbox.count("schema_migrations where number = 99") == 1)
            let repair = try await sandbox.dwell("repair", "--stop")
            #expect(repair.exitCode == 1 && repair.err.contains("belongs to a newer dwell"), "\(repair)")
            #expect(try await sandbox.count("schema_migrations where number = 99") == 1)
        }
    }
}

import Foundation
import Testing

/// What others have put in a home, or could, is not acted upon; and no folder that is none of dwell's is made a home.
@Suite struct Ownership {
    private func refusal(_ output: Output, _ words: String...) {
        #expect(output.exitCode == 1 && output.errors.count == 1, "\(output)")
        for words in words { #expect(output.err.contains(words), "\(output)") }
    }

    @Test(arguments: ["mkdir other && touch other/mine && chmod 755 other", "mkdir -m 1777 other"])
    func aFolderThatIsNoHomeIsLeftAlone(_ commands: String) async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.shell(commands)
            let look = "stat -c %a other; ls other"
            let before = try await sandbox.shell(look).out
            let other = ["DWELL_HOME": sandbox.folder + "/other"]
            refusal(try await sandbox.dwell("status", environment: other), "set DWELL_HOME to a folder of your own")
            let doctor = try await sandbox.dwell("doctor", environment: other)
            #expect(doctor.exitCode == 1 && doctor.out.contains("set DWELL_HOME to a folder of your own"), "\(doctor)")
            #expect(try await sandbox.shell(look).out == before, "it is as it was")
        }
    }

    /// By hand, empty or with a file of settings; by a link; with a folder on another disk.
    @Test(
        arguments: [
            "mkdir -m 777 other", "mkdir -m 755 other && echo '{}' > other/config.yaml",
            "mkdir -m 777 real && ln -s real other", "mkdir -m 777 other && mkdir disk && ln -s ../disk other/logs",
            "mkdir -m 777 other && mkdir other/lost+found",
        ])
    func aHomeThatWasMadeByHandIsClosedAndSaidSoOnce(_ commands: String) async throws {
        try await Sandbox.run { sandbox in
            let made = try await sandbox.shell("umask 022; " + commands)
            try #require(made.exitCode == 0, "\(made)")
            let other = ["DWELL_HOME": sandbox.folder + "/other"]
            let first = try await sandbox.dwell("status", environment: other)
            #expect(first.exitCode == 0 && first.errors.count == 1, "\(first)")
            #expect(first.err.contains("it is closed now (mode 700)"), "\(first)")
            #expect(try await sandbox.shell("stat -Lc %a other").out == "700\n")
            let second = try await sandbox.dwell("status", environment: other)
            #expect(second.exitCode == 0 && second.err.isEmpty, "\(second)")
        }
    }

    @Test(arguments: ["dwell.db", "config.yaml", "logs"]) func whatOthersMayWriteIsClosed(_ name: String) async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            _ = try await sandbox.shell(#"chmod 777 "$DWELL_HOME/\#(name)""#)
            let doctor = try await sandbox.dwell("doctor")
            #expect(doctor.exitCode == 1 && doctor.out.contains("\(name) is open to others (mode 777)"), "\(doctor)")
            // Whoever comes first closes it: it may be the controller's own process.
            _ = try await sandbox.dwell("status")
            #expect(try await sandbox.shell(#"stat -c %a "$DWELL_HOME/\#(name)""#).out == "755\n")
        }
    }

    /// Each is what a user other than the home's would put there to have something run.
    @Test(
        .enabled(if: getuid() == 0, "giving files away takes root"),
        arguments: [
            ("dwell.db", "chown 65534 dwell.db"),
            ("dwell.db-wal", "cp dwell.db ../x; mv ../x dwell.db-wal; chown 65534 dwell.db-wal"),
            ("config.yaml", "chown 65534 config.yaml"), ("logs", "chown 65534 logs"),
            ("secrets", "mkdir -m 777 ../evil; chown 65534 ../evil; ln -s ../evil secrets"),
            ("sources", "mkdir ../good; ln -s ../good sources; chown -h 65534 sources"),
            // Its owner is right, and it was open: what lies in it need not be his.
            ("run", "touch run/config.last-read.yaml; chown 65534 run/config.last-read.yaml; chmod 777 run"),
        ])
    func whatAnotherUserPutThereIsRefused(_ name: String, _ commands: String) async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            let planted = try await sandbox.shell(#"cd "$DWELL_HOME" && \#(commands)"#)
            try #require(planted.exitCode == 0, "\(planted)")
            for command in [["status"], ["start", "local"], ["repair"], ["status"]] {
                refusal(try await sandbox.dwell(command), name, "belongs to", "look at it, then remove", "chown ")
            }
            if name != "run" {
                let doctor = try await sandbox.dwell("doctor")
                #expect(doctor.exitCode == 1 && doctor.out.contains("and would be used as"), "\(doctor)")
            }
            #expect(sandbox.processes().isEmpty)
        }
    }

    /// Who can put files in a folder can do so again, whatever they are asked about.
    @Test(
        .enabled(if: getuid() == 0, "giving folders away takes root"),
        arguments: ["", "echo '{}' > other/config.yaml;"])
    func aFolderOfAnotherUserIsNoHome(_ more: String) async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.shell("mkdir -m 777 other; \(more) chown 65534 other")
            refusal(
                try await sandbox.dwell("status", environment: ["DWELL_HOME": sandbox.folder + "/other"]),
                "it belongs to", "not to root", "/other/dwell")
            #expect(try await sandbox.shell("stat -c %a other; ls other | grep -v config.yaml").out == "777\n")
        }
    }

    /// Nor is it known that there is no log in it.
    @Test(.enabled(if: getuid() == 0, "another user takes root to be"))
    func doctorOnAHomeThatCannotBeEntered() async throws {
        try await Sandbox.run { sandbox in
            let prepared = try await sandbox.shell(#"chmod 755 . && cp "$DWELL" dwell && "$DWELL" status"#)
            try #require(prepared.exitCode == 0, "\(prepared)")
            let doctor = try await sandbox.shell(
                "exec setpriv --reuid 65534 --regid 65534 --clear-groups ./dwell doctor")
            #expect(doctor.exitCode == 1 && doctor.out.contains("cannot be entered: Permission denied"), "\(doctor)")
            #expect(!doctor.out.contains("no log yet") && !doctor.out.contains("config.yaml"), "\(doctor)")
        }
    }
}

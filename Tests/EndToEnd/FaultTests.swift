import Foundation
import Testing

/// What a machine does to its programs.
@Suite struct Faults {
    @Test func aDatabaseThatSomebodyHasLockedIsWaitedForAndThenSaidSo() async throws {
        try await Sandbox.run { sandbox in
            let url = try await sandbox.up()
            // A person in the sqlite3 shell, in the middle of a transaction.
            let commands = "begin immediate;\nselect 1;\n.shell until [ -e done ]; do sleep 0.05; done\n"
            try sandbox.write(commands, to: "commands")
            let person = try sandbox.startShell("exec sqlite3 home/dwell.db < commands")
            _ = await person.lines { !$0.isEmpty }
            let refused = try await sandbox.dwell("down", "hello")
            #expect(refused.exitCode == 1)
            #expect(refused.errors.count == 1 && refused.err.contains("locked"), "\(refused)")
            #expect(try await sandbox.status().service("hello").status == "READY", "reading goes on")
            #expect(await HTTP.get(url)?.status == 200, "and so does the service")
            try sandbox.write("", to: "done")
            _ = await person.output()
            try await eventually("the lock is gone") { try await sandbox.dwell("down", "hello").exitCode == 0 }
        }
    }

    @Test(.enabled(if: getuid() == 0, "a file system of its own takes a mount namespace"))
    func aHomeThatCannotBeWrittenIsSaidSo() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.writeService()
            let output = try await sandbox.shell(
                """
                mkdir -p mnt
                exec unshare --mount sh -c 'mount -t tmpfs -o ro tmpfs mnt && DWELL_HOME=$PWD/mnt/home exec "$DWELL" up hello.yaml'
                """)
            #expect(output.exitCode == 1)
            #expect(output.errors.count == 1 && output.err.contains("Read-only file system"), "\(output)")
        }
    }

    @Test func aSuspendedControllerProcessIsSaidSo() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.up()
            let process = try await sandbox.controllerProcess()
            kill(process, SIGSTOP)
            defer { kill(process, SIGCONT) }
            let down = try sandbox.startShell("exec '\(Sandbox.dwell)' down hello 2>&1")
            let said = await down.lines { lines in lines.contains { $0.contains("suspended") } }
            #expect(said.last?.contains("kill -CONT \(process)") == true, "\(said)")
            kill(process, SIGCONT)
            #expect(await down.output().exitCode == 0, "it goes on by itself")
        }
    }

    @Test(arguments: [SIGINT, SIGTERM]) func anInterruptedUpSaysWhatGoesOn(_ number: CInt) async throws {
        try await Sandbox.run { sandbox in
            let go = sandbox.folder + "/go"
            try sandbox.write(
                """
                name: slow
                envs: {GO: "\(go)"}
                run: |
                  until [ -e "$GO" ]; do sleep 0.05; done
                  exec python3 -m http.server $PORT --bind 127.0.0.1
                service: {readiness_probe: /}
                """, to: "slow.yaml")
            let up = try sandbox.start("up", "slow.yaml")
            _ = await up.lines { lines in lines.contains { $0.contains("launched") } }
            kill(up.pid, number)
            let output = await up.output()
            #expect(output.exitCode == 128 + number)
            #expect(output.err.contains("interrupted; service slow is still being started"), "\(output)")
            try sandbox.write("", to: "go")
            try await eventually("it goes on without the command") {
                try await sandbox.status().service("slow").status == "READY"
            }
        }
    }

    /// Nothing is left of what nobody could find any more.
    @Test func aHomeThatIsRemovedTakesItsProcessesAlong() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.up()
            #expect(!sandbox.processes().isEmpty)
            // Again when something was written there meanwhile.
            try await eventually("it is gone") {
                try? FileManager.default.removeItem(atPath: sandbox.home)
                return !FileManager.default.fileExists(atPath: sandbox.home)
            }
            try await eventually("all of them end") { sandbox.processes().isEmpty }
        }
    }

    @Test func aHomeThatIsAFileIsSaidSo() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write("", to: "file")
            let output = try await sandbox.dwell("status", environment: ["DWELL_HOME": sandbox.folder + "/file"])
            #expect(output.exitCode == 1)
            #expect(output.errors.count == 1 && output.err.contains("not a folder"), "\(output)")
        }
    }

    @Test(.enabled(if: getuid() == 0, "a file system of its own takes a mount namespace"))
    func aFullDiskIsSaidSoAndNothingIsHalfDone() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.writeService()
            let output = try await sandbox.shell(
                """
                mkdir -p mnt
                exec unshare --mount bash -c '
                    mount -t tmpfs -o size=4m tmpfs mnt
                    export DWELL_HOME="$PWD/mnt/home"
                    "$DWELL" status > before
                    dd if=/dev/zero of=mnt/filler bs=4k 2>dd.log
                    "$DWELL" up hello.yaml 2> err; echo "code $?"
                    rm mnt/filler
                    "$DWELL" status > after; "$DWELL" events
                    sqlite3 "$DWELL_HOME/dwell.db" "pragma integrity_check"
                    cmp before after && echo unchanged
                '
                """)
            let errors = try String(contentsOfFile: sandbox.folder + "/err", encoding: .utf8)
            #expect(output.out.contains("code 1"), "\(output)\(errors)")
            #expect(errors.split(separator: "\n").count == 1 && errors.contains("no space left"), "\(errors)")
            #expect(output.out.contains("ok\n") && output.out.contains("unchanged"), "\(output)")
        }
    }

    /// It says nothing of the service: nothing else would ever launch it again.
    @Test(.enabled(if: getuid() == 0, "a file system of its own takes a mount namespace"))
    func aLaunchThatFailsForWantOfSpaceIsTriedAgain() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.writeService()
            let output = try await sandbox.shell(
                """
                mkdir -p mnt
                exec unshare --mount bash -c '
                    mount -t tmpfs -o size=256k tmpfs mnt && mkdir -m 700 mnt/run && ln -s "$PWD/mnt/run" "$DWELL_HOME/run"
                    log=$DWELL_HOME/logs/local/controller.log
                    await() { for _ in {1..1000}; do "$@" && return; sleep 0.05; done; echo "in vain: $*"; }
                    isTriedAgain() { grep -q "tried again" "$log"; }
                    isReady() { "$DWELL" status | grep -q "READY  *1/1"; }
                    "$DWELL" start local > /dev/null
                    dd if=/dev/zero of=mnt/filler bs=4k 2> /dev/null
                    "$DWELL" up hello.yaml --detach > /dev/null
                    await isTriedAgain
                    "$DWELL" status
                    # Also at the next try, which is a second later.
                    sleep 1.5; grep "could not be launched" "$log"
                    rm mnt/filler
                    await isReady; echo served
                    "$DWELL" terminate local --force > /dev/null
                '
                """)
            #expect(output.out.contains("served") && !output.out.contains("FAILED"), "\(output)")
            #expect(!output.out.contains("in vain"), "\(output)")
            let told = output.out.split(separator: "\n").filter { $0.contains("could not be launched") }
            #expect(told.count == 1 && told[0].contains("No space left on device; it is tried again"), "\(output)")
            #expect(!output.out.contains("Error Domain"), "\(output)")
        }
    }

    /// Nobody waits for the other end of a pipe, nor is what should be a file read without end.
    @Test(arguments: ["run/commits", "run/local.lease", "run/turn", "dwell.db"])
    func aPipeInThePlaceOfAFileIsSaidSo(_ name: String) async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            let output = try await sandbox.shell(
                #"cd "$DWELL_HOME" && rm "\#(name)" && mkfifo "\#(name)" && exec timeout 10 "$DWELL" start local"#)
            if name == "run/turn" {
                #expect(output.exitCode == 0, "it is a courtesy: \(output)")
            } else {
                #expect(output.exitCode == 1, "\(output)")
                #expect(output.errors.count == 1 && output.err.contains("it is a pipe"), "\(output)")
            }
            _ = try await sandbox.shell(#"rm "$DWELL_HOME/\#(name)""#)
        }
    }

    @Test func whatIsNoFileIsNotRestored() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("status").exitCode == 0)
            for name in ["fifo", "/dev/zero", "home"] {
                let output = try await sandbox.shell(
                    #"[ -e fifo ] || mkfifo fifo; exec timeout 10 "$DWELL" restore --stop \#(name)"#)
                #expect(output.exitCode == 2, "\(output)")
                #expect(output.errors.count == 1 && output.err.contains("it is a "), "\(output)")
            }
        }
    }

    /// Else what is ours would be written to wherever it leads.
    @Test func aLinkAmongTheLogsIsNotFollowed() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            _ = try await sandbox.shell(#"mkdir elsewhere && ln -s "$PWD/elsewhere" "$DWELL_HOME/logs/local/hello""#)
            try sandbox.writeService()
            let output = try await sandbox.dwell("up", "hello.yaml")
            #expect(output.exitCode == 1 && (output.out + output.err).contains("it is a symbolic link"), "\(output)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: sandbox.folder + "/elsewhere") == [])
            _ = try await sandbox.dwell("down", "hello", "--purge")
        }
    }

    @Test func aDatabaseThatIsNoneIsSaidSo() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(String(repeating: "not a database. ", count: 500), to: "home/dwell.db")
            let output = try await sandbox.dwell("status")
            #expect(output.exitCode == 1)
            #expect(output.errors.count == 1 && output.err.contains("dwell.db"), "\(output)")
        }
    }

    @Test func aDatabaseFromANewerDwellIsRefused() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("status").exitCode == 0)
            _ = try await sandbox.shell(
                #"sqlite3 "$DWELL_HOME/dwell.db" "insert into schema_migrations select 9999, 'from the future', checksum, applied_at_us from schema_migrations limit 1""#
            )
            let output = try await sandbox.dwell("status")
            #expect(output.exitCode == 1)
            #expect(output.errors.count == 1 && output.err.contains("newer"), "\(output)")
        }
    }

    @Test func eventsCannotBeChangedWithTheShell() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            for statement in ["update events set actor = 'nobody'", "delete from events"] {
                let output = try await sandbox.shell(#"sqlite3 "$DWELL_HOME/dwell.db" "\#(statement)""#)
                #expect(output.exitCode != 0)
                #expect(output.err.contains("append"), "\(output)")
            }
        }
    }

    @Test func whatIsOursIsForNobodyElseToRead() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.shell(#"rm -r "$DWELL_HOME"; umask 000; "$DWELL" start local"#)
            _ = try await sandbox.shell("mkdir -p code/more && echo exit > code/run && chmod 777 code/run code/more")
            _ = try await sandbox.up()
            let open = try await sandbox.shell(#"find "$DWELL_HOME" ! -type l -perm /077 -not -name config.yaml"#)
            #expect(open.out.isEmpty, "\(open.out)")
            let code = try await sandbox.shell(#"find "$DWELL_HOME/sources" -name run -perm 700"#)
            #expect(!code.out.isEmpty, "what can be run stays so")
        }
    }
}

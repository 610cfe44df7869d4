import Foundation
import Testing

/// The controller process and its keeper are dead while an idle deadline passes: whichever command comes first.
@Suite struct Overdue {
    /// A controller whose window ended a while ago, with nobody there to see it.
    private func prepare(_ sandbox: Sandbox) async throws {
        // A machine may be so busy that a short window is over before everything is killed: then a longer one.
        for window in [4, 16] where try await isKilledWhileIdle(sandbox, seconds: window) { break }
        try #require(try await sandbox.query("select status from controllers") == ["IDLE"])
        try await eventually("the deadline is past", within: 40) {
            try await sandbox.count(
                "deadlines where kind = 'idle' and due_at_us < (julianday('now') - 2440587.5) * 86400000000") == 1
        }
    }

    /// Begins a life in a home without a log, and kills everything within the window after its service has gone.
    private func isKilledWhileIdle(_ sandbox: Sandbox, seconds: Int) async throws -> Bool {
        try await sandbox.killEverything(named: ["dwell"])
        try? FileManager.default.removeItem(atPath: sandbox.home)
        try FileManager.default.createDirectory(
            atPath: sandbox.home, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try sandbox.configure("serve: {controller: {autostop: \(seconds)s}}")
        try sandbox.write("name: hello\nrun: 'true'\nservice: {readiness_probe: /, replicas: 0}\n", to: "hello.yaml")
        #expect(try await sandbox.dwell("up", "hello.yaml").exitCode == 0)
        // Down, and killed before the window is over; by whatever name, for one that is just being started has no other yet.
        _ = try await sandbox.dwell("down", "hello")
        try await sandbox.killEverything(named: ["dwell"])
        return try await sandbox.query("select status from controllers") == ["IDLE"]
    }

    private func checkPeriod(_ sandbox: Sandbox) async throws {
        let period = try await sandbox.query(
            "select how || ' ' || (lateness_seconds > 0) from idle_periods order by began limit 1")
        #expect(period == ["stopped by deadline 1"])
        #expect(try await sandbox.dwell("verify").exitCode == 0)
    }

    /// Whoever comes a moment after it has ended is told what ended it.
    @Test(arguments: [["stop", "local"], ["autostop", "local", "--idle", "100s"]])
    func whatEndedItIsSaid(_ command: [String]) async throws {
        try await Sandbox.run { sandbox in
            try sandbox.configure("serve: {controller: {autostop: {idle: 0, down: true}}}")
            #expect(try await sandbox.dwell("start").exitCode == 0)
            try await eventually("it has ended") {
                try await sandbox.query("select status from controllers") == ["TERMINATED"]
            }
            let late = try await sandbox.dwell(command)
            #expect(late.exitCode == 1 && late.errors.count == 1, "\(late)")
            #expect(late.err.contains("controller local does not exist: it was terminated "), "\(late)")
            #expect(
                late.err.contains("by its idle deadline")
                    && late.err.contains("late; `dwell start local` begins another life of it; there is no other"),
                "\(late)")
        }
    }

    @Test func anUpStartsItAnew() async throws {
        try await Sandbox.run { sandbox in
            try await prepare(sandbox)
            let up = try await sandbox.dwell("up", "hello.yaml")
            #expect(up.exitCode == 0 && up.out.contains("its idle window was over"), "\(up)")
            #expect(!up.out.contains("was idle and warm"), "\(up)")
            try await checkPeriod(sandbox)
        }
    }

    @Test(arguments: [["stop", "local"], ["autostop", "local", "--idle", "100s"], ["start", "local"]])
    func theOthersFindItStopping(_ command: [String]) async throws {
        try await Sandbox.run { sandbox in
            try await prepare(sandbox)
            let output = try await sandbox.dwell(command)
            #expect(output.exitCode == 0, "\(output)")
            try await checkPeriod(sandbox)
            let starts = command[0] == "start" ? 2 : 1
            try await eventually("it came to what was asked for") {
                let stops = try await sandbox.count("events where type = 'controller.stopped'")
                return try await sandbox.count("events where type = 'controller.started'") == starts && stops > 0
            }
        }
    }

    @Test(arguments: [
        ["status"], ["report"], ["verify"], ["replay"], ["rebuild"], ["diff", "1h"], ["explain", "local"],
        ["validate", "hello.yaml"], ["install-service", "--print"], ["backup", "copy.db"],
        ["timer"], ["controller", "run", "another"],
    ])
    func whateverIsAskedBringsItBack(_ command: [String]) async throws {
        try await Sandbox.run { sandbox in
            try await prepare(sandbox)
            #expect(try await sandbox.dwell(command).exitCode == 0)
            try await eventually("it is stopped after \(command)") {
                try await sandbox.query("select status from controllers") == ["STOPPED"]
            }
            try await checkPeriod(sandbox)
        }
    }

    /// Nothing can be written where the controller's process writes its log.
    @Test func whatCannotBeStartedIsToldAfterTheAnswer() async throws {
        try await Sandbox.run { sandbox in
            try await prepare(sandbox)
            _ = try await sandbox.shell(#"mv "$DWELL_HOME/logs" "$DWELL_HOME/kept" && echo x > "$DWELL_HOME/logs""#)
            for command in [["status"], ["status", "--json"], ["events"]] {
                let output = try await sandbox.dwell(command)
                #expect(output.exitCode == 1 && output.err.contains("cannot start controller local"), "\(output)")
                #expect(output.out.contains("local"), "\(command): \(output)")
            }
            let before = try await sandbox.count("events")
            for command in [["autostop", "local", "--idle", "9s"], ["stop", "local"], ["terminate", "local"]] {
                let output = try await sandbox.dwell(command)
                #expect(output.exitCode == 1 && output.err.contains("cannot start controller local"), "\(output)")
                #expect(try await sandbox.count("events") == before, "nothing half done: \(command)")
            }
            for command in [["up", "hello.yaml", "--controller", "other"], ["start", "other"]] {
                let output = try await sandbox.dwell(command)
                #expect(output.exitCode == 1 && output.err.contains("cannot start controller other"), "\(output)")
                #expect(try await sandbox.count("events where stream = 'other'") == 0, "nothing half done")
            }
            _ = try await sandbox.shell(#"rm "$DWELL_HOME/logs" && mv "$DWELL_HOME/kept" "$DWELL_HOME/logs""#)
            #expect(try await sandbox.dwell("status").exitCode == 0)
        }
    }

    /// What can be read is told, and nothing is changed.
    @Test func aHomeThatIsReadOnlyIsAnsweredFrom() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            _ = try await sandbox.shell(#"chmod 555 "$DWELL_HOME""#)
            let status = try await sandbox.dwell("status")
            let start = try await sandbox.dwell("start", "local")
            _ = try await sandbox.shell(#"chmod 700 "$DWELL_HOME""#)
            #expect(status.exitCode == 0 && status.out.contains("STOPPED"), "\(status)")
            #expect(status.err.contains("it is read-only (mode 555)"), "\(status)")
            #expect(start.exitCode == 1 && start.errors.count == 1 && start.err.contains("chmod u+rwx"), "\(start)")
            #expect(try await sandbox.count("events where type = 'controller.starting'") == 1)
        }
    }
}

import Foundation
import Testing

/// Hooks of `config.yaml`, run by a real controller.
@Suite struct HooksEndToEnd {
    private func lines(_ sandbox: Sandbox) -> [String] {
        ((try? String(contentsOfFile: sandbox.folder + "/told", encoding: .utf8)) ?? "").split(separator: "\n").map(
            String.init)
    }

    private func configure(_ sandbox: Sandbox, _ more: String = "") throws {
        let tell = "echo $DWELL_HOOK $DWELL_CONTROLLER >> '\(sandbox.folder)/told'"
        let hooks = ["start", "idle", "wake", "stop", "terminate"].map { "  \($0): \"\(tell)\"" }
        try sandbox.write((["hooks:"] + hooks).joined(separator: "\n") + "\n" + more, to: "home/config.yaml")
    }

    @Test func eachRunsWhenItsTimeHasCome() async throws {
        try await Sandbox.run { sandbox in
            try configure(sandbox)
            _ = try await sandbox.up()
            #expect(try await sandbox.dwell("down", "hello").exitCode == 0)
            _ = try await sandbox.up()
            #expect(try await sandbox.dwell("down", "hello").exitCode == 0)
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            #expect(lines(sandbox).filter { $0 == "stop local" }.count == 1, "it has run when stop returns")
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            #expect(try await sandbox.dwell("terminate", "local").exitCode == 0)
            let told = lines(sandbox).map { $0.replacing(" local", with: "") }
            #expect(Set(told) == ["start", "idle", "wake", "stop", "terminate"], "\(told)")
            #expect(told.last == "terminate")
            #expect(
                try await sandbox.count(
                    "audit_log where event = 'controller.hook_ended' and what like '%exited with code 0'")
                    == told.count)
        }
    }

    @Test func oneThatHangsHoldsTheStopBackForItsTimeoutOnly() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(
                "controllers: {local: {hooks: {stop: {run: \"trap '' TERM; while :; do sleep 0.1; done\", timeout: 4s}}}}\n",
                to: "home/config.yaml")
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            #expect(try await sandbox.status().controller().status == "STOPPED")
            #expect(
                try await sandbox.query("select what from audit_log where event = 'controller.hook_ended'")
                    == ["hook stop had not ended after 4 s and was killed"])
            // The grace period is a part of it.
            let took = try await sandbox.query(
                "select (b.at_us - a.at_us) / 1e6 from events a, events b where a.type = 'controller.hook_started' and b.type = 'controller.hook_ended'"
            )
            #expect(try #require(took.first.flatMap(Double.init)) < 4.9, "\(took)")
            try await eventually("nothing of it is left") { sandbox.processes(named: "sleep").isEmpty }
        }
    }

    /// SkyPilot's place for it; and what it writes is kept.
    @Test func aHookThatFailsIsReportedAndHoldsNothingBack() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(
                "serve: {controller: {autostop: {idle: 0.3s, hook: echo cannot; exit 3}}}\n", to: "home/config.yaml")
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            try await eventually("it stops itself") { try await sandbox.status().controller().status == "STOPPED" }
            #expect(
                try await sandbox.query("select what from audit_log where event = 'controller.hook_ended'")
                    == ["hook stop exited with code 3"])
            #expect(try String(contentsOfFile: sandbox.home + "/logs/local/hooks.log", encoding: .utf8) == "cannot\n")
            for question in [["status"], ["explain", "local"], ["status", "--at", "now"]] {
                let told = try await sandbox.dwell(question).out
                #expect(
                    told.contains("ts hook stop exited with code 3, ") && told.contains("logs/local/hooks.log"),
                    "\(told)")
            }
            let json = try await sandbox.dwell("status", "--json").out
            #expect(json.contains("\"outcome\" : \"exited with code 3\""), "\(json)")
            // With a window so long that no other hook can have run when it is looked at.
            #expect(try await sandbox.dwell("start", "local", "--idle", "1h").exitCode == 0)
            #expect(try await !sandbox.dwell("status").out.contains("hook stop"), "it was started since")
        }
    }

    /// What it asks for waits for it, so it is not to wait for that.
    @Test(arguments: [
        ("stop", "stop local", "Controller local is stopped once this hook (stop) has ended."),
        ("idle", "stop local", "Controller local is stopped once this hook (idle) has ended."),
        ("stop", "terminate local", "Controller local is terminated once this hook (stop) has ended."),
        ("terminate", "start local", "controller local is being terminated; it can be started once this hook"),
    ])
    func oneThatIsAboutItsOwnControllerDoesNotWaitForItself(
        _ hook: String, _ command: String, _ says: String
    ) async throws {
        try await Sandbox.run { sandbox in
            let run = "\(Sandbox.dwell) \(command) >> '\(sandbox.folder)/told' 2>&1; true"
            try sandbox.write("hooks: {\(hook): {run: \"\(run)\", timeout: 1h}}\n", to: "home/config.yaml")
            // The hook may be quicker than who waits for the start.
            _ = try await sandbox.dwell("start", "local")
            if hook == "stop" { #expect(try await sandbox.dwell("stop", "local").exitCode == 0) }
            if hook == "terminate" { #expect(try await sandbox.dwell("terminate", "local").exitCode == 0) }
            let end = command == "stop local" ? "STOPPED" : "TERMINATED"
            try await eventually("it comes to its end") {
                try await sandbox.query("select status from controllers") == [end]
            }
            #expect(lines(sandbox).count == 1 && lines(sandbox)[0].contains(says), "\(lines(sandbox))")
            #expect(
                try await sandbox.query("select what from audit_log where event = 'controller.hook_ended'")
                    == ["hook \(hook) exited with code 0"])
            #expect(try await sandbox.count("events where type = 'controller.stopping'") <= 1)
        }
    }

    /// It is read when it runs, and somebody may be in the middle of an edit then.
    @Test func aFileThatIsBrokenMeanwhileTakesNoHookAway() async throws {
        try await Sandbox.run { sandbox in
            try configure(sandbox)
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            try sandbox.write("hooks: {stop: [\n", to: "home/config.yaml")
            // Whoever comes after it knows it as well.
            try await sandbox.killEverything(named: ["dwell-"])
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            #expect(lines(sandbox).contains("stop local"), "\(lines(sandbox))")
            let log = try String(contentsOfFile: sandbox.home + "/logs/local/controller.log", encoding: .utf8)
            #expect(log.contains("config.yaml:") && log.contains("what it said before goes on"), "\(log)")
            let kept = try FileManager.default.attributesOfItem(
                atPath: sandbox.home + "/run/config.last-read.yaml")
            #expect(kept[.posixPermissions] as? Int == 0o600)
            // One that is taken away is not broken: it says that there is no hook.
            try configure(sandbox)
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            unlink(sandbox.home + "/config.yaml")
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            #expect(lines(sandbox).filter { $0 == "stop local" }.count == 1)
        }
    }

    /// The machine goes down under it, as with `poweroff`: it is not run again, and the stop comes to its end.
    @Test func oneThatIsCutOffIsNotRunAgain() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(
                "hooks: {stop: \"echo ran >> '\(sandbox.folder)/told'; sleep 1000\"}\n", to: "home/config.yaml")
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            let stop = try sandbox.start("stop", "local")
            try await eventually("the hook runs") { lines(sandbox) == ["ran"] }
            // And who waits for the stop, which would bring back what runs the hook.
            try await sandbox.killEverything(named: ["dwell"])
            #expect(!sandbox.processes(named: "sleep").isEmpty, "the hook goes on, and would take away what comes next")
            try await eventually("it is stopped") { try await sandbox.status().controller().status == "STOPPED" }
            _ = await stop.output()
            #expect(lines(sandbox) == ["ran"])
            #expect(sandbox.processes(named: "sleep").isEmpty, "so it is ended")
            #expect(
                try await sandbox.query("select what from audit_log where event = 'controller.hook_ended'")
                    == ["hook stop was interrupted, and is not run again"])
        }
    }

    /// SkyPilot's `{down: true, hook: …}`, and a hook of the idleness that would be cut off by one that ends the machine.
    @Test func autostopThatGoesDownRunsItsHookFirst() async throws {
        try await Sandbox.run { sandbox in
            let tell = "echo $DWELL_HOOK $DWELL_REASON >> '\(sandbox.folder)/told'"
            try sandbox.write(
                """
                hooks: {idle: "sleep 0.3; \(tell)"}
                serve: {controller: {autostop: {idle: 0, down: true, hook: "\(tell)", hook_timeout: 5}}}

                """, to: "home/config.yaml")
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            try await eventually("it is gone, and nothing is left") { sandbox.processes(named: "dwell").isEmpty }
            #expect(lines(sandbox) == ["idle", "stop idle_deadline"])
            #expect(try await sandbox.query("select status from controllers") == ["TERMINATED"])
        }
    }

    /// Nothing of it runs when `terminate_after` is over: a process is begun for the hook. Killed with it, the hook is
    /// not run again, and the termination comes to its end.
    @Test(arguments: [false, true])
    func aControllerThatStaysStoppedRunsItsHookAtItsEnd(_ isKilled: Bool) async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(
                """
                hooks: {terminate: "echo ran >> '\(sandbox.folder)/told'; echo $DWELL_REASON\(isKilled ? "; sleep 1000" : "")"}
                serve: {controller: {autostop: {idle: 0.2s, terminate_after: 0.5s}}}

                """, to: "home/config.yaml")
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            try await eventually("the hook runs") { lines(sandbox) == ["ran"] }
            if isKilled {
                try await sandbox.killEverything(named: ["dwell-"])
                #expect(try await sandbox.dwell("status").exitCode == 0)
            }
            try await eventually("it is gone, and nothing is left") { sandbox.processes().isEmpty }
            #expect(lines(sandbox) == ["ran"])
            #expect(try await sandbox.dwell("logs", "local", "--hooks").out == "terminate_after\n")
            #expect(try await sandbox.query("select status from controllers") == ["TERMINATED"])
            #expect(
                try await sandbox.query("select what from audit_log where event = 'controller.hook_ended'")
                    == ["hook terminate " + (isKilled ? "was interrupted, and is not run again" : "exited with code 0")]
            )
            #expect(try await sandbox.count("audit_log where what like '%after a crash'") == (isKilled ? 1 : 0))
        }
    }

    /// Nobody was there to begin the termination that was due, and its hook is to run before the next life.
    @Test(arguments: [["up", "hello.yaml"], ["start", "local"]])
    func whoComesAfterItsEndWaitsForTheHook(_ command: [String]) async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(
                """
                hooks: {terminate: "echo ran >> '\(sandbox.folder)/told'"}
                serve: {controller: {autostop: {idle: 10m, terminate_after: 3s}}}

                """, to: "home/config.yaml")
            try sandbox.writeService()
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            try await sandbox.killEverything(named: ["dwell"])
            try await eventually("it is due") {
                try await sandbox.count(
                    "deadlines where kind = 'termination' and due_at_us < (julianday('now') - 2440587.5) * 86400000000")
                    == 1
            }
            let output = try await sandbox.dwell(command)
            #expect(output.exitCode == 0, "\(output)")
            #expect(lines(sandbox) == ["ran"])
            #expect(try await sandbox.query("select incarnation from controllers") == ["2"])
        }
    }

    /// It may hold a key; the arguments of a process are for every user of the machine to read.
    @Test func theCommandIsInNoCommandLineAndNotInTheLog() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(
                "hooks: {start: {run: 'key=s3cret; env > env; sleep 2', timeout: 5s}}\n", to: "home/config.yaml")
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            try await eventually("the hook runs") { !sandbox.processes(named: "sleep").isEmpty }
            for pid in sandbox.processes() {
                let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
                #expect(!String(decoding: line, as: UTF8.self).contains("s3cret"))
            }
            let given = try String(contentsOfFile: sandbox.home + "/env", encoding: .utf8)
            #expect(given.contains("DWELL_HOOK=start") && !given.contains("s3cret"), "it is not handed on either")
            #expect(try await sandbox.count("events where payload like '%s3cret%' or payload like '%sleep%'") == 0)
            let log = try FileManager.default.attributesOfItem(atPath: sandbox.home + "/logs/local/hooks.log")
            #expect(log[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test(arguments: [
        ("hooks: {stopp: x}", "config.yaml:1: hooks.stopp"), ("hooks: {stop: 3}", "must be a command for bash"),
        ("hooks: {stop: {timeout: 3s}}", "needs `run`"), ("hooks: {stop: {run: x, timeout: 0s}}", "such as 30s"),
    ])
    func whatMakesNoSenseIsRefused(_ text: String, _ says: String) async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(text + "\n", to: "home/config.yaml")
            let output = try await sandbox.dwell("start", "local")
            #expect(output.exitCode == 2 && output.errors.count == 1 && output.err.contains(says), "\(output)")
        }
    }
}

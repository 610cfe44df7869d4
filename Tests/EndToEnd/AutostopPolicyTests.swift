import Foundation
import Testing

/// What people say about when a controller stops, on real controllers with windows of a second.
@Suite struct AutostopPolicies {
    private func idle(_ sandbox: Sandbox) async throws {
        #expect(try await sandbox.dwell("start", "local").exitCode == 0)
    }

    /// The second timer: nothing of the controller runs, and it is terminated all the same; also when whoever
    /// waited for it was killed, by the next command.
    @Test(arguments: [false, true])
    func aControllerThatStaysStoppedIsTerminated(_ timerIsKilled: Bool) async throws {
        try await Sandbox.run { sandbox in
            try await idle(sandbox)
            #expect(try await sandbox.dwell("autostop", "local", "--terminate-after", "2s").exitCode == 0)
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            #expect(try await sandbox.dwell("status").out.contains("if it stays stopped"))
            try await eventually("a process waits") { !sandbox.processes(named: "dwell-timer").isEmpty }
            if timerIsKilled { for pid in sandbox.processes(named: "dwell-timer") { kill(pid, SIGKILL) } }
            try await eventually("it is terminated, once") {
                if timerIsKilled { _ = try await sandbox.dwell("version", environment: [:]) }
                if timerIsKilled { _ = try await sandbox.dwell("events", "--limit", "1") }
                return try await sandbox.count("events where type = 'controller.terminated'") == 1
            }
            try await eventually("and nobody waits any more") { sandbox.processes().isEmpty }
            #expect(
                try await sandbox.count("audit_log where event = 'controller.terminating' and what like '%deadline%'")
                    == 1)
        }
    }

    /// Both timers in a row, and nobody gives a command after the first has begun to run.
    @Test func theChainRunsWhileNobodyLooks() async throws {
        try await Sandbox.run { sandbox in
            try await idle(sandbox)
            #expect(
                try await sandbox.dwell("autostop", "local", "--idle", "0.5s", "--terminate-after", "1s").exitCode == 0)
            try await eventually("it stops, and is terminated a second later") {
                try await sandbox.count("events where type = 'controller.terminated'") == 1
            }
            let seconds = try await sandbox.query(
                "select (b.at_us - a.at_us) / 1e6 from events a, events b where a.type = 'controller.stopped' and b.type = 'controller.terminating'"
            )
            #expect(Double(seconds.first ?? "") ?? 0 >= 1)
            try await eventually("and nobody waits any more") { sandbox.processes().isEmpty }
        }
    }

    /// A command of the user's says whether the machine is used; whatever is no answer counts as use.
    @Test func aMachineThatIsUsedIsNotStopped() async throws {
        try await Sandbox.run { sandbox in
            let says = sandbox.folder + "/says"
            try sandbox.write("active\n", to: "says")
            try sandbox.write(
                """
                controllers:
                  local:
                    autostop:
                      idle: 0.3s
                      wait_for:
                        - {name: disk, command: "cat '\(says)'", every: 1s}
                        - {name: slow, command: "[ -e '\(says).fast' ] && echo idle || sleep 60", every: 0.2s, timeout: 0.2s}
                """, to: "home/config.yaml")
            try await idle(sandbox)
            func seen() async throws -> [String] {
                try await sandbox.query("select what from audit_log where event = 'controller.use_changed'")
            }
            try await eventually("both have answered") { try await seen().count == 2 }
            for pid in sandbox.processes() {
                let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
                let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
                #expect(!words.contains { $0.contains("&& echo idle") }, "\(words)")
            }
            #expect(try await sandbox.dwell("status", "-v").out.contains("wait_for: controllers"))
            #expect(
                Set(try await seen()) == [
                    "in use: it says active (wait_for disk)", "in use: no answer within 0.2 s (wait_for slow)",
                ])
            #expect(try await sandbox.status().controller().status == "UP")
            let explained = try await sandbox.dwell("explain", "local").out
            #expect(explained.contains("Kept up by disk (wait_for): it says active"), "\(explained)")
            let status = try await sandbox.dwell("status").out
            #expect(status.contains("controller local: kept up by disk (wait_for): it says active"), "\(status)")
            try sandbox.write("idle\n", to: "says")
            try await eventually("the first is idle") {
                try await seen().contains { $0.hasSuffix("it says idle (wait_for disk)") }
            }
            #expect(try await sandbox.status().controller().status == "UP")
            try sandbox.write("", to: "says.fast")
            try await eventually("nothing uses it, and it stops") {
                try await sandbox.status().controller().status == "STOPPED"
            }
        }
    }

    @Test func whereEachValueComesFrom() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(
                """
                hooks: {idle: "true"}
                serve: {controller: {autostop: {keep_warm: ["Mon 08:00-09:00"], stop_at: ["22:00"]}}}
                controllers:
                  local: {autostop: {profile: dev, down: true, keep_warm: [], stop_at: [], hook: "true", hook_timeout: 5}}

                """, to: "home/config.yaml")
            try await idle(sandbox)
            let text = try await sandbox.dwell("status", "-v").out.replacing("\n", with: " ")
            for says in [
                "idle window: controllers (profile dev), down: controllers, terminate_after: controllers (profile dev)",
                "keep_warm: controllers, stop_at: controllers, min_start_interval: default, wait_for: default",
                "hook idle (timeout 1m): hooks", "hook stop (timeout 5s): controllers, autostop.hook",
            ] { #expect(text.contains(says), "\(says) in \(text)") }
        }
    }

    @Test func theBatchProfileLeavesNothing() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write("controllers: {local: {autostop: {idle: 0, down: true}}}\n", to: "home/config.yaml")
            _ = try await sandbox.up()
            #expect(try await sandbox.dwell("status", "-v").out.contains("idle window: controllers, down: controllers"))
            #expect(try await sandbox.dwell("down", "hello").exitCode == 0)
            try await eventually("it is terminated at once") {
                try await sandbox.count("events where type = 'controller.terminated'") == 1
            }
        }
    }

    /// No request, so the service goes; no service, so the controller dwells and stops: nobody types anything.
    @Test func aServiceNobodyAsksForGoesByItself() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.writeService()
            try sandbox.write(
                "name: hello\nworkdir: .\nrun: exec python3 server.py\nservice: {readiness_probe: /, idle_down: 2s}\n",
                to: "hello.yaml")
            #expect(try await sandbox.dwell("up", "hello.yaml").exitCode == 0)
            #expect(try await sandbox.dwell("autostop", "local", "--idle", "0.2s").exitCode == 0)
            let url = try await sandbox.status().service("hello").endpoint
            for question in [["status"], ["explain", "hello"]] {
                let told = try await sandbox.dwell(question).out
                #expect(
                    told.contains("ithout a request for 2s it goes (idle_down); none has come yet: it goes at "),
                    "\(told)")
            }
            let load = Load(url, clients: 1)
            try await eventually("longer than that it is asked for", within: 10) {
                try await sandbox.count("(select 1 from services where strftime('%s') - ready_since_us / 1000000 > 3)")
                    == 1
            }
            _ = await load.stop()
            try await eventually("then it goes, and the controller after it") {
                try await sandbox.status().controller().status == "STOPPED"
            }
            let gone = try await sandbox.dwell("explain", "hello")
            #expect(gone.exitCode == 0 && gone.out.contains("so it went (idle_down)."), "\(gone)")
            #expect(try await sandbox.dwell("explain", "never").exitCode == 1)
            #expect(
                try await sandbox.count("audit_log where event = 'service.down_requested' and what like '%idle_down%'")
                    == 1)
            // What the archive has, the archive tells.
            let archive = sandbox.folder + "/old.db"
            #expect(try await sandbox.dwell("archive", "--before", "now", archive).exitCode == 0)
            let archived = try await sandbox.dwell("explain", "hello")
            #expect(archived.exitCode == 1 && archived.err.contains("dwell explain hello --log "), "\(archived)")
            #expect(
                try await sandbox.dwell("explain", "hello", "--log", archive).out.contains("so it went (idle_down)."))
        }
    }

    /// A window of 0 ends what `start` has begun, and it says so, whoever is quicker.
    @Test(arguments: ["0", "{profile: batch}", "{idle: 0, hook: sleep 0.3}"])
    func aStartWithAWindowOfZeroSaysWhatBecameOfIt(_ autostop: String) async throws {
        try await Sandbox.run { sandbox in
            try sandbox.configure("serve: {controller: {autostop: \(autostop)}}")
            for _ in 0..<5 {
                let start = try await sandbox.dwell("start", "local")
                #expect(start.exitCode == 0 && start.err.isEmpty, "\(start)")
                #expect(start.out.hasPrefix("Controller local was up ("), "\(start)")
                #expect(start.out.contains("at once: its window is 0 and it has no service"), "\(start)")
                try await eventually("nothing is left") { sandbox.processes(named: "dwell").isEmpty }
            }
        }
    }

    /// What was asked for has happened, whatever came after it.
    @Test func aStopThatSomebodyStartsAgainIsDone() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.configure("hooks: {stop: 'touch stopping; until [ -e started ]; do sleep 0.05; done'}")
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            let stop = try sandbox.start("stop", "local")
            try await eventually("it stops") { FileManager.default.fileExists(atPath: sandbox.home + "/stopping") }
            // It waits for the stop to end, which waits for it to have been asked for.
            async let start = sandbox.dwell("start", "local")
            try await eventually("the start is asked for") {
                try await sandbox.dwell("events", "--json").out.contains("controller.start_requested")
            }
            try Data().write(to: URL(filePath: sandbox.home + "/started"))
            #expect(try await start.exitCode == 0)
            let output = await stop.output()
            #expect(output.exitCode == 0 && output.err.isEmpty, "\(output)")
            #expect(
                output.out.firstMatch(
                    of: /Controller local was stopped \([0-9.]+ s\), and was started again by [^ ]+@[^ ]+ since\./)
                    != nil,
                "\(output)")
            let up = try await sandbox.dwell("explain", "local").out
            #expect(up.contains("from the command line"), "\(up)")
        }
    }

    /// What one that was killed has left is no answer to what is asked now, and nothing that asks outlives the controller.
    @Test func anAnswerThatWasLeftIsNone() async throws {
        try await Sandbox.run { sandbox in
            func configure(_ question: String) throws {
                try sandbox.configure(
                    "serve: {controller: {autostop: {idle: 0, wait_for: [{name: job, command: '\(question)', "
                        + "every: 30s, timeout: 30s}]}}}")
            }
            try configure("true")
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            try "idle\n".write(toFile: sandbox.home + "/run/local-use-0", atomically: true, encoding: .utf8)
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            try await eventually("it is asked") {
                let isAsked = try await sandbox.count("events where type = 'controller.use_changed'") > 0
                let status = try await sandbox.status().controllers.first?.status
                return isAsked || status != "UP"
            }
            #expect(try await sandbox.status().controllers.first?.status == "UP")
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)

            try configure("trap \"\" TERM; sleep 600")
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            try await eventually("it asks") { !sandbox.processes(named: "sleep").isEmpty }
            #expect(try await sandbox.dwell("terminate", "local").exitCode == 0)
            try await eventually("nothing is left") { sandbox.processes().isEmpty }
        }
    }

    /// A moment of the clock is told as that moment, and not as the second before it.
    @Test func whatIsDueIsToldToTheNearestSecond() async throws {
        try await Sandbox.run { sandbox in
            let minutes = (0..<4).map { String(format: "%02d:%02d", [3, 9, 15, 21][$0], 7 * ($0 + 1)) }
            let written = minutes.map { "\"\($0) UTC\"" }.joined(separator: ", ")
            try sandbox.configure("serve: {controller: {autostop: {idle: 7d, stop_at: [\(written)]}}}")
            try await idle(sandbox)
            // Worked out anew each time, from another fraction of a second.
            for _ in 0..<5 {
                let policy = try await sandbox.dwell("autostop", "local", "--idle", "7d").out
                #expect(policy.firstMatch(of: /it stops at .*[0-9]{2}:[0-9]{2}:00 unless/) != nil, "\(policy)")
                let status = try await sandbox.dwell("status").out
                #expect(status.firstMatch(of: /[0-9]{2}:[0-9]{2}:00\)/) != nil, "\(status)")
                let explained = try await sandbox.dwell("explain", "local").out
                #expect(explained.firstMatch(of: /It stops at .*[0-9]{2}:[0-9]{2}:00, in/) != nil, "\(explained)")
            }
            #expect(
                try await sandbox.query("select what from audit_log where what like 'idle; stops at%'")
                    .allSatisfy { $0.contains(":00 unless") })
        }
    }

    /// All the time there is lies within it: the window alone would say that it stops.
    @Test func whatIsKeptWarmForEverIsSaid() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.configure(
                "serve: {controller: {autostop: {idle: 0.1s, keep_warm: [\"00:00-24:00\"], stop_at: [\"12:00\"]}}}")
            try await idle(sandbox)
            let status = try await sandbox.dwell("status").out
            #expect(status.contains("0.1s, never (keep_warm)"), "\(status)")
            #expect(status.contains("never stops by itself: all the time there is lies within keep_warm"), "\(status)")
            #expect(status.contains("stop_at 12:00 lies within keep_warm 00:00-24:00, which wins"), "\(status)")
        }
    }

    @Test(arguments: [
        (["--idle", "5m", "--cancel"], "say one of"), (["--pause", "soon"], "soon"), (["--reason", "x"], "say one of"),
        (["--terminate-after", "x"], "\"x\" is not a time"), (["--resume", "--idle", "5m"], "say one of"),
        (["--pause", "--resume"], "say one of"), (["2h", "--idle", "3h"], "say one of"),
        (["--idle", "-5m"], "\"-5m\" is negative"),
        (["--idle", "5m", "--down", "--no-down"], "--down"), (["--keep-clock"], "--keep-clock says from when"),
    ])
    func whatMakesNoSenseIsRefused(_ options: [String], _ says: String) async throws {
        try await Sandbox.run { sandbox in
            let output = try await sandbox.dwell(["autostop", "local"] + options)
            #expect(output.exitCode == 2 && output.errors.count == 1 && output.err.contains(says), "\(output)")
        }
    }
}

import Foundation
import Testing

/// What people get wrong: each gives one clear line and the right exit code, and nothing half done.
@Suite struct BadInput {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var file: String
        /// What the one line must say.
        var says: [String]
    }

    @Test(arguments: [
        Case(testDescription: "not YAML", file: "run: [1\nservice: {}\n", says: ["case.yaml:2", "not YAML"]),
        Case(testDescription: "not a section", file: "just words\n", says: ["case.yaml:1", "key: value"]),
        Case(testDescription: "empty", file: "", says: ["case.yaml", "empty"]),
        Case(
            testDescription: "unknown key", file: "run: serve\nservice:\n  readiness_prob: /\n",
            says: ["case.yaml:3", "service.readiness_prob", "`readiness_probe`"]),
        Case(
            testDescription: "name with a way up", file: "name: ../../etc\nrun: serve\nservice: {}\n",
            says: ["case.yaml:1", "name", "lower-case letters"]),
        Case(
            testDescription: "name with spaces", file: "name: my model\nrun: serve\nservice: {}\n",
            says: ["case.yaml:1", "my model"]),
        Case(
            testDescription: "name that is too long",
            file: "name: \(String(repeating: "a", count: 64))\nrun: serve\nservice: {}\n",
            says: ["case.yaml:1", "at most 63"]),
        Case(testDescription: "no run", file: "service: {}\n", says: ["case.yaml:1", "`run`"]),
        Case(testDescription: "no service", file: "run: serve\n", says: ["case.yaml:1", "`service`"]),
        Case(
            testDescription: "workdir that is not there", file: "run: serve\nworkdir: nowhere\nservice: {}\n",
            says: ["case.yaml:2", "nowhere", "does not exist"]),
        Case(
            testDescription: "port beyond the last", file: "run: serve\nresources: {ports: 70000}\nservice: {}\n",
            says: ["case.yaml:2", "resources.ports", "65535"]),
        Case(
            testDescription: "replicas in words", file: "run: serve\nservice:\n  replicas: two\n",
            says: ["case.yaml:3", "service.replicas", "whole number"]),
    ])
    func aBadFileIsRefusedAndNothingIsMade(_ bad: Case) async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(bad.file, to: "case.yaml")
            let output = try await sandbox.dwell("up", "case.yaml")
            #expect(output.exitCode == 2)
            #expect(output.errors.count == 1, "\(output)")
            for word in bad.says { #expect(output.err.contains(word), "\(word): \(output.err)") }
            #expect(output.out.isEmpty)
            #expect(!FileManager.default.fileExists(atPath: sandbox.home + "/dwell.db"))
        }
    }

    /// A terminal takes them for orders: to name its window, to move, to wipe what is there.
    @Test func whatOthersWroteIsNoOrderToATerminal() async throws {
        try await Sandbox.run { sandbox in
            let order = "\u{1b}]0;pwn\u{7}"
            let key = "\"\\e]0;pwn\\a\""
            try sandbox.write("name: \(key)\n\(key): 1\nrun: serve\nservice: {readiness_probe: /}\n", to: "case.yaml")
            try sandbox.configure("\(key): 1")
            try sandbox.writeService()
            let commands = [
                ["validate", "case.yaml"], ["up", "case.yaml"], ["up", "hello.yaml"], ["doctor"],
                ["up", "\(order).yaml"], ["status", order], ["down", order], ["up", "hello.yaml", "-n", order], [order],
                ["--\(order)"],
                ["up", "hello.yaml", "--env", "\(order)=1"], ["events", "--since", order],
            ]
            for command in commands {
                let output = try await sandbox.dwell(command)
                let said = output.out + output.err
                #expect(output.exitCode != 0 && !said.contains("\u{1b}") && !said.contains("\u{7}"), "\(output)")
                #expect(said.contains("\\x1b]0;pwn\\x07"), "\(output)")
            }
            let lines = try await sandbox.dwell("stop", "a\ndwell: all is well")
            #expect(lines.exitCode == 2 && lines.errors.count == 1 && lines.err.contains("a\\ndwell"), "\(lines)")
        }
    }

    @Test(arguments: [
        (["up", "missing.yaml"], 2, "missing.yaml: does not exist"),
        (["up", "."], 2, "folder"),
        (["up", "hello.yaml", "-n", "../x"], 2, "cannot be the name"),
        (["up", "hello.yaml", "-n", "a b"], 2, "cannot be the name"),
        (["up", "hello.yaml", "--controller", "UP"], 2, "cannot be the name"),
        (["up", "hello.yaml", "--env", "1=2"], 2, "--env 1=2"),
        (["up", "hello.yaml", "--env", "SURELY_NOT_SET"], 2, "SURELY_NOT_SET is not set"),
        (["down", "ghost"], 1, "no service ghost"),
        (["down"], 2, "--all"),
        (["status", "ghost"], 1, "ghost"),
        (["stop", "ghost"], 1, "controller ghost does not exist"),
        (["terminate", "ghost"], 1, "controller ghost does not exist"),
        (["autostop", "ghost", "-i", "5"], 1, "controller ghost does not exist"),
        (["autostop", "local", "--idle", "soon"], 2, "soon"),
        (["autostop", "local", "-i", "-5"], 2, "0 or more"),
        (["autostop", "local"], 2, "--idle"),
        (["autostop", "local", "--wait-fr", "none"], 2, "Unknown option '--wait-fr'"),
        (["autostop", "local", "--pause", "-5m"], 2, "\"-5m\" is negative"),
        (["autostop", "local", "--hook", "poweroff"], 2, "controllers.NAME.autostop.hook"),
        (["autostop", "local", "--terminate-after", "9999999d"], 2, "a time must be a hundred years at most"),
        (["start", "--idle", "soon"], 2, "soon"),
        (["logs", "ghost"], 1, "ghost"),
        (["statsu"], 2, "statsu"),
    ])
    func aBadCommandIsRefused(_ arguments: [String], _ code: Int32, _ says: String) async throws {
        try await Sandbox.run { sandbox in
            try sandbox.writeService()
            let output = try await sandbox.dwell(arguments)
            #expect(output.exitCode == code, "\(output)")
            #expect(output.err.contains(says), "\(output)")
            #expect(output.errors.count == 1 && output.err.hasPrefix("dwell: "), "\(output)")
            #expect(sandbox.processes().isEmpty)
        }
    }

    @Test func aNameThatLivesIsRefusedAndTheListOfNamesIsGiven() async throws {
        try await Sandbox.run { sandbox in
            let url = try await sandbox.up()
            let second = try await sandbox.dwell("up", "hello.yaml")
            #expect(second.exitCode == 1)
            #expect(second.errors.count == 1 && second.err.contains("already exists"), "\(second)")
            #expect(await HTTP.get(url)?.status == 200)
            let down = try await sandbox.dwell("down", "helo")
            #expect(down.exitCode == 1)
            #expect(down.err.contains("hello"), "it lists what there is: \(down.err)")
        }
    }

    @Test func aRunThatExitsFailsTheServiceWithItsLastWords() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(
                "name: bad\nrun: |\n  echo no model here\n  exit 1\nservice: {readiness_probe: /}\n", to: "bad.yaml")
            let up = try await sandbox.dwell("up", "bad.yaml")
            #expect(up.exitCode == 1)
            #expect(up.err.contains("no model here"), "the tail of its log: \(up.err)")
            #expect(up.err.contains("service bad FAILED"))
            #expect(try await sandbox.status().service("bad").status == "FAILED")
            #expect(try await sandbox.count("audit_log where event = 'replica.launched'") == 1, "no restart loop")
            // The name is free again, and a failed service does not hold the controller up.
            #expect(try await sandbox.status().controller().status == "IDLE")
            #expect(try await sandbox.dwell("down", "bad").exitCode == 0)
        }
    }

    /// Through crashes and a stop of its controller, until it is up again or taken down.
    @Test func theEndpointOfAServiceThatFailedSaysWhy() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write("name: bad\nrun: exit 3\nservice: {readiness_probe: /}\n", to: "bad.yaml")
            #expect(try await sandbox.dwell("up", "bad.yaml").exitCode == 1)
            let url = try await sandbox.status().service("bad").endpoint
            func tells() async throws {
                try await eventually("whoever asks is told") {
                    guard let answer = await HTTP.get(url) else { return false }
                    return answer.status == 503
                        && answer.body == "service bad FAILED: replica 1: `run` exited with code 3\n"
                }
            }
            try await tells()
            #expect(try await sandbox.query("select last_service from idle_periods") == ["bad"])
            for pid in sandbox.processes(named: "dwell-ctl-local") + sandbox.processes(named: "dwell-lb-bad") {
                kill(pid, SIGKILL)
            }
            try await tells()
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            #expect(await HTTP.get(url) == nil)
            #expect(try await sandbox.dwell("start").exitCode == 0)
            try await tells()
            try sandbox.write(
                "name: bad\nrun: exec python3 -m http.server $PORT\nservice: {readiness_probe: /}\n", to: "bad.yaml")
            let up = try await sandbox.dwell("up", "bad.yaml")
            #expect(up.exitCode == 0 && up.out.contains(url), "at the same endpoint: \(up)")
            #expect(await HTTP.get(url)?.status == 200)
            #expect(try await sandbox.dwell("down", "bad").exitCode == 0)
            #expect(await HTTP.get(url) == nil)
        }
    }

    @Test func aProbeThatIsNeverAnsweredFailsTheServiceInTime() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(
                """
                name: mute
                run: echo still loading; exec sleep 1000
                service: {readiness_probe: {path: /, initial_delay_seconds: 1}}
                """, to: "mute.yaml")
            let up = try await sandbox.dwell("up", "mute.yaml")
            #expect(up.exitCode == 1)
            #expect(up.err.contains("FAILED") && up.err.contains("ready"), "\(up)")
            #expect(up.err.contains("last probe: connection refused"), "and what the probes saw: \(up)")
            #expect(up.out.contains("replica 1: not ready yet: connection refused"), "\(up)")
            #expect(up.err.contains("still loading"), "also without an end it tells the replica's last words: \(up)")
            try await eventually("nothing of it is left") { sandbox.processes(named: "sleep").isEmpty }
            #expect(try await sandbox.query("select status from replicas") == ["FAILED_INITIAL_DELAY"])
        }
    }

    /// SkyPilot's own examples have it: the file says one port, and the server has another in mind.
    @Test func aCommandThatThereIsNotIsToldWithTheNearest() async throws {
        try await Sandbox.run { sandbox in
            for (words, wanted) in [
                (["stauts"], "no command `stauts`; did you mean `dwell status`?"),
                (["dwn", "x"], "did you mean `dwell down`?"),
                (["frobnicate"], "no command `frobnicate` (see: dwell --help)"),
            ] {
                let output = try await sandbox.dwell(words)
                #expect(output.exitCode == 2 && output.errors.count == 1 && output.err.contains(wanted), "\(output)")
            }
        }
    }

    @Test func aReplicaThatListensAtAnotherPortIsToldSo() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(
                """
                name: other
                resources: {ports: 8099}
                run: exec python3 -m http.server 8098
                service: {readiness_probe: {path: /, initial_delay_seconds: 4}, replicas: 2}
                """, to: "other.yaml")
            let up = try await sandbox.dwell("up", "other.yaml")
            #expect(up.exitCode == 1)
            #expect(up.err.contains("last probe: connection refused at port"), "\(up)")
            #expect(up.err.contains("it listens at 8098 instead"), "\(up)")
        }
    }

    @Test func aSetupThatFailsIsToldFromARunThatFails() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write("name: bad\nsetup: exit 3\nrun: sleep 1000\nservice: {}\n", to: "bad.yaml")
            for _ in 0..<10 {
                let up = try await sandbox.dwell("up", "bad.yaml")
                #expect(up.exitCode == 1)
                #expect(up.err.contains("setup") && up.err.contains("3"), "\(up)")
                #expect(try await sandbox.dwell("down", "bad").exitCode == 0)
            }
            // Its load balancer is told to end while it is still beginning, and hears it.
            let slowest = try await sandbox.query(
                """
                select max(gone.at_us - removing.at_us) / 1e6 from events gone join events removing
                on removing.position = (select max(position) from events
                    where type = 'load_balancer.removing' and position < gone.position)
                where gone.type = 'load_balancer.gone'
                """)
            #expect(Double(slowest.first ?? "") ?? 99 < 20, "a grace period of 30 s passed")
        }
    }

    @Test func aPortThatIsTakenIsPassedOver() async throws {
        try await Sandbox.run { sandbox in
            let first = try await sandbox.up(name: "first")
            try await sandbox.terminateLeaving(listenerOn: first) {
                let second = try await sandbox.up(name: "second")
                #expect(second != first)
                #expect(await HTTP.get(second)?.status == 200)
            }
        }
    }

    /// It would be copied into itself, and secrets with it.
    @Test func dwellsOwnFolderIsNoWorkdir() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            for folder in ["home", "home/logs", "link"] {
                _ = try await sandbox.shell("ln -sfn home link")
                try sandbox.write("workdir: \(folder)\nrun: serve\nservice: {readiness_probe: /}\n", to: "case.yaml")
                let up = try await sandbox.dwell("up", "case.yaml")
                #expect(up.exitCode == 1 && up.errors.count == 1 && up.err.contains("dwell's own folder"), "\(up)")
            }
            #expect(!FileManager.default.fileExists(atPath: sandbox.home + "/sources/local"))
        }
    }

    /// Nothing is made for a controller that there is not.
    @Test(arguments: [["stop"], ["terminate"], ["autostop", "--idle", "5m"]])
    func aControllerThatIsNotThereLeavesNothing(_ words: [String]) async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            let output = try await sandbox.dwell([words[0], "nope"] + words.dropFirst())
            #expect(output.exitCode == 1 && output.err.contains("there is local"), "\(output)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: sandbox.home + "/logs") == ["local"])
        }
    }

    @Test func anAnswerThatIsLostIsNoSuccess() async throws {
        try await Sandbox.run { sandbox in
            let output = try await sandbox.shell(#""$DWELL" status > /dev/full; echo $?; "$DWELL" status >&-; echo $?"#)
            #expect(output.out == "1\n1\n")
            #expect(output.errors.first == "dwell: standard output: No space left on device", "\(output)")
        }
    }

    @Test func aConfigurationThatIsWrongIsRefused() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.writeService()
            try sandbox.configure("serve:\n  controler: {autostop: 10}")
            let output = try await sandbox.dwell("up", "hello.yaml")
            #expect(output.exitCode == 2)
            #expect(output.errors.count == 1, "\(output)")
            #expect(output.err.contains("config.yaml:3") && output.err.contains("`controller`"), "\(output)")
            #expect(sandbox.processes().isEmpty)
        }
    }
}

extension Sandbox {
    /// Stops the controller and has somebody else listen on the port of `url` while `body` runs.
    fileprivate func terminateLeaving(listenerOn url: String, _ body: () async throws -> Void) async throws {
        let port = try #require(url.split(separator: ":").last.flatMap { UInt16($0) })
        try #require(try await dwell("down", "first").exitCode == 0)
        let stranger = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(stranger) }
        var yes: Int32 = 1
        setsockopt(stranger, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(stranger, $0, 16) }
        }
        try #require(bound == 0 && listen(stranger, 1) == 0)
        try await body()
    }
}

import Foundation
import Testing

/// Questions to the log that make no sense, or that nothing answers: one line that says so, and the right exit code.
@Suite struct AskingTests {
    @Test func whatMakesNoSenseIsRefused() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            let archived = try await sandbox.dwell("archive", "--before", "now", "old.db")
            #expect(archived.exitCode == 0, "\(archived)")
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            try sandbox.write("no log", to: "no.db")
            let refused: [([String], Int32, String)] = [
                (["status", "--log", "nowhere.db"], 2, "nowhere.db"),
                (["status", "--log", "no.db"], 2, "not a database"),
                (["status", "--log", "."], 2, "folder"),
                (["restore", "nowhere.db"], 2, "nowhere.db"),
                (["restore", "no.db"], 2, "not a database"),
                (["restore", "old.db"], 2, "archive and no backup"),
                (["archive", "--before", "now", "old.db"], 2, "exists already"),
                (["archive", "--before", "now", "no/such.db"], 2, "there is no folder"),
                (["archive", "--before", "2099-01-01", "new.db"], 2, "--before: \"2099-01-01\" is in the future"),
                (["events", "--actor", ""], 2, "--actor: \"\" names nobody"),
                (["backup", "old.db"], 2, "exists already"),
                (["verify", "--archive", "no.db"], 2, "not a database"),
                (["events", "--limit", "-1"], 2, "--limit: \"-1\" is negative"),
                (["events", "--since", "-5m"], 2, "--since: \"-5m\" is negative"),
                (["status", "--at-position", "-1"], 2, "--at-position: \"-1\" is negative"),
                (["status", "--at-position=-1"], 2, "there is no event -1"),
                (["diff", "#-1"], 2, "there is no event -1"),
                (["report", "--price", "-1/h"], 2, "--price: \"-1/h\" is negative"),
                (["events", "--limit"], 2, "Missing value"),
                (["report", "--what-if", ","], 2, "names no window"),
                (["report", "--since", "2099-01-01"], 2, "is in the future"),
                (["report", "--svg", "no/such.svg"], 2, "there is no folder"),
                (["report", "--svg", "."], 2, "it is a folder"),
                (["events", "--type", "replica.redy"], 2, "did you mean replica.ready?"),
                (["events", "--type", "controler.*"], 2, "there is no type \"controler.*\""),
                (["events", "--type", ""], 2, "there is no type"),
                (["events", "--since", "1h", "--until", "2h"], 2, "--until: \"2h\" is not after --since \"1h\""),
                (["events", "--since", "2026-11-26T24:00:00Z"], 2, "is not a time"),
                (["events", "--since", "2026-11-26T17:25:60Z"], 2, "is not a time"),
                (["events", "--since", "2026-11-26 17:60"], 2, "is not a time"),
                (["events", "--since", "2026-02-30"], 2, "is not a time"),
                (["events", "--since", "2026-03-29 02:30"], 2, "the clocks were set forward over it"),
            ]
            for (words, code, says) in refused {
                let output = try await sandbox.dwell(words, environment: ["TZ": "Europe/Berlin"])
                #expect(output.exitCode == code && output.errors.count == 1, "\(words): \(output)")
                #expect(output.err.hasPrefix("dwell: ") && output.err.contains(says), "\(words): \(output)")
                #expect(output.out.isEmpty || words.first == "verify", "\(words): \(output)")
            }
        }
    }

    @Test func whatNothingAnswersIsSaid() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            for (words, says) in [
                (["--controller", "locl"], "no event is about a controller locl; there is local"),
                (["--service", "web*"], "no event is about a service web*; there is none at all"),
                (["--actor", "controler"], "nothing was done by controler; there is controller"),
                (["--replica", "9"], "no event is about a replica 9; there is none at all"),
                (["--since", "2099-01-01"], "--since: \"2099-01-01\" is in the future"),
            ] {
                let output = try await sandbox.dwell(["events"] + words)
                #expect(output.exitCode == 0 && output.out.isEmpty && output.err == "note: \(says)\n", "\(output)")
            }
            for words in [
                ["--controller", "loc*", "--type", "replica.*"], ["--type", "controller.st*", "--limit", "1"],
                ["--since", "2020-01-31T17:25Z"], ["--since", "2020-01-31 17:25:00.5+01:00"],
                ["--since", "2020-01-31T17:25:00+0100"],
            ] {
                let output = try await sandbox.dwell(["events"] + words)
                #expect(output.exitCode == 0 && output.err.isEmpty, "\(words): \(output)")
            }
        }
    }

    /// The hour that comes twice when the clocks are set back: it is said which of the two was taken.
    @Test func aTimeThatCameTwiceIsTheFirst() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            func asked(_ time: String) async throws -> Output {
                try await sandbox.dwell(["events", "--until", time], environment: ["TZ": "Europe/Berlin"])
            }
            let twice = try await asked("2025-10-26 02:30")
            #expect(
                twice.err
                    == "note: --until: \"2025-10-26 02:30\" was twice, as the clocks were set back: this is the first, "
                    + "2025-10-26T02:30:00+02:00; the second is 2025-10-26T02:30:00+01:00\n")
            for once in ["2025-10-26 01:59:59", "2025-10-26 03:00", "2025-10-26T02:30:00+01:00", "2025-03-30 03:00"] {
                #expect(try await asked(once).err.isEmpty, "\(once)")
            }
        }
    }

    /// The time that is shown is the one that was recorded: it does not change with when it is looked at.
    @Test func theTimeOfAStopIsTheSameHoweverItIsAsked() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            let position = try await sandbox.count("events")
            let due = try #require(try await sandbox.query("select due_at_us from deadlines").first.flatMap { Int($0) })
            func shown(_ words: String...) async throws -> String {
                let output = try await sandbox.dwell(["status", "--json"] + words).out
                return String(output.split(separator: "\n").first { $0.contains("\"autostop_at\"") } ?? "")
            }
            let live = try await shown()
            #expect(live.contains("\(Double(due) / 1e6)"), "\(live) \(due)")
            for _ in 0..<5 { #expect(try await shown() == live) }
            #expect(try await shown("--at-position", String(position)) == live)
            #expect(try await shown("--at", "now") == live)
        }
    }

    @Test func theShellIsOfferedTypesAndNamesOfWhatIsGone() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.up()
            #expect(try await sandbox.dwell("down", "hello").exitCode == 0)
            let script = try await sandbox.dwell("completions", "bash")
            #expect(script.out.contains("load_balancer.cleanup_due"))
            func offered(_ place: String...) async throws -> [String] {
                try await sandbox.dwell(["---completion"] + place).out.split(separator: "\n").map(String.init)
            }
            #expect(
                try await offered("events", "--", "--service", "0", "0", "dwell", "events", "--service", "") == [
                    "hello"
                ])
            #expect(
                try await offered("events", "--", "--controller", "0", "0", "dwell", "events", "--controller", "")
                    == ["local"])
            #expect(try await offered("logs", "--", "positional@0", "0", "0", "dwell", "logs", "") == ["hello"])
            let actors = try await offered("events", "--", "--actor", "0", "0", "dwell", "events", "--actor", "")
            #expect(actors.contains("cli") && actors.contains("controller") && actors.contains { $0.contains("@") })
            #expect(script.out.contains("12h"), "moments, too")
        }
    }
}

/// What is shown at a terminal of so many columns.
@Suite struct NarrowTerminals {
    private func shown(_ sandbox: Sandbox, _ columns: Int, _ words: String) async throws -> [String] {
        let output = try await sandbox.shell(
            #"NO_COLOR=1 script -qec "stty cols \#(columns); '$DWELL' \#(words)" /dev/null < /dev/null"#)
        return output.out.split(whereSeparator: \.isNewline).map(String.init)
    }

    /// What `status --watch` draws at a terminal of this size, until it is enough.
    private func watched(
        _ sandbox: Sandbox, _ size: String, until isEnough: @escaping @Sendable ([String]) -> Bool
    ) async throws -> [String] {
        @Sendable func plain(_ lines: [String]) -> [String] {
            lines.joined(separator: "\n").replacing(/\u{1b}\[[0-9;?]*[A-Za-z]/, with: "")
                .split(whereSeparator: \.isNewline).map(String.init)
        }
        let watch = try sandbox.startShell(
            #"NO_COLOR=1 exec script -qec "stty \#(size); exec '\#(Sandbox.dwell)' status --watch" /dev/null < /dev/null"#
        )
        defer { watch.end() }
        return plain(await watch.lines { isEnough(plain($0)) })
    }

    /// Each row tells who and why, however many lines that takes.
    @Test func whoAndWhyAreThereAtAnyWidth() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.up()
            #expect(try await sandbox.dwell("down", "hello").exitCode == 0)
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            let whos = try await sandbox.query(
                "select '[' || actor || ', ' || component || ']' || coalesce(' <- ' || cause, '') from events")
            for columns in [39, 60, 79, 80, 90, 100, 120, 400] {
                let lines = try await shown(sandbox, columns, "events")
                #expect(lines.allSatisfy { $0.count <= columns && $0.last != " " }, "\(columns): \(lines)")
                let words = lines.joined(separator: " ").replacing(/\s+/, with: " ")
                let found = words.matches(of: /\[[^\[\]]+, [a-z]+\](?: <- [0-9]+)?/).map { String($0.output) }
                #expect(found == whos, "\(columns): \(lines)")
            }
        }
    }

    @Test func whatMattersIsThereAtAnyWidth() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.up()
            #expect(try await sandbox.dwell("down", "hello").exitCode == 0)
            for columns in [40, 50, 60, 79] {
                for words in ["events", "status", "report", "diff '#1' now", "explain local", "explain hello"] {
                    let lines = try await shown(sandbox, columns, words)
                    #expect(!lines.isEmpty)
                    // Sentences are left to the terminal.
                    let long = lines.filter {
                        $0.count > columns && !$0.contains("between:") && !$0.hasPrefix("From ")
                    }
                    #expect(long.isEmpty, "\(words) in \(columns): \(long)")
                }
                let events = try await shown(sandbox, columns, "events")
                #expect(events.contains { $0.contains("  replica.ready") })
                #expect(
                    events.contains { $0.contains("local/hello/1") } && events.contains { $0.contains("ready: ") },
                    "\(events)")
                let status = try await shown(sandbox, columns, "status")
                #expect(
                    status.contains { $0.contains("IDLE") } && status.contains { $0.contains("10m, in ") }, "\(status)")
            }
            // As `status` shows it, with nothing cut off.
            for columns in [40, 60] {
                let lines = try await watched(sandbox, "rows 50 cols \(columns)") { lines in
                    lines.contains { $0.contains("10m, in ") } && lines.contains { $0.contains("UPTIME") }
                }
                #expect(lines.allSatisfy { $0.count <= columns && !$0.contains("…") }, "\(lines)")
            }
            let low = try await watched(sandbox, "rows 5 cols 40") { $0.contains { $0.contains("more lines") } }
            #expect(low.contains { $0.contains(/^… and \d+ more lines: dwell status$/) }, "\(low)")
            let wide = try await shown(sandbox, 400, "events")
            #expect(try await wide.count == sandbox.count("events"), "a line each")
        }
    }
}

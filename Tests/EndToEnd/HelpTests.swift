import Foundation
import Testing

/// What the program says of itself, as it is written down in `Golden/help.txt`: a change of it is a change of the
/// interface, and is seen (DWELL_WRITE_GOLDEN=1 writes it anew).
@Suite struct Help {
    private static let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Golden/help.txt")

    private static let commands = [
        "", "up", "update", "down", "status", "start", "stop", "terminate", "autostop", "logs", "events", "notify",
        "explain",
        "report",
        "diff", "replay", "rebuild", "validate", "verify", "doctor", "backup", "archive", "restore", "repair",
        "install-service",
        "completions",
        "version", "controller",
    ]

    @Test func everyHelpIsAsItIsWrittenDown() async throws {
        try await Sandbox.run { sandbox in
            var text = ""
            for command in Self.commands {
                let words = command.split(separator: " ").map(String.init) + ["--help"]
                // Wrapped for whoever has 80 columns, whatever this machine has.
                let output = try await sandbox.dwell(words, environment: ["COLUMNS": "80"])
                #expect(output.exitCode == 0 && output.err.isEmpty)
                if !command.isEmpty, command != "version", command != "controller" {
                    #expect(output.out.contains("Examples:"), "\(command)")
                }
                text += "$ dwell \(words.joined(separator: " "))\n\(output.out)\n"
            }
            if ProcessInfo.processInfo.environment["DWELL_WRITE_GOLDEN"] == "1" {
                try text.write(to: Self.golden, atomically: true, encoding: .utf8)
            }
            let stored = try String(contentsOf: Self.golden, encoding: .utf8)
            let first = zip(stored.split(separator: "\n"), text.split(separator: "\n")).first { $0 != $1 }
            #expect(stored == text, "\(first.map { "\($0.0)\nis now\n\($0.1)" } ?? "one ends before the other")")
            #expect(!FileManager.default.fileExists(atPath: sandbox.home + "/dwell.db"), "help makes no home")
        }
    }

    @Test func everyCommandIsWrittenDown() async throws {
        try await Sandbox.run { sandbox in
            let help = try await sandbox.dwell("--help").out
            let listed =
                help.components(separatedBy: "SUBCOMMANDS:").last?.split(separator: "\n")
                .filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }
                .compactMap { $0.split(separator: " ").first.map(String.init) } ?? []
            #expect(Set(listed.filter { $0 != "See" && $0 != "help" }) == Set(Self.commands.filter { !$0.isEmpty }))
        }
    }

    @Test func manualPagesAndCompletionsAreMade() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("manual", "man").exitCode == 0)
            let down = try String(contentsOfFile: sandbox.folder + "/man/dwell-down.1", encoding: .utf8)
            #expect(down.contains(".Nm dwell down") && down.contains("Fl \\-replica-id Ar N"))
            #expect(FileManager.default.fileExists(atPath: sandbox.folder + "/man/dwell.1"))
            for shell in ["bash", "zsh", "fish"] {
                #expect(try await sandbox.dwell("completions", shell).out.contains("dwell"), "\(shell)")
            }
            let wrong = try await sandbox.dwell("completions", "csh")
            #expect(wrong.exitCode == 2 && wrong.err.contains("bash, zsh or fish"), "\(wrong)")
            #expect(try await sandbox.shell("\"$DWELL\" completions bash | bash -n").exitCode == 0)
            #expect(!FileManager.default.fileExists(atPath: sandbox.home + "/dwell.db"), "none of it makes a home")
        }
    }

    /// Tab after `dwell down ` offers what can be taken down.
    @Test func theShellOffersLiveNames() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.up(name: "web-a")
            let output = try await sandbox.shell(
                """
                mkdir bin && ln -s "$DWELL" bin/dwell && export PATH="$PWD/bin:$PATH"
                source <(dwell completions bash)
                COMP_WORDS=(dwell down ""); COMP_CWORD=2; COMP_LINE="dwell down "; COMP_POINT=11; _dwell
                echo "${COMPREPLY[@]}"
                """)
            #expect(output.out.contains("web-a"), "\(output)")
        }
    }

    @Test func statusIsWatchedAlsoWithoutATerminal() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            let watch = try sandbox.start("status", "--watch")
            _ = await watch.lines { $0.contains { $0.contains("IDLE") && $0.contains("local") } }
            _ = try await sandbox.up()
            let lines = await watch.lines { $0.contains { $0.contains("hello") && $0.contains("READY") } }
            #expect(!lines.joined().contains("\u{1b}"), "no colours but at a terminal")
            watch.end()
        }
    }
}

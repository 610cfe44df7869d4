import Foundation
import Testing

/// The promises of `docs/threat-model.md` that take the real program.
@Suite struct Security {
    @Test func valuesAreInNoCommandLineAndRunNothing() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.writeService()
            let value = #"s3cret "$(touch run-1)" `touch run-2` '; touch run-3; # \"#
            let output = try await sandbox.dwell("up", "hello.yaml", "--env", "GREETING=\(value)")
            #expect(output.exitCode == 0, "\(output)")
            #expect(!output.out.contains("s3cret"))
            let endpoint = try await sandbox.status().service("hello").endpoint
            #expect(await HTTP.get(endpoint + "/greeting")?.body == value, "it arrives as it is")
            for pid in sandbox.processes() {
                let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
                #expect(!String(decoding: line, as: UTF8.self).contains("s3cret"))
            }
            let logs = try await sandbox.shell(#"grep -rl s3cret "$DWELL_HOME/logs"; find . -name 'run-[123]'"#)
            #expect(logs.out.isEmpty, "\(logs.out)")
        }
    }

    /// Variables that are code to a bash, or that would have dwell's own find other programs, reach what the user runs and
    /// nothing before it.
    @Test func valuesDoNotReachTheWrapper() async throws {
        try await Sandbox.run { sandbox in
            let marks = sandbox.folder + "/marks"
            try FileManager.default.createDirectory(atPath: marks, withIntermediateDirectories: true)
            let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
            try sandbox.write(
                """
                name: odd
                envs:
                  BASH_ENV: '$(touch "\(marks)/bash-env")'
                  ENV: '$(touch "\(marks)/env")'
                  PS4: '$(touch "\(marks)/ps4")+'
                  SHELLOPTS: xtrace
                  BASHOPTS: extdebug
                  PATH: /nowhere
                  IFS: x
                  QUOTED: "'; touch \(marks)/quoted; '"
                  LD_LIBRARY_PATH: /nowhere
                  DWELL_ENV_0: NAME=other
                  UID: "12"
                setup: |
                  echo "setup $PATH $LD_LIBRARY_PATH $QUOTED"
                run: |
                  echo "run $PATH $BASH_ENV"
                  echo "left ${!DWELL_ENV@} $NAME"
                  unset BASH_ENV; PATH='\(path)' exec python3 -m http.server $PORT --bind 127.0.0.1
                service: {readiness_probe: /}
                """, to: "odd.yaml")
            let output = try await sandbox.dwell("up", "odd.yaml")
            #expect(output.exitCode == 0, "\(output)")
            let log = try String(contentsOfFile: sandbox.home + "/logs/local/odd/replica-1.log", encoding: .utf8)
            #expect(log.contains("setup /nowhere /nowhere '; touch"), "\(log)")
            #expect(log.contains("run /nowhere $(touch"), "\(log)")
            #expect(log.contains("left  \n"), "\(log)")
            #expect(!log.contains("not found") && !log.contains("+ "), "\(log)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: marks) == [])
            // How it ends is written down by the wrapper, which finds its programs.
            for pid in sandbox.processes(named: "python") { kill(pid, SIGTERM) }
            try await eventually("how it ended is known") {
                try await sandbox.count("audit_log where event = 'replica.ended' and what like '%143%'") == 1
            }
            #expect(try await sandbox.dwell("down", "odd", "--purge").exitCode == 0)
        }
    }

    @Test func servicesListenOnLoopbackOnly() async throws {
        try await Sandbox.run { sandbox in
            let url = try await sandbox.up()
            let port = try #require(url.split(separator: ":").last)
            // The kernel's table of listening sockets: local address and port in hexadecimal, state 0A.
            let table = try String(contentsOfFile: "/proc/net/tcp", encoding: .utf8)
            let hexadecimal = String(Int(port) ?? 0, radix: 16, uppercase: true)
            let listening = table.split(separator: "\n").filter {
                $0.contains(":\(hexadecimal) ") && $0.contains(" 0A ")
            }
            #expect(!listening.isEmpty)
            #expect(listening.allSatisfy { $0.contains("0100007F:\(hexadecimal)") }, "\(listening)")
        }
    }

    @Test func openingToOthersIsSaidLoudly() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.writeService()
            let config = try String(contentsOfFile: sandbox.home + "/config.yaml", encoding: .utf8)
            try sandbox.write(config.replacing("ports:", with: "host: 0.0.0.0, ports:"), to: "home/config.yaml")
            let output = try await sandbox.dwell("up", "hello.yaml")
            #expect(output.exitCode == 0, "\(output)")
            #expect(output.errors.contains { $0.hasPrefix("WARNING") && $0.contains("0.0.0.0") }, "\(output)")
        }
    }

    @Test(arguments: ["../up", "a/b", "..", "a;id", "$(id)", "a b", "-rf", "A", ""])
    func namesCannotClimb(_ name: String) async throws {
        try await Sandbox.run { sandbox in
            try sandbox.writeService()
            for arguments in [["up", "hello.yaml", "--name=\(name)"], ["up", "hello.yaml", "--controller=\(name)"]] {
                let output = try await sandbox.dwell(arguments)
                #expect(output.exitCode == 2, "\(output)")
                #expect(output.errors.count == 1, "\(output)")
            }
            #expect(!FileManager.default.fileExists(atPath: sandbox.home + "/dwell.db"), "nothing was begun")
        }
    }
}

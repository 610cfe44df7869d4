import Foundation
import Testing

/// Commands that are not given what they need say so, and end.
@Suite struct Limits {
    @Test(arguments: [5, 8, 10, 16]) func tooFewFiles(_ limit: Int) async throws {
        try await Sandbox.run { sandbox in
            try sandbox.writeService()
            let output = try await sandbox.shell(
                #"ulimit -n \#(limit) && exec "$DWELL" up hello.yaml --detach"#)
            #expect(output.exitCode == 1)
            #expect(output.errors.count == 1, "\(output)")
            #expect(output.err.contains("Too many open files") && output.err.contains("ulimit -n"), "\(output)")
            #expect(!FileManager.default.fileExists(atPath: sandbox.home + "/dwell.db"), "nothing was begun")
        }
    }

    /// Of a user of its own, for all that a user runs is counted together.
    @Test(.enabled(if: getuid() == 0, "another user takes root to be"), arguments: [1, 2, 12])
    func tooFewProcesses(_ limit: Int) async throws {
        try await Sandbox.run { sandbox in
            try sandbox.writeService()
            let user = 70_000 + Int(getpid()) % 10_000 + limit * 10_000
            let prepared = try await sandbox.shell("cp \"$DWELL\" dwell && chown -R \(user) .")
            try #require(prepared.exitCode == 0, "\(prepared)")
            let commands = ["up hello.yaml", "down hello"] + (limit < 3 ? ["status", "verify", "doctor"] : [])
            for command in commands {
                let output = try await sandbox.shell(
                    """
                    ulimit -u \(limit)
                    exec timeout 20 setpriv --reuid \(user) --regid \(user) --clear-groups ./dwell \(command)
                    """)
                #expect(output.exitCode == 1 && output.errors.count == 1, "\(command): \(output)")
                #expect(output.err.contains("no thread can be started"), "\(output)")
                #expect(output.err.contains("ulimit -u"), "\(output)")
            }
            _ = try await sandbox.shell("chown -R 0 .")
        }
    }

    @Test(.enabled(if: canTrace, "strace is needed"))
    func noThread() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            let output = try await sandbox.shell(
                #"exec timeout 20 strace -f -o /dev/null -e inject=clone3:error=EAGAIN:when=1+ "$DWELL" stop local"#)
            #expect(output.exitCode == 1)
            #expect(output.errors.count == 1 && output.err.contains("no thread can be started"), "\(output)")
        }
    }
}

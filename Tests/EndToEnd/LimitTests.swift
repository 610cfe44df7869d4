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

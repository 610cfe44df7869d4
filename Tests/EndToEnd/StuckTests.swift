import Foundation
import Testing

/// What the world refuses to clean.
@Suite struct StuckServices {
    /// A replica has become somebody whom its user may not end.
    @Test(.enabled(if: getuid() == 0, "a program that changes its user takes root to make"))
    func whatCannotBeEndedIsToldAndGivenUp() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(
                """
                #include <signal.h>
                #include <unistd.h>
                int main(void) { if (setuid(0) != 0) return 1; signal(SIGTERM, SIG_IGN); for (;;) pause(); }
                """, to: "rooted.c")
            try sandbox.write(
                """
                name: hello
                workdir: .
                envs: {FOLDER: "\(sandbox.folder)"}
                run: |
                  "$FOLDER/rooted" & echo $! > "$FOLDER/rooted.pid"
                  exec python3 server.py
                service: {readiness_probe: /}
                """, to: "hello.yaml")
            try sandbox.write(Files.server, to: "server.py")
            // Its own copy of the program, for the build may be where nobody else may look.
            let prepared = try await sandbox.shell(
                """
                clang -o rooted rooted.c && cp "$DWELL" dwell && chown -R 65534 . && chown 0 rooted && chmod 4755 rooted
                """)
            try #require(prepared.exitCode == 0, "\(prepared)")
            func dwell(_ arguments: String) async throws -> Output {
                try await sandbox.shell("exec setpriv --reuid 65534 --clear-groups ./dwell \(arguments)")
            }
            let up = try await dwell("up hello.yaml")
            try #require(up.exitCode == 0, "\(up)")
            let down = try await dwell("down hello")
            #expect(down.exitCode == 1, "\(down)")
            #expect(down.err.contains("(rooted) belongs to another user"), "\(down)")
            #expect(down.err.contains("given up with --purge"), "\(down)")
            #expect(try await dwell("status").out.contains("FAILED_CLEANUP"))
            let again = try await dwell("up hello.yaml")
            #expect(again.exitCode == 1 && again.err.contains("`dwell down hello --purge` gives up"), "\(again)")
            let purge = try await dwell("down hello --purge")
            #expect(purge.exitCode == 0, "\(purge)")
            #expect(purge.out.contains("  may be left of replica 1 of hello: "), "\(purge)")
            #expect(try await sandbox.count("services") == 0)
            #expect(try await sandbox.count("events where payload ->> '$.leftovers' like '%rooted%'") > 0)
            try await sandbox.shell("kill -9 $(cat rooted.pid)")
            #expect(try await dwell("terminate local").exitCode == 0)
        }
    }
}

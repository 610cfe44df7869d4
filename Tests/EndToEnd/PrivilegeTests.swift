import Foundation
import Testing

/// Root may do what the kernel refuses everybody else, so that a fault shows to nobody who tests as root.
@Suite(.enabled(if: getuid() == 0, "giving privileges up takes root to do"))
struct Privileges {
    struct Caller: CustomTestStringConvertible {
        var testDescription: String
        var setpriv: String
        var owner: Int
    }

    static let callers = [
        Caller(
            testDescription: "an unprivileged user", setpriv: "--reuid=65534 --regid=65534 --clear-groups",
            owner: 65534),
        Caller(
            testDescription: "root without CAP_NET_ADMIN", setpriv: "--bounding-set=-net_admin --inh-caps=-net_admin",
            owner: 0),
    ]

    @Test(arguments: callers) func aServiceServes(_ caller: Caller) async throws {
        try await Sandbox.run { sandbox in
            try sandbox.writeService()
            // Its own copy of the program, for the build may be where nobody else may look.
            let prepared = try await sandbox.shell("cp \"$DWELL\" dwell && chown -R \(caller.owner) .")
            try #require(prepared.exitCode == 0, "\(prepared)")
            func dwell(_ arguments: String) async throws -> Output {
                try await sandbox.shell(
                    """
                    exec env -i "PATH=$PATH" "HOME=$PWD" "DWELL_HOME=$DWELL_HOME" \
                        setpriv \(caller.setpriv) ./dwell \(arguments)
                    """)
            }
            let up = try await dwell("up hello.yaml")
            try #require(up.exitCode == 0, "\(up)")
            let url = try await sandbox.status().service("hello").endpoint
            #expect(await HTTP.get(url)?.body == "1")
            try sandbox.write(Files.service(more: "envs: {GREETING: better}"), to: "hello.yaml")
            let update = try await dwell("update hello hello.yaml")
            #expect(update.exitCode == 0, "\(update)")
            try await eventually("the new version answers") { await HTTP.get(url + "/greeting")?.body == "better" }
            let down = try await dwell("down hello")
            #expect(down.exitCode == 0, "\(down)")
            #expect(await HTTP.get(url) == nil)
            let terminate = try await dwell("terminate local")
            #expect(terminate.exitCode == 0, "\(terminate)")
        }
    }
}

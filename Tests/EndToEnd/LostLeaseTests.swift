import Foundation
import Testing

/// Somebody tidies up in `run/`.
@Suite struct LostLeases {
    /// In one breath: whoever asks next finds nobody who holds the new files.
    @Test(arguments: [
        "rm run/local.lease run/local.keeper", "rm -rf run/*", "rm run/local.lease", "rm run/local.keeper",
    ])
    func oneProcessStays(_ command: String) async throws {
        try await Sandbox.run { sandbox in
            let url = try await sandbox.up()
            let output = try await sandbox.shell(#"cd "$DWELL_HOME" && \#(command); exec "$DWELL" status > /dev/null"#)
            #expect(output.exitCode == 0, "\(output)")
            try await eventually("there is one of each, and each has its lock") {
                guard sandbox.processes(named: "dwell-ctl").count == 1,
                    sandbox.processes(named: "dwell-keep").count == 1
                else { return false }
                return try await sandbox.dwell("doctor").exitCode == 0
            }
            // Not more than one took over, and none took it back.
            #expect(try await sandbox.count("events where type = 'controller.recovered'") <= 1)
            let process = try await sandbox.controllerProcess()
            #expect(sandbox.processes(named: "dwell-ctl") == [process])
            #expect(await HTTP.get(url)?.status == 200)
            // And it is kept as ever.
            kill(process, SIGKILL)
            try await eventually("another has taken over") { try await sandbox.controllerProcess() != process }
            #expect(try await sandbox.dwell("down", "hello").exitCode == 0)
        }
    }

    /// The machine that a hook gives back goes on costing where it is cut off.
    @Test func aHookIsNotCutOff() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(
                """
                hooks:
                  stop: |
                    cd '\(sandbox.folder)'
                    echo began >> told
                    until [ -e go ]; do sleep 0.05; done
                    echo ended >> told
                """, to: "home/config.yaml")
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            let stop = try sandbox.start("stop", "local")
            let told = sandbox.folder + "/told"
            try await eventually("the hook runs") { FileManager.default.fileExists(atPath: told) }
            _ = try await sandbox.shell(#"rm "$DWELL_HOME"/run/local.{lease,keeper}; exec "$DWELL" status"#)
            try await eventually("another process is there, or the first has the lease again") {
                FileManager.default.fileExists(atPath: sandbox.home + "/run/local.lease")
            }
            try sandbox.write("", to: "go")
            let output = await stop.output()
            #expect(output.exitCode == 0, "\(output)")
            #expect(try String(contentsOfFile: told, encoding: .utf8) == "began\nended\n")
            #expect(
                try await sandbox.query("select what from audit_log where event = 'controller.hook_ended'")
                    == ["hook stop exited with code 0"])
        }
    }

    @Test func twoAreToldByDoctor() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            let process = try await sandbox.controllerProcess()
            kill(process, SIGSTOP)
            defer { kill(process, SIGCONT) }
            _ = try await sandbox.shell(#"rm "$DWELL_HOME"/run/local.{lease,keeper}; exec "$DWELL" status"#)
            try await eventually("they are told") {
                let output = try await sandbox.dwell("doctor")
                return output.exitCode == 1
                    && output.out.contains("process \(process) (the process of controller local) and process ")
            }
            let log = sandbox.home + "/logs/local/controller.log"
            try await eventually("the second waits for the first") {
                try String(contentsOfFile: log, encoding: .utf8).contains("process \(process) still serves")
            }
            #expect(try await sandbox.controllerProcess() == process)
            kill(process, SIGCONT)
            try await eventually("the first gives way") {
                try await sandbox.controllerProcess() != process && sandbox.processes(named: "dwell-ctl").count == 1
            }
            #expect(try await sandbox.count("events where type = 'controller.recovered'") == 1)
        }
    }
}

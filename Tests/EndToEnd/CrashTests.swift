import Foundation
import Testing

@Suite struct Crashes {
    /// A command that comes in the same moment does not take those that are being killed for living.
    @Test func aCommandRightAfterBothWereKilledBringsTheControllerBack() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            for _ in 0..<12 {
                let controller = try await sandbox.controllerProcess()
                let keeper = try #require(sandbox.processes(named: "dwell-keep").first)
                // In one breath, as a script does it.
                let output = try await sandbox.shell(#"kill -9 \#(controller) \#(keeper); "$DWELL" status >/dev/null"#)
                #expect(output.exitCode == 0, "\(output)")
                try await eventually("another process has taken over", within: 10) {
                    try await sandbox.controllerProcess() != controller
                        && !sandbox.processes(named: "dwell-keep").isEmpty
                }
            }
        }
    }

    /// Its time to become ready passes while nobody is there to ask it, and it has become ready meanwhile.
    @Test func aReplicaThatBecameReadyMeanwhileIsAskedOnceMore() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(
                """
                name: late
                run: |
                  until [ -e "\(sandbox.folder)/go" ]; do sleep 0.05; done
                  exec python3 -m http.server $PORT --bind 127.0.0.1
                service: {readiness_probe: {path: /, initial_delay_seconds: 2}}
                """, to: "late.yaml")
            #expect(try await sandbox.dwell("up", "late.yaml", "--detach").exitCode == 0)
            try await eventually("it starts") { try await sandbox.count("events where type = 'replica.starting'") == 1 }
            try await sandbox.killEverything(named: ["dwell-ctl", "dwell-keep"])
            try sandbox.write("", to: "go")
            let port = try #require(try await sandbox.query("select endpoint from replicas").first)
            try await eventually("it serves") { await HTTP.get("http://" + port)?.status == 200 }
            try await eventually("its time is over") {
                try await sandbox.count("deadlines where kind = 'readiness' and due_at_us < strftime('%s') * 1000000")
                    == 1
            }
            try await eventually("it is found ready") {
                try await sandbox.status().service("late").status == "READY"
            }
            #expect(try await sandbox.count("events where type = 'replica.removing'") == 0)
        }
    }

    @Test func aKilledControllerIsReplacedWhileServiceGoesOn() async throws {
        try await Sandbox.run { sandbox in
            let url = try await sandbox.up(replicas: 2)
            let replicas = Set(sandbox.processes(named: "python"))
            let load = Load(url, clients: 4)
            for _ in 0..<3 {
                let process = try await sandbox.controllerProcess()
                let served = load.good
                kill(process, SIGKILL)
                try await eventually("another process has taken over") {
                    try await sandbox.controllerProcess() != process
                }
                try await eventually("requests went on") { load.good > served + 20 }
            }
            let (_, failed) = await load.stop()
            #expect(failed.isEmpty, "\(failed.prefix(3))")
            #expect(Set(sandbox.processes(named: "python")) == replicas, "the replicas were adopted, not restarted")
            #expect(sandbox.processes(named: "dwell-lb").count == 1)
            #expect(try await sandbox.status().controller().recoveries == 3)
            #expect(try await sandbox.dwell("down", "hello").exitCode == 0)
            #expect(sandbox.processes(named: "python").isEmpty)
        }
    }

    @Test func aPendingDeadlineFiresAtItsOriginalTime() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.up()
            _ = try await sandbox.dwell("autostop", "local", "--idle", "4s")
            _ = try await sandbox.dwell("down", "hello")
            let before = try await sandbox.query("select deadline from idle_periods")
            kill(try await sandbox.controllerProcess(), SIGKILL)
            try await eventually("it has stopped by itself") { sandbox.processes().isEmpty }
            #expect(try await sandbox.query("select deadline from idle_periods") == before)
            #expect(try await sandbox.query("select how from idle_periods") == ["stopped by deadline"])
            let seconds = try #require(
                try await sandbox.query("select seconds from idle_periods").first.flatMap { Double($0) })
            #expect(seconds >= 4 && seconds < 8, "it did not begin again: \(seconds)")
        }
    }

    @Test func anOverdueDeadlineFiresWithTheNextCommandAndSaysHowLate() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.dwell("start", "local")
            _ = try await sandbox.dwell("autostop", "local", "--idle", "6s")
            try await sandbox.killEverything()
            let deadline = try #require(
                try await sandbox.query("select strftime('%s', deadline) from idle_periods where ended is null").first
                    .flatMap { Double($0) })
            try await eventually("the deadline has passed") { Date().timeIntervalSince1970 > deadline + 2 }
            #expect(sandbox.processes().isEmpty, "nothing of dwell runs meanwhile")
            #expect(try await sandbox.dwell("status").exitCode == 0)
            try await eventually("it has stopped") { try await sandbox.status().controller().status == "STOPPED" }
            let lateness = try await sandbox.query(
                "select lateness_seconds from idle_periods where how = 'stopped by deadline'")
            #expect(try #require(lateness.first.flatMap { Double($0) }) > 0.5)
        }
    }

    @Test func controllerAndKeeperKilledTogetherComeBackWithAnyCommand() async throws {
        try await Sandbox.run { sandbox in
            let url = try await sandbox.up()
            let replica = sandbox.processes(named: "python")
            try await sandbox.killEverything(named: ["dwell-ctl", "dwell-keep"])
            let before = try await sandbox.count("audit_log where event = 'controller.recovered'")
            #expect(await HTTP.get(url)?.status == 200, "the data plane needs neither")
            #expect(try await sandbox.dwell("status").exitCode == 0)
            try await eventually("it is taken over") {
                try await sandbox.count("audit_log where event = 'controller.recovered'") == before + 1
            }
            #expect(sandbox.processes(named: "python") == replica)
            #expect(try await sandbox.dwell("down", "hello").exitCode == 0)
            #expect(sandbox.processes(named: "python").isEmpty)
        }
    }

    /// Another boot id, and every process gone.
    @Test(.enabled(if: getuid() == 0, "a boot id of its own takes a mount namespace"))
    func afterARebootServicesComeBackAndDeadlinesKeepTheirTime() async throws {
        try await Sandbox.run { sandbox in
            let url = try await sandbox.up()
            _ = try await sandbox.dwell("start", "dev")
            _ = try await sandbox.dwell("autostop", "dev", "--idle", "7d")
            let deadline = try await sandbox.query("select max(deadline) from idle_periods where controller = 'dev'")
            try await sandbox.killEverything()
            #expect(await HTTP.get(url) == nil)
            let output = try await sandbox.shell(
                """
                echo 01234567-89ab-cdef-0123-456789abcdef > boot-id
                exec unshare --mount sh -c 'mount --bind boot-id /proc/sys/kernel/random/boot_id && exec "$DWELL" status'
                """)
            #expect(output.exitCode == 0, "\(output)")
            try await eventually("it is served again, where it was") { await HTTP.get(url)?.status == 200 }
            #expect(
                try await sandbox.query("select max(deadline) from idle_periods where controller = 'dev'") == deadline)
            #expect(try await sandbox.count("idle_periods where controller = 'dev' and ended is null") == 1)
        }
    }

    /// Killed at its first, second, third … write to the disk after an `up`, and so, among others, between
    /// launching a replica and recording it. A commit is two of them, the WAL and the bell.
    @Test(.enabled(if: canTrace, "strace is needed"), arguments: 1...5)
    func killedAtAnyWriteItLeavesNeitherOrphanNorDouble(_ write: Int) async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.dwell("start", "local")
            let process = try await sandbox.controllerProcess()
            let strace = try Running(
                "/usr/bin/env",
                [
                    "strace", "-f", "-o", "/dev/null", "-e", "trace=pwrite64", "-e",
                    "inject=pwrite64:signal=SIGKILL:when=\(write)",
                    "-p", "\(process)",
                ],
                environment: ProcessInfo.processInfo.environment, directory: sandbox.folder)
            try await eventually("it is traced") {
                try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8).contains(
                    "TracerPid:\t\(strace.pid)")
            }
            let url = try await sandbox.up(replicas: 2)
            try await eventually("it serves") { await HTTP.get(url)?.status == 200 }
            try await eventually("two replicas are ready") {
                try await sandbox.status().service("hello").readyReplicas == 2
            }
            #expect(sandbox.processes(named: "python").count == 2)
            #expect(try await sandbox.controllerProcess() != process, "it was killed on the way")
            #expect(try await sandbox.dwell("down", "hello").exitCode == 0)
            #expect(sandbox.processes(named: "python").isEmpty)
            #expect(sandbox.processes(named: "dwell-lb").isEmpty)
            kill(strace.pid, SIGKILL)
        }
    }

    /// The socket outlives the process: who connects before there is another waits for it.
    @Test func whoConnectsWhileALoadBalancerIsReplacedWaits() async throws {
        try await Sandbox.run { sandbox in
            let url = try await sandbox.up()
            let controller = try await sandbox.controllerProcess()
            let balancer = try #require(sandbox.processes(named: "dwell-lb").first)
            kill(controller, SIGSTOP)
            defer { kill(controller, SIGCONT) }
            kill(balancer, SIGKILL)
            // Its environment goes with its memory; nobody has waited for it yet.
            try await eventually("it is dead") { sandbox.processes(named: "dwell-lb").isEmpty }
            async let answer = HTTP.get(url)
            try await eventually("it has connected") {
                try await sandbox.shell("ss -Htn state established dst \(url.dropFirst(7)) | grep -q .").exitCode == 0
            }
            kill(controller, SIGCONT)
            #expect(await answer?.body == "1")
        }
    }

    /// Whoever reads may close the pipe before all is printed; what died is brought back all the same.
    @Test(arguments: ["events", "status"])
    func aCommandWhoseReaderLeavesBringsBackWhatDied(_ command: String) async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.up()
            try await sandbox.killEverything(named: ["dwell-keep", "dwell-ctl"])
            try await sandbox.shell(#""$DWELL" \#(command) | head -n 1"#)
            try await eventually("the controller is back") {
                try await sandbox.count("events where type = 'controller.recovered'") == 1
            }
        }
    }
}

/// Whether strace is there and may trace.
let canTrace: Bool = {
    let strace = Process()
    strace.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    strace.arguments = ["strace", "-o", "/dev/null", "true"]
    strace.standardError = FileHandle.nullDevice
    guard (try? strace.run()) != nil else { return false }
    strace.waitUntilExit()
    return strace.terminationStatus == 0
}()

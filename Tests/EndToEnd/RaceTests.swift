import Foundation
import Testing

/// Two commands, or a command and a deadline, at one instant, by two real processes, in both orders and close together.
/// Which comes first is whatever the log says; what it says must then be true. `DWELL_RACES=50` does so many rounds of
/// each.
@Suite struct RacesEndToEnd {
    private static let rounds = ProcessInfo.processInfo.environment["DWELL_RACES"].flatMap { Int($0) } ?? 3

    /// Milliseconds by which the first is ahead, negative when the other is: spread over what a command takes to begin.
    private static var gaps: [Double] {
        (0..<rounds).flatMap { round -> [Double] in
            let spread = 24 * Double(round) / Double(max(1, rounds - 1))
            return [spread, -spread]
        }
    }

    /// Starts both, one so many milliseconds before the other, and waits for both.
    private func race(
        _ sandbox: Sandbox, _ first: [String], _ second: [String], gap: Double
    ) async throws -> (Output, Output) {
        func start(_ arguments: [String]) throws -> Running {
            try Running(
                Sandbox.dwell, arguments, environment: sandbox.environment, directory: sandbox.folder)
        }
        let early = try start(gap >= 0 ? first : second)
        usleep(UInt32(abs(gap) * 1_000))
        let late = try start(gap >= 0 ? second : first)
        async let one = early.output()
        async let other = late.output()
        let outputs = await (one, other)
        return gap >= 0 ? outputs : (outputs.1, outputs.0)
    }

    /// Waits until a command that is given now is decided at about so many milliseconds after the idle deadline.
    private func waitForDeadline(_ sandbox: Sandbox, gap: Double) async throws {
        var due: Double?
        try await eventually("it is idle, or was") {
            due = try await sandbox.query("select due_at_us from deadlines where kind = 'idle'").first.flatMap {
                Double($0)
            }
            // On a busy machine it may be over before the first look.
            if due != nil { return true }
            return try await status(sandbox) == "STOPPED"
        }
        guard let due else { return }
        // What a command takes until it is decided.
        let startup = 12.0
        let left = due / 1e6 + (gap - startup) / 1e3 - Date().timeIntervalSince1970
        if left > 0 { usleep(UInt32(left * 1e6)) }
    }

    /// The last of these types of events, and where it is.
    private func last(_ sandbox: Sandbox, _ types: String...) async throws -> (type: String, position: Int) {
        let list = types.map { "'\($0)'" }.joined(separator: ",")
        let row = try await sandbox.query(
            "select type || ' ' || position from events where type in (\(list)) order by position desc limit 1")
        let words = try #require(row.first).split(separator: " ")
        return (String(words[0]), try #require(Int(words[1])))
    }

    /// The laws, from the log alone: the digests and the fold, each idle period ended at most once, and no stop for
    /// idleness while a service was wanted.
    private func checkLaws(_ sandbox: Sandbox) async throws {
        #expect(try await sandbox.dwell("verify").exitCode == 0)
        let twice = try await sandbox.query(
            """
            select stream, payload ->> '$.idleVersion' as idle, count(*) from events
            where type glob 'controller.*' and idle is not null group by stream, idle having count(*) > 1
            """)
        #expect(twice.isEmpty, "an idle period ended twice: \(twice)")
        let wrong = try await sandbox.query(
            """
            select position from events as stop where type = 'controller.stopping' and payload ->> '$.reason' = 'idle_deadline'
                and (select type from events as e where e.stream = stop.stream and e.position < stop.position
                    and e.type in ('service.up_requested', 'service.down_requested', 'service.gone')
                    order by position desc limit 1) = 'service.up_requested'
            """)
        #expect(wrong.isEmpty, "stopped for idleness although a service was wanted: \(wrong)")
    }

    /// A service without a replica, which is as much wanted as any and quicker to bring up, on a controller with a short
    /// window.
    private func prepare(_ sandbox: Sandbox, window: String = "0.5s") async throws {
        try sandbox.configure("serve: {controller: {autostop: {idle: \(window)}}}")
        try sandbox.write("name: hello\nrun: 'true'\nservice: {readiness_probe: /, replicas: 0}\n", to: "hello.yaml")
        #expect(try await sandbox.dwell("start", "local").exitCode == 0)
    }

    private func isServed(_ sandbox: Sandbox) async throws -> Bool {
        let rows = try await sandbox.query(
            """
            select c.status || ' ' || s.name || ' ' || (s.live > 0) from controllers as c join services as s
            on s.controller = c.name
            """)
        return rows == ["UP hello 1"]
    }

    private func status(_ sandbox: Sandbox) async throws -> String {
        try await sandbox.query("select status from controllers").first ?? "none"
    }

    @Test func upAndTheDeadline() async throws {
        try await Sandbox.run { sandbox in
            try await prepare(sandbox)
            for gap in Self.gaps {
                if try await status(sandbox) != "IDLE" { _ = try await sandbox.dwell("start", "local") }
                try await waitForDeadline(sandbox, gap: gap)
                let up = try await sandbox.dwell("up", "hello.yaml")
                #expect(up.exitCode == 0, "\(gap): \(up)")
                try await eventually("what was acknowledged is served (\(gap))") { try await isServed(sandbox) }
                #expect(try await sandbox.dwell("down", "hello").exitCode == 0)
            }
            try await checkLaws(sandbox)
        }
    }

    @Test func upAndStop() async throws {
        try await Sandbox.run { sandbox in
            try await prepare(sandbox, window: "10m")
            for gap in Self.gaps {
                _ = try await sandbox.dwell("start", "local")
                let (_, stop) = try await race(sandbox, ["up", "hello.yaml"], ["stop", "local"], gap: gap)
                let last = try await last(
                    sandbox, "service.up_requested", "controller.start_requested", "controller.stopping")
                if last.type == "controller.stopping" {
                    #expect(stop.exitCode == 0, "\(gap): \(stop)")
                    try await eventually("it is stopped (\(gap))") { try await status(sandbox) == "STOPPED" }
                } else {
                    try await eventually("it is served (\(gap))") { try await isServed(sandbox) }
                }
                _ = try await sandbox.dwell("down", "hello")
            }
            try await checkLaws(sandbox)
        }
    }

    @Test func downAndUpOfOneName() async throws {
        try await Sandbox.run { sandbox in
            try await prepare(sandbox, window: "10m")
            for gap in Self.gaps {
                if try await sandbox.count("services") == 0 { _ = try await sandbox.dwell("up", "hello.yaml") }
                let (down, up) = try await race(sandbox, ["down", "hello"], ["up", "hello.yaml"], gap: gap)
                #expect(down.exitCode == 0, "\(gap): \(down)")
                let last = try await last(sandbox, "service.up_requested", "service.down_requested")
                if last.type == "service.up_requested" {
                    #expect(up.exitCode == 0, "\(gap): \(up)")
                    try await eventually("it is served (\(gap))") { try await isServed(sandbox) }
                } else {
                    #expect(up.exitCode != 0, "\(gap): \(up)")
                    try await eventually("it is gone (\(gap))") { try await sandbox.count("services") == 0 }
                }
            }
            try await checkLaws(sandbox)
        }
    }

    @Test func cancellingAutostopAndTheDeadline() async throws {
        try await Sandbox.run { sandbox in
            try await prepare(sandbox)
            for gap in Self.gaps {
                _ = try await sandbox.dwell("start", "local")
                _ = try await sandbox.dwell("autostop", "local", "--idle", "0.4s")
                try await waitForDeadline(sandbox, gap: gap)
                let cancel = try await sandbox.dwell("autostop", "local", "--cancel")
                #expect(cancel.exitCode == 0, "\(gap): \(cancel)")
                let last = try await last(sandbox, "controller.policy_set", "controller.stopping")
                // Whichever was first: nothing stops it after it was told never to.
                #expect(last.type == "controller.policy_set", "\(gap)")
                let before = try await sandbox.query(
                    "select type from events where type in ('controller.stopping', 'controller.idle') and position < \(last.position) order by position desc limit 1"
                )
                let rests = before == ["controller.stopping"] ? "STOPPED" : "IDLE"
                try await eventually("it stays as it was (\(gap))") { try await status(sandbox) == rests }
            }
            try await checkLaws(sandbox)
        }
    }

    @Test func terminateAndUp() async throws {
        try await Sandbox.run { sandbox in
            try await prepare(sandbox, window: "10m")
            for gap in Self.gaps {
                _ = try await sandbox.dwell("start", "local")
                let (_, up) = try await race(
                    sandbox, ["terminate", "local", "--force"], ["up", "hello.yaml"], gap: gap)
                let last = try await last(sandbox, "service.up_requested", "controller.terminating")
                if last.type == "service.up_requested" {
                    #expect(up.exitCode == 0, "\(gap): \(up)")
                    try await eventually("it is served (\(gap))") { try await isServed(sandbox) }
                } else {
                    // Its `up` may have come to its end before.
                    try await eventually("it is gone (\(gap))") {
                        let left = try await sandbox.count("services")
                        return try await status(sandbox) == "TERMINATED" && left == 0
                    }
                }
                _ = try await sandbox.dwell("down", "hello")
            }
            try await checkLaws(sandbox)
        }
    }

    @Test func twoUpsOfOneName() async throws {
        try await Sandbox.run { sandbox in
            try await prepare(sandbox, window: "10m")
            for gap in Self.gaps {
                let position = try await sandbox.count("events")
                let (one, other) = try await race(sandbox, ["up", "hello.yaml"], ["up", "hello.yaml"], gap: gap)
                let count = try await sandbox.count(
                    "events where type = 'service.up_requested' and position > \(position)")
                #expect(count == 1, "\(gap): \(one)\(other)")
                #expect(
                    [one.exitCode, other.exitCode].sorted() == [0, 1], "one is told that it is there: \(one)\(other)")
                try await eventually("it is served (\(gap))") { try await isServed(sandbox) }
                // A process gives itself its name.
                try await eventually("one load balancer is there (\(gap))") {
                    sandbox.processes(named: "dwell-lb").count == 1
                }
                _ = try await sandbox.dwell("down", "hello")
            }
            try await checkLaws(sandbox)
        }
    }

    /// The wall clock is set by an hour, to and fro, at the instant of the deadline.
    @Test func aJumpOfTheClockAndTheDeadline() async throws {
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("tools/torture/wallclock.c").path
        try await Sandbox.run { sandbox in
            try await prepare(sandbox)
            let compiled = try await sandbox.shell(
                "c=$(command -v cc || command -v clang || command -v gcc) && $c -shared -fPIC -O1 -o wallclock.so '\(source)'"
            )
            guard compiled.exitCode == 0 else {
                print("no C compiler: clock jumps at the deadline are not tested")
                return
            }
            let clock = sandbox.folder + "/clock"
            // Offset, since, parts per million.
            func set(_ offsetSeconds: Int64) throws {
                var numbers: [Int64] = [offsetSeconds * 1_000_000, 0, 0]
                let data = Data(bytes: &numbers, count: 24)
                guard let file = FileHandle(forUpdatingAtPath: clock) else {
                    try data.write(to: URL(fileURLWithPath: clock))
                    return
                }
                try file.write(contentsOf: data)
                try file.close()
            }
            try set(0)
            let moved = ["LD_PRELOAD": sandbox.folder + "/wallclock.so", "WALLCLOCK": clock]
            for (round, gap) in Self.gaps.enumerated() {
                try set(0)
                _ = try await sandbox.dwell(["start", "local"], environment: moved)
                try await waitForDeadline(sandbox, gap: gap)
                try set(round % 4 < 2 ? 3_600 : -3_600)
                let begun = ContinuousClock.now
                try await eventually("it stops at its time (\(gap))") { try await status(sandbox) == "STOPPED" }
                #expect(ContinuousClock.now - begun < .seconds(3), "\(gap)")
                let lateness = try await sandbox.query(
                    "select payload ->> '$.latenessMicroseconds' from events where type = 'controller.stopping' order by position desc limit 1"
                )
                let late = try #require(lateness.first.flatMap { Int64($0) })
                #expect(late >= 0 && late < 2_000_000, "\(gap): by the boot clock, \(late) us late")
                try await eventually("its process has ended") { sandbox.processes(named: "dwell").isEmpty }
            }
            try set(0)
            #expect(try await sandbox.dwell("verify").exitCode == 0)
        }
    }
}

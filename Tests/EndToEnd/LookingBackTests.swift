import Foundation
import Testing

/// Moments of the past: what was another between two of them, and that a moment is told of as it was told of then.
@Suite struct LookingBackTests {
    @Test func everyChangeOfWhatIsKeptIsTold() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            func change(_ words: String...) async throws -> String {
                let before = try await sandbox.count("events")
                #expect(try await sandbox.dwell(words).exitCode == 0)
                return try await sandbox.dwell("diff", "#\(before)", "now").out
            }
            #expect(try await change("autostop", "local", "--down").contains("~ controller local  down no -> yes"))
            #expect(
                try await change("autostop", "local", "--terminate-after", "7d").contains(
                    "terminate_after never -> 7d"))
            let paused = try await change("autostop", "local", "--pause", "1h", "--reason", "x")
            #expect(paused.contains("pause none -> until ") && paused.contains("(x)"), "\(paused)")
            let nothing = try await change("autostop", "local", "--terminate-after", "7d")
            #expect(nothing.contains("was as before"), "\(nothing)")
        }
    }

    @Test func everyEventOfAServiceIsTold() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.up()
            #expect(try await sandbox.dwell("down", "hello").exitCode == 0)
            for type in [
                "service.down_requested", "load_balancer.added", "load_balancer.launched", "load_balancer.removing",
            ] {
                let position = try await sandbox.count(
                    "events where position < (select position from events where type = '\(type)')")
                let told = try await sandbox.dwell("diff", "#\(position)", "#\(position + 1)").out
                #expect(told.contains("service local/hello") && !told.contains("as before"), "\(type): \(told)")
            }
        }
    }

    /// Also where values come from, and what is before a service that nobody asks.
    @Test func aMomentIsToldOfAsThen() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(
                """
                controllers:
                  local:
                    min_start_interval: 8s
                    autostop:
                      idle: 10m
                      keep_warm: ["Mon 00:00-01:00"]
                      wait_for: [{name: job, command: "exit 1"}]

                """, to: "home/config.yaml")
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            func sources(_ words: String...) async throws -> [String] {
                try await sandbox.dwell(["status", "-v"] + words).out.split(separator: "\n").map(String.init)
                    .filter { $0.contains("autostop from") }
            }
            let live = try await sources()
            #expect(live.first?.contains("min_start_interval 8s: ") == true, "\(live)")
            #expect(
                live.first?.contains("wait_for: ") == true && live.first?.contains("keep_warm: ") == true, "\(live)")
            #expect(try await sources("--at", "now") == live)
        }
    }

    @Test func aReportSaysWhatIsArchived() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            #expect(try await sandbox.dwell("report").err.isEmpty)
            let path = sandbox.folder + "/old.db"
            #expect(try await sandbox.dwell("archive", "--before", "now", path).exitCode == 0)
            for words in [["report"], ["report", "--since", "1h", "--json"], ["report", "--csv"]] {
                let report = try await sandbox.dwell(words)
                #expect(report.exitCode == 0 && report.errors.count == 1, "\(words): \(report)")
                #expect(
                    report.err.hasSuffix("is archived and not counted here: dwell report --log \(path)\n"), "\(report)")
            }
            #expect(try await sandbox.dwell("report", "--log", path).err.isEmpty)
        }
    }

    @Test func aReportForMachinesIsWhole() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            #expect(try await sandbox.dwell("stop", "local").exitCode == 0)
            func report(_ words: String...) async throws -> Output {
                try await sandbox.dwell(["report", "--price", "1.20/h", "--svg", "drawn.svg"] + words)
            }
            let json = try await report("--json")
            #expect(json.err == "drawn: drawn.svg\n", "\(json)")
            let object = try #require(
                try JSONSerialization.jsonObject(with: Data(json.out.utf8)) as? [String: Any])
            let local = try #require((object["controllers"] as? [[String: Any]])?.first)
            let whatIf = try #require((local["what_if"] as? [[String: Any]])?.first)
            #expect(whatIf["waited_seconds"] is Double && whatIf["idle_cost"] is Double, "\(whatIf)")
            let csv = try await report("--csv")
            let cells = try #require(csv.out.split(separator: "\n").last?.split(separator: ","))
            let cost = try #require(cells.count == 12 ? Double(cells[10]) : nil)
            let wanted = try #require(local["cost"] as? Double)
            #expect(cost > 0 && abs(cost - wanted) < 1e-9, "not rounded: \(csv)")
            let picture = try FileManager.default.attributesOfItem(atPath: sandbox.folder + "/drawn.svg")
            #expect(picture[.posixPermissions] as? Int == 0o600)
            #expect(try await report().out == "drawn: drawn.svg\n")
        }
    }
}

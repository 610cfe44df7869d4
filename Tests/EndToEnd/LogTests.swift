import Foundation
import Testing

@Suite struct LogsAndEvents {
    @Test func logsOfReplicasControllerAndLoadBalancer() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(Files.server, to: "server.py")
            try sandbox.write(
                "name: hello\nworkdir: .\nrun: |\n  echo \"I am $DWELL_REPLICA_ID\"\n  exec python3 server.py\nservice: {replicas: 2}\n",
                to: "hello.yaml")
            #expect(try await sandbox.dwell("up", "hello.yaml").exitCode == 0)
            try await eventually("both have spoken") { try await sandbox.status().service("hello").readyReplicas == 2 }
            #expect(try await sandbox.dwell("logs", "hello", "2").out.contains("I am 2"))
            #expect(try await sandbox.dwell("logs", "hello", "1").out.contains("I am 1"))
            #expect(try await sandbox.dwell("logs", "hello", "--load-balancer").exitCode == 0)
            #expect(try await sandbox.dwell("logs", "hello", "--controller").out.contains("controller local"))
            let missing = try await sandbox.dwell("logs", "hello", "7")
            #expect(missing.exitCode == 1 && missing.errors.count == 1, "\(missing)")
        }
    }

    /// The end is found from the end, over lines that are longer than a piece that is read at once.
    @Test func theLastLinesOfALongLog() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.up()
            let log = sandbox.home + "/logs/local/hello/replica-1.log"
            let long = String(repeating: "x", count: 200_000)
            let written = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
            try written.seekToEnd()
            try written.write(contentsOf: Data("first\n\(long)\nsecond\nlast".utf8))
            try written.close()
            for (tail, wanted) in [("1", "last"), ("2", "second\nlast"), ("0", "")] {
                #expect(try await sandbox.dwell("logs", "hello", "1", "--tail", tail).out == wanted)
            }
            let four = try await sandbox.dwell("logs", "hello", "1", "--tail", "4").out
            #expect(four == "first\n\(long)\nsecond\nlast")
            #expect(try await sandbox.dwell("logs", "hello", "1").out.hasSuffix(four))
            #expect(try await sandbox.dwell("logs", "hello", "1", "--tail", "9999").out.hasSuffix(four))
        }
    }

    /// Of a large log the beginning is given back to the disk; what is left begins with a whole line.
    @Test func aLogWithoutItsBeginning() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.up()
            let log = sandbox.home + "/logs/local/hello/replica-1.log"
            let lines = (0..<20_000).map { "line \($0)\n" }.joined()
            let written = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
            try written.truncate(atOffset: 0)
            // What was never written is a hole as well.
            try written.seek(toOffset: 1 << 20)
            try written.write(contentsOf: Data(("of a line\n" + lines).utf8))
            try written.close()
            let all = try await sandbox.dwell("logs", "hello", "1").out
            #expect(all == lines)
            #expect(try await sandbox.dwell("logs", "hello", "1", "--tail", "99999").out == all)
            #expect(try await sandbox.dwell("logs", "hello", "1", "--tail", "1").out == "line 19999\n")
        }
    }

    @Test func statusInJSONAlwaysHasTheSameKeys() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.up()
            let output = try await sandbox.dwell("status", "--json")
            for key in ["reason", "idle_seconds", "autostop_at", "ready_since", "launched_at"] {
                #expect(output.out.contains("\"\(key)\" :"), "\(key)")
            }
            #expect(output.out.contains("\"idle_seconds\" : null"))
        }
    }

    @Test func logsAreFollowed() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(Files.server, to: "server.py")
            try sandbox.write(
                "name: hello\nworkdir: .\nrun: |\n  (until [ -e '\(sandbox.folder)/go' ]; do sleep 0.05; done; echo later) &\n  echo now\n  exec python3 server.py\nservice: {}\n",
                to: "hello.yaml")
            #expect(try await sandbox.dwell("up", "hello.yaml").exitCode == 0)
            let following = try sandbox.start("logs", "hello", "1", "-f")
            _ = await following.lines { $0.contains("now") }
            try sandbox.write("", to: "go")
            let lines = await following.lines { $0.contains("later") }
            #expect(lines.contains("later"))
            following.end()
        }
    }

    @Test func eventsAreFollowedAndAreCloudEvents() async throws {
        try await Sandbox.run { sandbox in
            #expect(try await sandbox.dwell("start", "local").exitCode == 0)
            let following = try sandbox.start("events", "--follow", "--json")
            _ = try await sandbox.up()
            let lines = await following.lines { $0.contains { $0.contains("READY") } }
            following.end()
            var ids: [String] = []
            for line in lines {
                let event = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                for key in ["specversion", "id", "source", "type", "time", "data"] {
                    #expect(event[key] != nil, "\(key)")
                }
                ids.append(event["id"] as? String ?? "")
            }
            #expect(Set(ids).count == ids.count, "no event comes twice")
        }
    }

    /// What is printed is what `docs/events.schema.json` says, and nothing that it does not name.
    @Test func eventsAreAsTheirSchemaSays() async throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let schema = try #require(
            try JSONSerialization.jsonObject(
                with: Data(contentsOf: root.appendingPathComponent("docs/events.schema.json"))) as? [String: Any])
        let properties = try #require(schema["properties"] as? [String: [String: Any]])
        let required = try #require(schema["required"] as? [String])
        try await Sandbox.run { sandbox in
            _ = try await sandbox.up(replicas: 2)
            #expect(try await sandbox.dwell("down", "hello").exitCode == 0)
            let lines = try await sandbox.dwell("events", "--json").out.split(separator: "\n")
            #expect(lines.count > 15)
            for line in lines {
                let event = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                for key in required { #expect(event[key] != nil, "\(key): \(line)") }
                for (key, value) in event {
                    let rule = try #require(properties[key], "the schema does not name \(key)")
                    #expect(Self.obeys(value, rule), "\(key): \(value)")
                }
            }
        }
    }

    /// Of JSON Schema, what that schema uses.
    private static func obeys(_ value: Any, _ rule: [String: Any]) -> Bool {
        if let constant = rule["const"] as? String { return value as? String == constant }
        if let allowed = rule["enum"] as? [String] { return (value as? String).map { allowed.contains($0) } == true }
        if let pattern = rule["pattern"] as? String {
            return (value as? String)?.range(of: pattern, options: .regularExpression) != nil
        }
        switch rule["type"] as? String {
        case "string": return value is String
        case "object": return value is [String: Any]
        case "integer": return (value as? Int).map { $0 >= (rule["minimum"] as? Int ?? .min) } == true
        default: return false
        }
    }

    @Test func theDatabaseReadsWellToAPerson() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.up()
            _ = try await sandbox.dwell("down", "hello")
            let lines = try await sandbox.query("select event, what, actor from audit_log order by position")
            #expect(lines.first?.hasPrefix("controller.starting|starting for service hello") == true, "\(lines)")
            #expect(lines.contains { $0.contains("idle; stops at") })
            #expect(lines.allSatisfy { !$0.hasSuffix("|") }, "everybody has a name")
        }
    }

    @Test func aFileInThePlaceOfTheLogsIsNamed() async throws {
        try await Sandbox.run { sandbox in
            try sandbox.write(
                "name: hello\nrun: 'true'\nservice: {readiness_probe: /, replicas: 0}\n", to: "hello.yaml")
            _ = try await sandbox.dwell("up", "hello.yaml")
            _ = try await sandbox.dwell("stop", "--yes")
            _ = try await sandbox.shell(#"mv "$DWELL_HOME/logs" logs; touch "$DWELL_HOME/logs""#)
            for command in [["logs", "hello"], ["logs", "local", "--controller"], ["doctor"]] {
                let output = try await sandbox.dwell(command)
                #expect(output.exitCode == 1, "\(command): \(output)")
                let said = output.out + output.err
                #expect(
                    said.contains("\(sandbox.home)/logs is not a folder") && said.contains("move it away"), "\(said)")
                #expect(!said.contains("chmod") && !said.contains("no service"), "\(said)")
            }
            _ = try await sandbox.shell(#"rm "$DWELL_HOME/logs"; mv logs "$DWELL_HOME/logs""#)
        }
    }

    @Test(arguments: ["up", "down", "status", "stop", "start", "terminate", "autostop", "logs", "events", "version"])
    func helpHasExamples(_ command: String) async throws {
        try await Sandbox.run { sandbox in
            let output = try await sandbox.dwell(command, "--help")
            #expect(output.exitCode == 0)
            #expect(output.out.contains("Example") && output.out.contains("dwell \(command)"), "\(output.out)")
        }
    }

    @Test func versionAndHelpNeedNoHome() async throws {
        try await Sandbox.run { sandbox in
            let output = try await sandbox.dwell("version", environment: ["DWELL_HOME": "/proc/nowhere"])
            #expect(output.exitCode == 0 && output.out.hasPrefix("dwell "))
            let flag = try await sandbox.dwell("--version", environment: ["DWELL_HOME": "/proc/nowhere"])
            #expect(flag.exitCode == 0 && flag.out == output.out, "\(flag)")
            let json = try await sandbox.dwell("version", "--json", environment: ["DWELL_HOME": "/proc/nowhere"])
            #expect(json.out.hasPrefix("{\"version\":\""), "\(json)")
        }
    }
}

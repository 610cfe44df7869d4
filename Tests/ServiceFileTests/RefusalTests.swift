import Foundation
import ServiceFile
import Testing

/// What is refused: the line, the key, what is wrong, what would be right.
@Suite struct Refusals {
    /// No program can be started with it, which the log of a replica would tell much later.
    @Test(arguments: ["envs", "secrets"]) func aValueThatNoProgramCanBeGiven(_ key: String) throws {
        let longest = 32 * Int(sysconf(Int32(_SC_PAGESIZE))) - 64 - "BIG=".utf8.count
        let folder = try Folder()
        func said(_ length: Int) throws -> [String] {
            let value = String(repeating: "x", count: length)
            return try folder.problems(of: "run: serve\n\(key):\n  BIG: \(value)\nservice: {}\n")
        }
        #expect(try said(longest) == [])
        let problems = try said(longest + 1)
        #expect(problems.count == 1)
        #expect(problems[0].hasPrefix("service.yaml:3: \(key).BIG: is \(longest + 5) bytes long"), "\(problems)")
        let value = String(repeating: "x", count: longest + 1)
        #expect(throws: OptionFailure.self) { try EnvironmentOption.parse(["BIG=\(value)"], here: [:]) }
        let file = try folder.write("# one\nBIG=\(value)\n", to: ".env")
        let failure = #expect(throws: FileProblems.self) { try DotEnvFile.read(file, here: [:]) }
        #expect(failure?.lines.first?.hasPrefix("\(file):2: BIG is \(longest + 5) bytes long") == true)
    }

    @Test(arguments: [
        ("service:\n  replicas: -1", "service.yaml:3: service.replicas: must be a whole number from 0 to 1000, not -1"),
        (
            "service:\n  replicas: 1001",
            "service.yaml:3: service.replicas: must be a whole number from 0 to 1000, not 1001"
        ),
        (
            "service:\n  replicas: 1.5",
            "service.yaml:3: service.replicas: must be a whole number from 0 to 1000, not 1.5"
        ),
        (
            "service:\n  replicas: 1e9",
            "service.yaml:3: service.replicas: must be a whole number from 0 to 1000, not the text \"1e9\""
        ),
        (
            "service:\n  readiness_probe:",
            "service.yaml:3: service.readiness_probe: has no value; give a path such as /health, or leave the key out"
        ),
        (
            "service:\n  replicas: \"2\"",
            "service.yaml:3: service.replicas: must be a whole number from 0 to 1000, not the text \"2\""
        ),
        (
            "service:\n  replicas: true",
            "service.yaml:3: service.replicas: must be a whole number from 0 to 1000, not true"
        ),
        (
            "service:\n  https: {}",
            "service.yaml:3: service.https: unknown key; HTTPS is `tls: {keyfile: …, certfile: …}`"
        ),
        (
            "service:\n  port: 80",
            "service.yaml:3: service.port: unknown key; the port of a replica is `resources.ports`"
        ),
        (
            "service:\n  replica_policy: {min_replicas: 1, qps_upper_threshold: 2}",
            "service.yaml:3: service.replica_policy.qps_upper_threshold: unknown key; one number, "
                + "`target_qps_per_replica`, says when to scale"
        ),
        (
            "service:\n  idle_down: 0",
            "service.yaml:3: service.idle_down: must be more than 0, such as 30m: it would go before anybody could ask for it"
        ),
        ("service: []", "service.yaml:2: service: must be a section with keys of its own, not a list"),
        (
            "service:\n  readiness_probe: health",
            "service.yaml:3: service.readiness_probe: must start with a slash, as in /health"
        ),
        (
            "service:\n  readiness_probe: {}",
            "service.yaml:3: service.readiness_probe: has no `path`; say which path to ask, such as `path: /health`"
        ),
        (
            "service:\n  readiness_probe: {path: /, timeout_seconds: 0}",
            "service.yaml:3: service.readiness_probe.timeout_seconds: must be a number of seconds, above 0, not 0"
        ),
        (
            "service:\n  readiness_probe: {path: /, initial_delay_seconds: -1}",
            "service.yaml:3: service.readiness_probe.initial_delay_seconds: must be a number of seconds, 0 or more, not -1"
        ),
        (
            "service:\n  readiness_probe: {path: /, initial_delay_seconds: .inf}",
            "service.yaml:3: service.readiness_probe.initial_delay_seconds: must be a number of seconds, 0 or more, not .inf"
        ),
        (
            "service:\n  readiness_probe: {path: /, post_data: \"{\"}",
            "service.yaml:3: service.readiness_probe.post_data: must be JSON; this text is not"
        ),
        (
            "service:\n  readiness_probe: {path: /, headers: {\"a b\": c}}",
            "service.yaml:3: service.readiness_probe.headers.a b: is not a name for an HTTP header"
        ),
        (
            "service:\n  readiness_probe: {path: /, headers: {a: \"b\\r\\nc: d\"}}",
            "service.yaml:3: service.readiness_probe.headers.a: must not have a line break or control character in it"
        ),
        (
            "service:\n  readiness_probe: {path: /, headers: {a: 1}}",
            "service.yaml:3: service.readiness_probe.headers.a: must be a text (in quotes), not 1"
        ),
        (
            "service:\n  load_balancing_policy: random",
            "service.yaml:3: service.load_balancing_policy: must be one of round_robin, least_load, instance_aware_least_load, not the text \"random\""
        ),
        ("service:\n  ports: 0", "service.yaml:3: service.ports: must be a whole number from 1 to 65535, not 0"),
        (
            "service:\n  pool: {workers: 1}",
            "service.yaml:3: service.pool: is for pools of batch workers, which are not services; use `replicas`"
        ),
        (
            "service:\n  replica_policy: {max_replicas: 2}",
            "service.yaml:3: service.replica_policy: has no `min_replicas`"
        ),
        (
            "service:\n  replica_policy: {min_replicas: 2, max_replicas: 1}",
            "service.yaml:3: service.replica_policy.max_replicas: must be at least min_replicas (2), not 1"
        ),
        (
            "service:\n  replica_policy: {min_replicas: 1, max_replicas: 2}",
            "service.yaml:3: service.replica_policy.max_replicas: differs from min_replicas without `target_qps_per_replica`, which says when to scale"
        ),
        (
            "service:\n  replica_policy: {min_replicas: 1, target_qps_per_replica: 5}",
            "service.yaml:3: service.replica_policy.target_qps_per_replica: needs `max_replicas` beside it"
        ),
        (
            "service: {}\nnum_nodes: 2",
            "service.yaml:3: num_nodes: a replica runs on this one machine; it must be 1, not 2"
        ),
        (
            "service: {}\nresources: {ports: 80-79}",
            "service.yaml:3: resources.ports: must be a port from 1 to 65535, or a range such as 8080-8090, not the text \"80-79\""
        ),
        (
            "service: {}\nresources: {ports: [80, 81]}",
            "service.yaml:3: resources: opens several ports; say in `service.ports` which one answers requests"
        ),
        (
            "service: {}\nenvs: {A-B: 1}",
            "service.yaml:3: envs.A-B: is not a name for an environment variable: letters, digits and _, not starting with a digit"
        ),
        ("service: {}\nenvs: {A: [1]}", "service.yaml:3: envs.A: must be a text, not a list"),
        ("service: {}\nreplicas: 2", "service.yaml:3: replicas: unknown key; it belongs under `service`"),
        ("service: {}\nsteup: x", "service.yaml:3: steup: unknown key; did you mean `setup`?"),
        (
            "service: {}\nzzzzzzzzzz: x",
            "service.yaml:3: zzzzzzzzzz: unknown key; known here: _metadata, api_server_access, config, envs, event_callback, file_mounts, file_mounts_mapping, inputs, managed_secrets, name, num_nodes, outputs, pool, resources, run, secrets, service, setup, volume_mounts, volumes, workdir"
        ),
    ])
    func aMistakeIsToldInOneLine(_ text: String, _ line: String) throws {
        #expect(try Folder().problems(of: "run: serve\n\(text)\n") == [line])
    }

    @Test func everyMistakeIsToldAtOnceInTheOrderOfItsLines() throws {
        let lines = try Folder().problems(of: "service:\n  replicas: x\nrun: [1]\nnam: y\n")
        #expect(lines.map { $0.prefix(14) } == ["service.yaml:2", "service.yaml:3", "service.yaml:4"])
    }

    @Test(arguments: [
        ("a: b: c", "service.yaml:1: is not YAML"), ("a: [1\nb: 2", "service.yaml:2: is not YAML"),
        ("run: a\n\tb: c", "service.yaml:2: is not YAML"), ("a: *nowhere", "service.yaml:1: is not YAML"),
        ("run: a\nrun: b", "service.yaml:1: has `run` twice"),
        ("a: 1\n---\nb: 2", "service.yaml:2: has a second document"),
        ("- a\n- b", "service.yaml:1: must be a section"), ("", "service.yaml: is empty"),
        ("# only a comment", "service.yaml: is empty"),
        ("[a]: b", "service.yaml:1: has a key that is not a text"), ("<<: text", "service.yaml:1: merges (<<)"),
        ("a: \0", "service.yaml: is not a text file"),
    ])
    func whatIsNotYAMLIsToldWithItsLine(_ text: String, _ begins: String) throws {
        let lines = try Folder().problems(of: text)
        #expect(lines.count == 1)
        #expect(lines.first?.hasPrefix(begins) == true, "\(lines)")
    }

    /// No number that is accepted here may be too large for a clock further on.
    @Test(arguments: ["timeout_seconds", "endpoint_probe_interval_seconds", "initial_delay_seconds"])
    func noTimeIsTooLong(_ key: String) throws {
        let folder = try Folder()
        func text(_ seconds: String) -> String {
            "run: serve\nservice: {readiness_probe: {path: /, \(key): \(seconds)}}\n"
        }
        #expect(try folder.problems(of: text("1.0e+300")).count == 1)
        #expect(try folder.problems(of: text("1.0e+10")).count == 1)
        #expect(try folder.problems(of: text("3.0e+9")).isEmpty)
    }

    @Test func aZeroByteIsRefusedAlsoWhenItIsWrittenAsAnEscape() throws {
        let lines = try Folder().problems(of: "run: serve\nenvs: {A: \"x\\0y\"}\nservice: {}\n")
        #expect(lines == ["service.yaml:2: has a text with a zero byte in it"])
    }

    /// It would be in the log for ever, and is not printed either.
    @Test(arguments: [
        ("workdir: {url: \"https://bob:s3cret@host/a.git\", ref: main}", "workdir.url"),
        ("workdir: {url: \"http://bob:s3@cret@host/a.git\"}", "workdir.url"),
        ("workdir: {url: \"https://ghp_s3cret@github.com/a/b\"}", "workdir.url"),
        ("workdir: {url: \"ssh://bob:s3cret@host:22/a.git\"}", "workdir.url"),
        ("workdir: https://bob:s3cret@host/a.git", "workdir"),
    ])
    func aPasswordInAURLIsRefused(_ text: String, _ key: String) throws {
        let problems = try Folder().problems(of: "run: serve\n\(text)\nservice: {}\n")
        #expect(problems.count == 1)
        #expect(problems[0].hasPrefix("service.yaml:2: \(key): has a password in it"), "\(problems)")
        #expect(!problems[0].contains("cret") && problems[0].contains("~/.netrc"))
    }

    @Test(arguments: [
        "https://org@dev.azure.com/org/p/_git/r", "ssh://git@host:22/a.git", "git@host:a/b", "http://h:80/@x:y",
    ])
    func aUserInAURLIsNone(_ url: String) throws {
        #expect(try Folder().problems(of: "run: serve\nworkdir: {url: \"\(url)\"}\nservice: {}\n") == [])
    }

    @Test func nothingMakesItGrowWithoutBound() throws {
        let folder = try Folder()
        var bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
        for level in 1..<12 {
            bomb +=
                "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ",") + "]\n"
        }
        #expect(try folder.problems(of: bomb).first?.contains("more than 100000 values") == true)
        #expect(try folder.problems(of: String(repeating: "[", count: 200_000)).first?.contains("nested") == true)
        #expect(try folder.problems(of: String(repeating: "{a: ", count: 5000)).count == 1)
        let stairs = (0..<900).map { String(repeating: " ", count: $0) + "a:" }.joined(separator: "\n")
        #expect(try folder.problems(of: stairs).first?.contains("nested") == true)
        #expect(
            try folder.problems(of: "a: " + String(repeating: "x", count: 2 << 20)).first?.contains("larger than 1 MiB")
                == true)
    }

    @Test func aFileThatCannotBeReadIsToldWhy() throws {
        let folder = try Folder()
        func problems(_ path: String) -> [String] {
            do throws(FileProblems) {
                _ = try ServiceFile.read(path, workingDirectory: folder.path)
                return []
            } catch {
                return error.lines
            }
        }
        #expect(problems("nowhere.yaml") == ["nowhere.yaml: does not exist"])
        #expect(problems(".") == [".: is a folder, not a file"])
        #expect(problems(String(repeating: "a", count: 5000)).first?.contains("name that is too long") == true)
        try Data([0xff, 0xfe, 0x00]).write(to: URL(fileURLWithPath: folder.path + "/bytes"))
        #expect(problems("bytes") == ["bytes: is not UTF-8 text"])
    }
}

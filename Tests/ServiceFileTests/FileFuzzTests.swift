import Foundation
import Lifecycle
import ServiceFile
import TestKit
import Testing

/// Service files, `config.yaml` and `.env` files that nobody would write, made by changing ones that people do. Each is read
/// or refused in words, soon, whatever it says; and what was read is asked of a controller, with all that may come after, for
/// a value that is let in may be the one that traps where it is used.
///
/// `DWELL_FUZZ=N` tries N of each (`make fuzz`); without it a few hundred are tried.
@Suite struct FileFuzzTests {
    private static let rounds = ProcessInfo.processInfo.environment["DWELL_FUZZ"].flatMap { Int($0) } ?? 300

    /// A hang and not slowness: the whole of it takes a millisecond.
    private static let limit = Duration.seconds(20)

    private static let services = [
        """
        name: llm
        workdir: .
        num_nodes: 1
        envs: {A: 1, B: null, MODEL: small}
        secrets: {TOKEN: x}
        resources:
          ports: [8080, "9000-9001"]
          any_of: [{cloud: aws, use_spot: true}, {cloud: gcp, use_spot: true, accelerators: "A100:1"}]
          cpus: 2+
          memory: 4+
        file_mounts:
          /tmp/x: ./x
        setup: |
          make ${MODEL}
        run: |
          serve $PORT
        service:
          ports: 8080
          readiness_probe: &p {path: /x, post_data: {a: [1, 2]}, headers: {k: v}, initial_delay_seconds: 60, timeout_seconds: 5}
          replica_policy:
            min_replicas: 1
            max_replicas: 3
            target_qps_per_replica: 2.5
            upscale_delay_seconds: 300
            downscale_delay_seconds: 1200
            num_overprovision: 1
          load_balancing_policy: round_robin
          load_balancer: {stream_timeout_seconds: 30}
          replica_drain_delay: 30s
          idle_down: 30m
        """,
        """
        name: hello
        run: python3 server.py
        envs:
          GREETING: Hello ${NAME}
          NAME: world
        resources: {ports: 8080, accelerators: {A100: 1}}
        service:
          readiness_probe:
            path: /health
            consecutive_failure_threshold_timeout: 180
            endpoint_probe_interval_seconds: 10
          replica_policy: {min_replicas: 0, max_replicas: 2, target_qps_per_replica: {"A100:1": 10, "T4:1": 2}}
          load_balancing_policy: instance_aware_least_load
        """,
        """
        run: serve
        workdir: {url: "https://example.org/x.git", ref: main}
        resources: {ports: 8000}
        service: {readiness_probe: /, replicas: 2}
        """,
    ]

    private static let configurations = [
        """
        serve:
          controller:
            autostop: {idle_minutes: 10, down: true, terminate_after: 7d}
            min_start_interval: 60s
        controllers:
          prod:
            autostop:
              profile: prod
              idle: 1h30m
              keep_warm: ["Mon-Fri 08:00-22:00 Europe/Berlin", 22:30-6:00]
              stop_at: [22:00, "Sat 12:00 UTC"]
              wait_for:
                - ssh
                - {name: gpu, command: ./gpu-use.sh, every: 30s, timeout: 5s}
                - {name: queue, url: "http://127.0.0.1:9000/idle"}
              hook: ./stop.sh
              hook_timeout: 60
            hooks: {start: {run: ./start.sh, timeout: 10s}, terminate: ./gone.sh}
          dev: {autostop: false}
        load_balancer: {host: 127.0.0.1, ports: 30001-30020}
        notify:
          - {name: pager, url: "https://hooks.example.org/dwell", on: [controller.stopped, "service.*"], headers: {A: b}}
          - {command: ./tell.sh, controllers: [prod], timeout: 5s}
        """,
        """
        serve: {controller: {autostop: 90s}}
        controllers: {local: {autostop: {profile: batch, keep_warm: 08:00-18:00}, min_start_interval: 0}}
        hooks: {stop: {run: sync, timeout: 1m}}
        """,
    ]

    private static let environments = ["A=1\nexport B='two words'\n# x\nC=\"a\\nb\" # y\nD=${A}\n\nE=\n"]

    private func expectSoon(_ text: [UInt8], _ look: () -> Void) {
        let begun = ContinuousClock.now
        look()
        #expect(ContinuousClock.now - begun < Self.limit, "\(String(decoding: text, as: UTF8.self))")
    }

    /// What is said is of a length that somebody reads.
    private func expectWords(_ problems: FileProblems, _ text: [UInt8]) {
        #expect(!problems.lines.isEmpty, "\(String(decoding: text, as: UTF8.self))")
        for line in problems.lines where line.isEmpty || line.utf8.count > 1_000 {
            Issue.record("\(line)\nof\n\(String(decoding: text, as: UTF8.self))")
        }
    }

    @Test func serviceFilesAreReadOrRefused() throws {
        let folder = try Folder()
        try folder.write("x", to: "x")
        var mutation = FileMutation(random: SeededGenerator(seed: 11))
        var accepted = 0
        for round in 0..<Self.rounds {
            let seed = mutation.random.pick(Self.services)
            let text = mutation.mutated(seed, with: mutation.random.pick(Self.services + Self.configurations))
            try folder.write(text, to: "service.yaml")
            expectSoon(text) {
                do throws(FileProblems) {
                    let file = try ServiceFile.read(
                        "service.yaml", workingDirectory: folder.path, given: GivenValues(envs: ["B": "b"]))
                    accepted += 1
                    live(file.spec, AutostopPolicy.standard, seed: UInt64(round))
                } catch {
                    expectWords(error, text)
                }
            }
        }
        #expect(accepted > 0 && accepted < Self.rounds)
    }

    @Test func configurationsAreReadOrRefused() throws {
        let folder = try Folder()
        var mutation = FileMutation(random: SeededGenerator(seed: 12))
        var accepted = 0
        let names = ["prod", "local", "dev"].compactMap { ControllerName(rawValue: $0) }
        for round in 0..<Self.rounds {
            let seed = mutation.random.pick(Self.configurations)
            let text = mutation.mutated(seed, with: mutation.random.pick(Self.services + Self.configurations))
            let path = try folder.write(text, to: "config.yaml")
            expectSoon(text) {
                do throws(FileProblems) {
                    let configuration = try Configuration.load(path: path)
                    accepted += 1
                    for name in names {
                        _ = (configuration.hooks(for: name), configuration.useProbes(for: name))
                        _ = (configuration.profile(of: .window, for: name), configuration.source(of: .stop, for: name))
                        live(.sample(replicas: 1), configuration.policy(for: name), seed: UInt64(round))
                    }
                } catch {
                    expectWords(error, text)
                }
            }
        }
        #expect(accepted > 0 && accepted < Self.rounds)
    }

    @Test func environmentFilesAreReadOrRefused() throws {
        let folder = try Folder()
        var mutation = FileMutation(random: SeededGenerator(seed: 13))
        for _ in 0..<Self.rounds {
            let seed = mutation.random.pick(Self.environments)
            let text = mutation.mutated(seed, with: mutation.random.pick(Self.environments + Self.services))
            let path = try folder.write(text, to: ".env")
            expectSoon(text) {
                do throws(FileProblems) {
                    _ = try DotEnvFile.read(path, here: ["A": "a"])
                } catch {
                    expectWords(error, text)
                }
            }
        }
    }

    /// A controller that is asked for it, and what may happen to it.
    private func live(_ spec: ServiceSpec, _ policy: AutostopPolicy, seed: UInt64) {
        var it = Scenario()
        var commands = RandomCommands(seed: seed)
        let up = Command.Up(
            service: .api, spec: spec, policy: policy, host: "127.0.0.1", candidatePorts: [30_001])
        for command in [Command.up(up), .takeOver(process: "a"), .setAutostop(policy)] { _ = try? it.when(command) }
        for _ in 0..<20 {
            commands.advance(&it.clock)
            _ = try? it.when(commands.next(for: it.state))
            _ = it.state.outstanding
            for pending in it.state.pendingDeadlines {
                _ = pending.deadline.remainingMicroseconds(at: it.clock.now)
            }
        }
        #expect(it.folded == it.state)
        #expect(throws: Never.self) {
            _ = try JSONDecoder().decode(ServiceSpec.self, from: JSONEncoder().encode(spec))
        }
    }
}

import Foundation
import Lifecycle
import ServiceFile
import Testing

@Suite struct Configurations {
    private func policy(_ text: String, _ controller: String = "local") throws -> AutostopPolicy {
        let folder = try Folder()
        let path = try folder.write(text, to: "config.yaml")
        return try Configuration.load(path: path).policy(for: #require(ControllerName(rawValue: controller)))
    }

    @Test(arguments: [
        ("false", Double?.none), ("true", 600), ("10", 600), ("0", 0), ("1.5", 90), ("\"90s\"", 90), ("90s", 90),
        ("30m", 1800),
        ("2h", 7200), ("7d", 604_800), ("1w", 604_800), ("\"15\"", 900), ("{idle_minutes: 5}", 300),
        ("{idle: 90s}", 90), ("{idle: false}", nil), ("{idle: never}", nil),
        ("1h30m", 5400), ("\"5m30s\"", 330), ("1d 2h", 93_600), ("{idle: 1w1.5s}", 604_801.5),
    ])
    func everyFormOfAutostopIsUnderstood(_ value: String, _ seconds: Double?) throws {
        let policy = try policy("serve:\n  controller:\n    autostop: \(value)\n")
        #expect(policy == AutostopPolicy(idleTimeoutSeconds: seconds, source: .serveController))
    }

    @Test func timesOfTheWeek() throws {
        let policy = try policy(
            """
            controllers:
              local:
                autostop:
                  keep_warm: ["Mon-Fri 08:00-22:00 Europe/Berlin", "fri-Mon,Wed 22:30-6:00 UTC", 00:00-24:00]
                  stop_at: 22:00
            """)
        let said = try #require(policy.schedule)
        #expect(said.source == .controllers)
        #expect(said.value.keepWarm.map(\.days) == [[0, 1, 2, 3, 4], [0, 2, 4, 5, 6], Array(0...6)])
        #expect(said.value.keepWarm.map(\.startMinute) == [480, 1350, 0])
        #expect(said.value.keepWarm.map(\.endMinute) == [1320, 360, 1440])
        #expect(
            said.value.keepWarm.map(\.timeZone) == ["Europe/Berlin", "UTC", TimeZone.current.identifier])
        #expect(said.value.stopAt.map(\.minute) == [1320])
    }

    /// What a controller says of the one leaves the other as it is said for all.
    @Test func timesOfTheWeekAreInheritedEachByItself() throws {
        func read(_ all: String, _ own: String) throws -> AutostopPolicy {
            try policy("serve: {controller: {autostop: {\(all)}}}\ncontrollers: {local: {autostop: {\(own)}}}")
        }
        func sources(_ policy: AutostopPolicy) -> [PolicySource?] {
            [policy.scheduleSources.keepWarm, policy.scheduleSources.stopAt]
        }
        let (warm, stop) = ("keep_warm: [\"08:00-22:00\"]", "stop_at: [\"23:00\"]")
        let ownWarm = try read(stop, warm)
        #expect(ownWarm.schedule?.value.stopAt.map(\.minute) == [1380])
        #expect(sources(ownWarm) == [.controllers, .serveController])
        let ownStop = try read(warm, stop)
        #expect(ownStop.schedule?.value.keepWarm.map(\.startMinute) == [480])
        #expect(sources(ownStop) == [.serveController, .controllers])
        #expect(try sources(read("\(warm), \(stop)", "idle: 5m")) == [.serveController, .serveController])
        #expect(try sources(read("\(warm), \(stop)", "keep_warm: []")) == [nil, .serveController])
        #expect(try read("stop_at: [\"21:00\"]", stop).schedule?.value.stopAt.map(\.minute) == [1380])
        #expect(try sources(read(stop, "idle: false")) == [nil, .serveController], "and never is never")
    }

    /// Each gets one line that says what would be right.
    @Test(arguments: [
        ("keep_warm: [\"Mon-Fri 08:00\"]", "no time from HH:MM to HH:MM"),
        ("keep_warm: [\"Mon-Fri 08:00-25:00\"]", "no time from HH:MM to HH:MM"),
        ("keep_warm: [\"Mon-Fry 08:00-22:00\"]", "are no days, such as Mon-Fri"),
        ("keep_warm: [\"08:00-22:00 Europe/Berlun\"]", "is not a time zone of this system"),
        ("keep_warm: [\"08:00-08:00\"]", "a whole day is 00:00-24:00"),
        ("keep_warm: [\"08:00-22:00 UTC sharp\"]", "more than days, a time and a zone"),
        ("keep_warm: [\"\"]", "says no time"), ("keep_warm: {a: 1}", "must be a list such as"),
        ("{idle: false, stop_at: [\"22:00\"]}", "stops nothing whose idle is false"),
        ("stop_at: [\"24:00\"]", "no time HH:MM"), ("stop_at: [\"-5:00\"]", "no time HH:MM"),
    ])
    func timesThatAreNone(_ line: String, _ says: String) throws {
        let folder = try Folder()
        let path = try folder.write("controllers:\n  local:\n    autostop:\n      \(line)\n", to: "config.yaml")
        let problems = #expect(throws: FileProblems.self) { try Configuration.load(path: path) }
        let told = try #require(problems?.lines)
        #expect(told.count == 1 && told[0].contains("config.yaml:4: controllers.local.autostop."), "\(told)")
        #expect(told[0].contains(says), "\(told)")
    }

    @Test func whatItWaitsFor() throws {
        let folder = try Folder()
        let path = try folder.write(
            """
            serve: {controller: {autostop: {wait_for: jobs_and_ssh}}}
            controllers:
              gpu:
                autostop:
                  wait_for:
                    - ssh
                    - {name: gpu, command: ./use.sh, every: 1m, timeout: 5}
                    - {url: "http://127.0.0.1:9000/idle?x=1"}
              none: {autostop: {wait_for: none}}
            """, to: "config.yaml")
        let configuration = try Configuration.load(path: path)
        let (gpu, other) = (
            try #require(ControllerName(rawValue: "gpu")), try #require(ControllerName(rawValue: "local"))
        )
        #expect(configuration.policy(for: other).waitFor == .init(["ssh"], .serveController))
        #expect(configuration.policy(for: gpu).waitFor == .init(["ssh", "gpu", "url 3"], .controllers))
        let probes = configuration.useProbes(for: gpu)
        #expect(probes["gpu"] == UseProbe(question: .command("./use.sh"), everySeconds: 60, timeoutSeconds: 5))
        #expect(probes["url 3"]?.timeoutSeconds == 10)
        #expect(probes["url 3"]?.question == .url(host: "127.0.0.1", port: 9000, path: "/idle?x=1"))
        let none = try #require(ControllerName(rawValue: "none"))
        #expect(configuration.policy(for: none).waitFor == .init([], .controllers))
        #expect(configuration.useProbes(for: none).isEmpty)
    }

    @Test(arguments: [
        ("everything", "must be jobs, jobs_and_ssh, none, or a list"), ("[tea]", "must be jobs, jobs_and_ssh"),
        ("[{name: a}]", "wait_for[0]: needs a `command` or a `url`"),
        ("[{command: x, url: \"http://a\"}]", "one of them"), ("[{url: \"ftp://a\"}]", "must be a URL such as"),
        ("[{command: x, every: 0}]", "must be a time of 0.1 s to an hour"),
        ("[{command: x, timeout: 2h}]", "must be a time of 0.1 s to an hour"), ("[ssh, ssh]", "two of the name ssh"),
        ("[{command: x, evry: 5s}]", "`every`"),
        ("[{command: \" \"}]", "wait_for[0].command: must be a command for bash"),
        (
            "[{command: x, every: 1s, timeout: 100s}]",
            "wait_for[0].timeout: must be no longer than `every`, which is 1s"
        ),
        ("[{command: x, timeout: 31s}]", "must be no longer than `every`, which is 30s"),
    ])
    func whatItCannotWaitFor(_ value: String, _ says: String) throws {
        let folder = try Folder()
        let path = try folder.write("controllers: {local: {autostop: {wait_for: \(value)}}}\n", to: "config.yaml")
        let told = try #require(#expect(throws: FileProblems.self) { try Configuration.load(path: path) }?.lines)
        #expect(told.count == 1 && told[0].contains(says), "\(told)")
    }

    /// A section says what it says; the rest is as it is elsewhere.
    @Test func aSectionMaySayPartOfIt() throws {
        func read(_ value: String) throws -> AutostopPolicy { try policy("serve: {controller: {autostop: \(value)}}") }
        #expect(try read("{}") == .standard)
        let down = try read("{down: true}")
        #expect(down.idleTimeoutSeconds == 600 && down.source == .standard, "not 0, as SkyPilot has it")
        #expect(down.down == AutostopPolicy.Said(true, .serveController))
        let both = try read("{idle_minutes: 5, terminate_after: 7d}")
        #expect(both.idleTimeoutSeconds == 300 && both.source == .serveController)
        #expect(both.terminateAfterSeconds == AutostopPolicy.Said(604_800, .serveController))
        #expect(
            try read("{terminate_after: never}").terminateAfterSeconds == AutostopPolicy.Said(nil, .serveController))
        #expect(
            try read("{terminate_after: false}").terminateAfterSeconds == AutostopPolicy.Said(nil, .serveController))
        let own = try policy(
            "serve: {controller: {autostop: {idle_minutes: 5, down: true}}}\ncontrollers: {prod: {autostop: {down: false}}}",
            "prod")
        #expect(own.idleTimeoutSeconds == 300 && own.source == .serveController)
        #expect(own.down == AutostopPolicy.Said(false, .controllers))
    }

    @Test func aProfileIsAPolicyThatCanBeChanged() throws {
        func read(_ value: String) throws -> AutostopPolicy { try policy("controllers: {local: {autostop: \(value)}}") }
        let batch = try read("{profile: batch}")
        #expect(batch.idleTimeoutSeconds == 0 && batch.source == .controllers)
        #expect(batch.down == AutostopPolicy.Said(true, .controllers))
        let dev = try read("{profile: dev}")
        #expect(dev.idleTimeoutSeconds == 600 && dev.terminateAfterSeconds?.value == 604_800)
        #expect(try read("{profile: prod}").terminateAfterSeconds == AutostopPolicy.Said(nil, .controllers))
        let changed = try read("{profile: batch, idle: 5m, down: false}")
        #expect(changed.idleTimeoutSeconds == 300 && changed.down?.value == false)
        let failure = #expect(throws: FileProblems.self) { try read("{profile: night}") }
        #expect(
            failure?.lines.first?.contains("controllers.local.autostop.profile: must be dev, prod or batch") == true)
    }

    /// Of the two places for a stop hook, what a controller says in either goes before what is said for all.
    @Test func aControllersOwnStopHookGoesBeforeThatOfAll() throws {
        func stop(_ text: String) throws -> String? {
            let folder = try Folder()
            let path = try folder.write(text, to: "config.yaml")
            let local = try #require(ControllerName(rawValue: "local"))
            return try Configuration.load(path: path).hooks(for: local)[.stop]?.run
        }
        #expect(try stop("hooks: {stop: all}\ncontrollers: {local: {autostop: {hook: own}}}") == "own")
        #expect(
            try stop("serve: {controller: {autostop: {hook: all}}}\ncontrollers: {local: {hooks: {stop: own}}}")
                == "own")
        #expect(try stop("serve: {controller: {autostop: {hook: all}}}\nhooks: {idle: x}") == "all")
    }

    /// Who is asked oftener than that has no ten seconds.
    @Test func aProbeHasNoLongerThanUntilItIsAskedAgain() throws {
        let folder = try Folder()
        let path = try folder.write(
            "serve: {controller: {autostop: {wait_for: [{name: gpu, command: x, every: 2s}]}}}", to: "config.yaml")
        let local = try #require(ControllerName(rawValue: "local"))
        #expect(try Configuration.load(path: path).useProbes(for: local)["gpu"]?.timeoutSeconds == 2)
    }

    @Test func aControllersOwnGoesBeforeThatOfAll() throws {
        let text = "serve: {controller: {autostop: 2h}}\ncontrollers: {prod: {autostop: false}, dev: {}}\n"
        #expect(try policy(text, "prod") == AutostopPolicy(idleTimeoutSeconds: nil, source: .controllers))
        #expect(try policy(text, "dev") == AutostopPolicy(idleTimeoutSeconds: 7200, source: .serveController))
        #expect(try policy("", "dev") == .standard)
        #expect(try Configuration.load(path: "/nowhere/config.yaml") == Configuration())
    }

    @Test func whereLoadBalancersListen() throws {
        let folder = try Folder()
        #expect(Configuration().loadBalancer.host == "127.0.0.1")
        #expect(Configuration().loadBalancer.ports == 30_001...32_767)
        let path = try folder.write("load_balancer: {host: 0.0.0.0, ports: 31000-31019}\n", to: "config.yaml")
        let loaded = try Configuration.load(path: path).loadBalancer
        #expect(loaded.host == "0.0.0.0" && loaded.ports == 31_000...31_019)
    }

    @Test(arguments: [
        ("serve: {controler: {}}", "config.yaml:1: serve.controler: unknown key; did you mean `controller`?"),
        ("autostop: 10", "config.yaml:1: autostop: unknown key; it belongs under `serve.controller`"),
        ("controllers: {Prod: {autostop: 1}}", "config.yaml:1: controllers.Prod: cannot be the name of a controller"),
        (
            "controllers: {prod: {autostop: soon}}",
            "config.yaml:1: controllers.prod.autostop: \"soon\" is not a time: write 90s, 10m, 1h30m, 2h or 7d"
        ),
        (
            "controllers: {prod: {autostop: -1}}",
            "config.yaml:1: controllers.prod.autostop: a time must be 0 or more"
        ),
        (
            "controllers: {prod: {autostop: 1.0e+300}}",
            "config.yaml:1: controllers.prod.autostop: a time must be a hundred years at most"
        ),
        ("controllers: {prod: {autostop: [1]}}", "config.yaml:1: controllers.prod.autostop: must be false, minutes"),
        (
            "controllers: {prod: {autostop: {idle_minutes: x}}}",
            "config.yaml:1: controllers.prod.autostop.idle_minutes: must be a number of minutes"
        ),
        ("controllers: {prod: {autostop: -5m}}", "config.yaml:1: controllers.prod.autostop: \"-5m\" is negative"),
        (
            "controllers: {prod: {autostop: {terminate_after: -7d}}}",
            "config.yaml:1: controllers.prod.autostop.terminate_after: \"-7d\" is negative"
        ),
        ("controllers: {prod: {autostop: 30m1h}}", "\"30m1h\" is not a time"),
        ("controllers: {prod: {autostop: 1h30}}", "\"1h30\" is not a time"),
        ("controllers: {prod: {autostop: {hook: \"\"}}}", "controllers.prod.autostop.hook: must be a command for bash"),
        ("hooks: {stop: {run: \" \"}}", "config.yaml:1: hooks.stop.run: must be a command for bash"),
        (
            "hooks: {stop: b}\nserve: {controller: {autostop: {hook: c}}}",
            "config.yaml:2: serve.controller.autostop.hook: says the same as hooks.stop; keep one of them"
        ),
        (
            "controllers: {prod: {hooks: {stop: b}, autostop: {hook: c}}}",
            "config.yaml:1: controllers.prod.autostop.hook: says the same as controllers.prod.hooks.stop; keep one of them"
        ),
        (
            "controllers: {prod: {profile: batch}}",
            "config.yaml:1: controllers.prod.profile: unknown key; it belongs under `autostop`"
        ),
        ("profile: dev", "config.yaml:1: profile: unknown key; it belongs under `serve.controller.autostop`"),
        (
            "serve: {controller: {keep_warm: [\"08:00-22:00\"]}}",
            "config.yaml:1: serve.controller.keep_warm: unknown key; it belongs under `autostop`"
        ),
        (
            "controllers: {prod: {autostop: {min_start_interval: 60s}}}",
            "config.yaml:1: controllers.prod.autostop.min_start_interval: unknown key; it belongs under `controllers.prod`"
        ),
        ("hooks: {terminate: b, down: c}", "config.yaml:1: hooks.down: is SkyPilot's word for terminate"),
        ("notify: {command: x, on: []}", "config.yaml:1: notify[0].on: picks nothing"),
        ("notify: {command: x, controllers: []}", "config.yaml:1: notify[0].controllers: names none"),
        ("load_balancer: {host: example}", "config.yaml:1: load_balancer.host: must be an IPv4 address"),
        ("load_balancer: {ports: 0-5}", "config.yaml:1: load_balancer.ports: must be a range of ports"),
        ("- 1", "config.yaml:1: must be a section"),
    ])
    func aMistakeIsToldWithItsLine(_ text: String, _ says: String) throws {
        let folder = try Folder()
        let path = try folder.write(text + "\n", to: "config.yaml")
        do throws(FileProblems) {
            _ = try Configuration.load(path: path)
            Issue.record("it was accepted")
        } catch {
            #expect(error.lines.count == 1 && error.description.contains(says), "\(error)")
        }
    }

    @Test(arguments: [("A=b", "b"), ("A=", ""), ("A=b=c", "b=c"), ("A", "here"), ("A=two words", "two words")])
    func anOptionGivesAVariable(_ option: String, _ value: String) throws {
        #expect(try EnvironmentOption.parse([option], here: ["A": "here"]) == ["A": value])
    }

    @Test(arguments: ["", "=", "=x", "1A=x", "A B=x", "NOT_HERE"])
    func anOptionThatIsNoneIsRefused(_ option: String) {
        #expect(throws: OptionFailure.self) { try EnvironmentOption.parse([option], here: [:]) }
    }
}

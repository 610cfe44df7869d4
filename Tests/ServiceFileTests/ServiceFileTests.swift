import Foundation
import Lifecycle
import ServiceFile
import Testing

@Suite struct ServiceFiles {
    @Test func everythingThatIsSaidIsRead() throws {
        let folder = try Folder()
        try folder.write("", to: "app/server.py")
        let file = try folder.read(
            """
            name: llm
            workdir: app
            envs:
              MODEL: small
              VERSION: 1.10
              DEBUG: true
              EMPTY: ""
            resources:
              ports: 8080
            setup: pip install model
            run: python3 server.py --model $MODEL
            service:
              readiness_probe:
                path: /v1/health
                initial_delay_seconds: 60
                timeout_seconds: 2.5
                endpoint_probe_interval_seconds: 5
                consecutive_failure_threshold_timeout: 30
                post_data: {model: $MODEL, max_tokens: 1, list: [1, "a\\"b", null]}
                headers: {Authorization: "Bearer ${MODEL}"}
              replicas: 3
              load_balancing_policy: round_robin
              load_balancer: {stream_timeout_seconds: 30}
            """)
        #expect(file.name?.rawValue == "llm")
        #expect(
            file.spec
                == ServiceSpec(
                    workdir: .folder(folder.path + "/app"), setup: "pip install model",
                    run: "python3 server.py --model $MODEL",
                    envs: ["MODEL": "small", "VERSION": "1.10", "DEBUG": "True", "EMPTY": ""], port: 8080,
                    readinessProbe: ReadinessProbe(
                        path: "/v1/health", initialDelaySeconds: 60, timeoutSeconds: 2.5,
                        endpointProbeIntervalSeconds: 5, consecutiveFailureThresholdSeconds: 30,
                        postData: #"{"model": "small", "max_tokens": 1, "list": [1, "a\"b", null]}"#,
                        headers: ["Authorization": "Bearer small"]),
                    replicas: 3, loadBalancer: LoadBalancerSpec(policy: .roundRobin, streamTimeoutSeconds: 30)))
        #expect(file.notes.isEmpty)
    }

    @Test func whatIsNotSaidHasSkyServesDefaults() throws {
        let file = try Folder().read("run: serve\nservice: {}\n")
        #expect(file.name == nil)
        #expect(file.nameFromPath?.rawValue == "service")
        let spec = file.spec
        #expect(spec.replicas == 1 && spec.workdir == nil && spec.setup == nil && spec.port == nil)
        #expect(spec.readinessProbe.path == "/")
        #expect(spec.readinessProbe.initialDelaySeconds == 1200)
        #expect(spec.readinessProbe.timeoutSeconds == 15)
        #expect(spec.readinessProbe.endpointProbeIntervalSeconds == 10)
        #expect(spec.readinessProbe.consecutiveFailureThresholdSeconds == 180)
        #expect(spec.loadBalancer == LoadBalancerSpec(policy: .leastLoad, streamTimeoutSeconds: 120))
    }

    @Test(arguments: [
        ("My_Service.sky.yaml", "my-service"), ("llm.yaml", "llm"), ("ünï.yaml", nil), ("9.yaml", nil),
        ("a", "a"),
    ])
    func aNameIsMadeOfTheFilesOwn(_ name: String, _ expected: String?) throws {
        let folder = try Folder()
        try folder.write("run: serve\nservice: {}\n", to: name)
        let file = try ServiceFile.read(name, workingDirectory: folder.path)
        #expect(file.nameFromPath?.rawValue == expected)
    }

    @Test(arguments: [
        ("resources: {ports: 8080}", UInt16?(8080)), ("resources: {ports: \"8080\"}", 8080),
        ("resources: {ports: [8080]}", 8080), ("resources: {ports: 8080-8080}", 8080),
        ("resources: {ports: null}", nil),
        ("resources: {any_of: [{ports: 8081}, {ports: 8081, cpus: 4}]}", 8081),
        ("resources: {ordered: [{ports: 8082}]}", 8082),
    ])
    func thePortIsTheOneThatResourcesOpen(_ resources: String, _ port: UInt16?) throws {
        #expect(try Folder().read("run: serve\nservice: {}\n\(resources)\n").spec.port == port)
    }

    @Test func servicePortsChoosesAmongSeveral() throws {
        let text = "run: serve\nresources: {ports: [8080, 9000-9002]}\nservice: {ports: 9001}\n"
        #expect(try Folder().read(text).spec.port == 9001)
    }

    @Test func replicaPolicyOfAFixedSizeIsANumberOfReplicas() throws {
        let folder = try Folder()
        let text = "run: serve\nservice: {replica_policy: {min_replicas: 2, max_replicas: 2, num_overprovision: 1}}\n"
        #expect(try folder.read(text).spec.replicas == 3)
        #expect(try folder.read("run: serve\nservice: {replica_policy: {min_replicas: 0}}\n").spec.replicas == 0)
    }

    @Test func theCommandLineGivesAndOverridesVariables() throws {
        let text = "envs: {A: from file, B: null}\nrun: serve\nservice: {readiness_probe: \"/$A/${B}/$C\"}\n"
        let spec = try Folder().read(text, envs: ["A": "x", "B": "y", "D": "z"]).spec
        #expect(spec.envs == ["A": "x", "B": "y", "D": "z"])
        #expect(spec.readinessProbe.path == "/x/y/$C", "a name nobody has given stays")
    }

    @Test func aWorkdirIsBesideTheFileOrElseWhereTheCommandIsGiven() throws {
        let folder = try Folder()
        try folder.write("", to: "services/app/a")
        try folder.write("", to: "here/b")
        try folder.write("", to: "here/app/a")
        func text(_ workdir: String) -> String { "run: serve\nworkdir: \(workdir)\nservice: {}\n" }
        try folder.write(text("app"), to: "services/one.yaml")
        try folder.write(text("../here"), to: "services/two.yaml")
        try folder.write(text("here"), to: "services/three.yaml")
        func read(_ name: String, from directory: String) throws -> ServiceFile {
            try ServiceFile.read(folder.path + "/services/" + name, workingDirectory: folder.path + directory)
        }
        #expect(try read("one.yaml", from: "").spec.workdir == .folder(folder.path + "/services/app"))
        #expect(try read("two.yaml", from: "").spec.workdir == .folder(folder.path + "/here"))
        #expect(try read("three.yaml", from: "").spec.workdir == .folder(folder.path + "/here"))
        let ambiguous = try read("one.yaml", from: "/here")
        #expect(ambiguous.spec.workdir == .folder(folder.path + "/services/app"))
        #expect(ambiguous.notes.count == 1, "two folders could be meant: it says which is")
    }

    @Test func whatDoesNothingHereIsAcceptedWithANote() throws {
        let file = try Folder().read(
            """
            run: serve
            num_nodes: 1
            event_callback: echo
            file_mounts: {}
            secrets: {}
            resources: {cloud: aws, accelerators: "A100:1", use_spot: true, cpus: 4+}
            service: {}
            """)
        #expect(file.notes.count == 2)
        #expect(file.notes.contains { $0.contains("accelerators, cloud, cpus, use_spot") })
        #expect(file.notes.contains { $0.contains("event_callback") })
    }

    @Test func mergeKeysAndAnchorsWork() throws {
        let spec = try Folder().read(
            """
            envs: &base {A: one, B: two}
            run: serve
            service:
              readiness_probe: &probe {path: /a, timeout_seconds: 3}
            """
        ).spec
        #expect(spec.envs == ["A": "one", "B": "two"])
        let merged = try Folder().read(
            """
            run: serve
            service:
              readiness_probe:
                <<: {path: /a, timeout_seconds: 3}
                path: /b
            """
        ).spec
        #expect(merged.readinessProbe.path == "/b" && merged.readinessProbe.timeoutSeconds == 3)
    }

    /// `dwell validate` knows nothing of what `up` will be given.
    @Test func pathsThatAreNotKnownYetAreNotLookedFor() throws {
        let text = """
            envs: {KEY: null, DATA: null}
            secrets: {CERT: null}
            run: serve
            file_mounts: {data: $DATA/x}
            service:
              readiness_probe: /
              tls: {keyfile: $KEY, certfile: "${KEY}.crt"}
            """
        let folder = try Folder()
        try folder.write(text, to: "service.yaml")
        let given = GivenValues(mustBeComplete: false)
        let read = try ServiceFile.read("service.yaml", workingDirectory: folder.path, given: given)
        #expect(read.spec.tls?.keyFile == "$KEY")
        #expect(read.notes == ["`up` must be given --secret CERT, --env KEY=VALUE, --env DATA=VALUE"])
        try folder.write(text.replacing("\"${KEY}.crt\"", with: "$CERT"), to: "service.yaml")
        let problems = #expect(throws: FileProblems.self) {
            try ServiceFile.read("service.yaml", workingDirectory: folder.path, given: given)
        }
        #expect(
            problems?.lines == [
                "service.yaml:7: service.tls.certfile: is named by a secret, and where a file is, is kept in the log; "
                    + "name it by one of `envs`"
            ])
    }

    /// What is found of a certificate and its key is told where the file names them.
    @Test func theCertificateIsLookedAt() throws {
        let folder = try Folder()
        for file in ["k.pem", "c.pem"] { try folder.write("", to: file) }
        try folder.write(
            "run: serve\nservice:\n  readiness_probe: /\n  tls:\n    keyfile: k.pem\n    certfile: c.pem\n",
            to: "service.yaml")
        let good = try ServiceFile.read("service.yaml", workingDirectory: folder.path) { files in
            TLSExamination(notes: ["\(files.certificateFile) is old"])
        }
        let files = TLSFiles(keyFile: folder.path + "/k.pem", certificateFile: folder.path + "/c.pem")
        #expect(good.spec.tls == files)
        #expect(good.notes == ["\(files.certificateFile) is old"])
        for (file, line) in [
            (TLSExamination.File.key, "5: service.tls.keyfile"), (.certificate, "6: service.tls.certfile"),
        ] {
            let problems = #expect(throws: FileProblems.self) {
                try ServiceFile.read("service.yaml", workingDirectory: folder.path) { _ in
                    TLSExamination(problem: .init(file, "is not good"))
                }
            }
            #expect(problems?.lines == ["service.yaml:\(line): is not good"])
        }
    }
}

import Foundation
import Lifecycle
import Testing

@Suite struct ServiceSpecs {
    /// As it was stored before autoscaling, secrets and mounts were known.
    private static let stored = """
        {"envs":{"A":"b"},"loadBalancer":{"policy":"round_robin","streamTimeoutSeconds":30},"port":8080,\
        "readinessProbe":{"consecutiveFailureThresholdSeconds":180,"endpointProbeIntervalSeconds":10,\
        "headers":{},"initialDelaySeconds":1200,"path":"/","timeoutSeconds":15},"replicas":3,\
        "run":"serve","setup":"prepare","workdir":"/srv/app"}
        """

    private static let whole = ServiceSpec(
        workdir: .git(GitRepository(url: "https://host/app", ref: "v1")),
        fileMounts: [FileMount(destination: "data", source: "/data")], run: "serve",
        secrets: SecretsReference(names: ["TOKEN", "KEY"], key: "k1"), accelerator: "A100:2",
        replicaPolicy: ReplicaPolicy(
            minReplicas: 0, maxReplicas: 4, targetQPSPerReplica: .byAccelerator(["A100:2": 2.5]), numOverprovision: 1,
            upscaleDelaySeconds: 10, downscaleDelaySeconds: 20),
        loadBalancer: LoadBalancerSpec(policy: .instanceAwareLeastLoad),
        tls: TLSFiles(keyFile: "/k", certificateFile: "/c"), replicaDrainDelaySeconds: 5, idleDownSeconds: 1800)

    private func stored(_ spec: ServiceSpec) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(spec), as: UTF8.self)
    }

    private func read(_ json: String) throws -> ServiceSpec {
        try JSONDecoder().decode(ServiceSpec.self, from: Data(json.utf8))
    }

    @Test func whatWasStoredBeforeIsReadAndStoredAgainAsItWas() throws {
        let spec = try read(Self.stored)
        #expect(
            spec
                == ServiceSpec(
                    workdir: .folder("/srv/app"), setup: "prepare", run: "serve", envs: ["A": "b"], port: 8080,
                    replicas: 3, loadBalancer: LoadBalancerSpec(policy: .roundRobin, streamTimeoutSeconds: 30)))
        #expect(spec.replicaPolicy.isFixed && spec.replicaDrainDelaySeconds == 30 && spec.idleDownSeconds == nil)
        #expect(try stored(spec) == Self.stored)
    }

    @Test func everythingIsStored() throws {
        #expect(try read(try stored(Self.whole)) == Self.whole)
        var each = Self.whole
        each.replicaPolicy.targetQPSPerReplica = .each(3)
        #expect(try read(try stored(each)) == each)
    }

    @Test func replicasStandBesideThePolicyForReadersOfTheLog() throws {
        #expect(try stored(Self.whole).contains(#""replicas":1"#), "none, and one beyond")
    }

    @Test(arguments: [
        (nil, 10.0), ("A100:1", 20), ("A100:8", 90), ("A100", 20), ("A100:2", 20), ("H100:1", 30), ("H100", 30),
        ("L4:1", 10),
    ])
    func aTargetIsThatOfTheAcceleratorElseOfItsKindElseTheLowest(_ accelerator: String?, _ target: Double) {
        let targets = TargetQPS.byAccelerator(["A100:1": 20, "A100:8": 90, "H100": 30, "T4:1": 10])
        #expect(targets.perReplica(accelerator: accelerator) == target)
        #expect(TargetQPS.each(7).perReplica(accelerator: accelerator) == 7)
    }

    @Test func aReplicaRunsTheSameWhenOnlyTheServiceSectionDiffers() {
        let spec = ServiceSpec(setup: "a", run: "b", envs: ["A": "b"], port: 80)
        var other = spec
        other.readinessProbe.path = "/other"
        other.replicaPolicy = ReplicaPolicy(minReplicas: 1, maxReplicas: 2, targetQPSPerReplica: .each(1))
        other.loadBalancer.policy = .roundRobin
        other.tls = TLSFiles(keyFile: "/k", certificateFile: "/c")
        other.replicaDrainDelaySeconds = 1
        other.idleDownSeconds = 60
        #expect(spec.runsTheSame(as: other))
    }

    @Test(
        arguments: [
            { $0.setup = "c" }, { $0.run = "c" }, { $0.envs = [:] }, { $0.port = 81 }, { $0.accelerator = "L4:1" },
            { $0.secrets = SecretsReference(names: ["S"], key: "k2") }, { $0.workdir = .folder("/") },
            { $0.fileMounts = [FileMount(destination: "a", source: "/a")] },
        ] as [@Sendable (inout ServiceSpec) -> Void])
    func aReplicaRunsSomethingElseWhenAnythingElseDiffers(_ change: @Sendable (inout ServiceSpec) -> Void) {
        let spec = ServiceSpec(
            setup: "a", run: "b", envs: ["A": "b"], secrets: SecretsReference(names: ["S"], key: "k1"), port: 80)
        var other = spec
        change(&other)
        #expect(!spec.runsTheSame(as: other) && !other.runsTheSame(as: spec))
    }

    @Test func withAFolderOfWhichThereIsNoCopyItMayAlwaysBeSomethingElse() {
        let spec = ServiceSpec(workdir: .folder("/srv/app"), run: "b")
        #expect(!spec.runsTheSame(as: spec))
    }

    @Test func codeIsTheSameWhenItsCopyOrCommitIs() {
        func copied(_ digest: String, _ path: String = "/srv/app") -> ServiceSpec {
            ServiceSpec(workdir: .folder(path), workdirCopy: digest, run: "b")
        }
        #expect(copied("1").runsTheSame(as: copied("1")) && copied("1").runsTheSame(as: copied("1", "/srv/moved")))
        #expect(!copied("1").runsTheSame(as: copied("2")) && !copied("1").runsTheSame(as: ServiceSpec(run: "b")))
        func cloned(_ commit: String?, _ url: String = "https://host/app") -> ServiceSpec {
            ServiceSpec(workdir: .git(GitRepository(url: url, ref: "main", commit: commit)), run: "b")
        }
        #expect(cloned("c1").runsTheSame(as: cloned("c1")))
        #expect(!cloned("c1").runsTheSame(as: cloned("c2")) && !cloned(nil).runsTheSame(as: cloned(nil)))
        #expect(!cloned("c1").runsTheSame(as: cloned("c1", "https://other/app")))
    }

    @Test func whatAVersionHoldsOfItsCodeIsStored() throws {
        for spec in [
            ServiceSpec(workdir: .folder("/srv/app"), workdirCopy: "0123", run: "b"),
            ServiceSpec(workdir: .git(GitRepository(url: "u", ref: "main", commit: "c")), run: "b"),
        ] {
            #expect(try JSONDecoder().decode(ServiceSpec.self, from: JSONEncoder().encode(spec)) == spec)
        }
    }
}

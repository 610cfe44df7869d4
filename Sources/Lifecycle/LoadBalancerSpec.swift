/// How a service's load balancer works.
public struct LoadBalancerSpec: Hashable, Sendable, Codable {
    public var policy: LoadBalancingPolicy
    /// How long a replica may be silent in the middle of a request.
    public var streamTimeoutSeconds: Double

    public init(policy: LoadBalancingPolicy = .leastLoad, streamTimeoutSeconds: Double = 120) {
        self.policy = policy
        self.streamTimeoutSeconds = streamTimeoutSeconds
    }
}

/// How a replica is chosen for a request; SkyServe's names.
public enum LoadBalancingPolicy: String, Hashable, Sendable, Codable, CaseIterable {
    case roundRobin = "round_robin"
    case leastLoad = "least_load"
    /// The least load in relation to the replica's own target (``TargetQPS/byAccelerator(_:)``).
    case instanceAwareLeastLoad = "instance_aware_least_load"
}

/// The certificate a load balancer serves HTTPS with, and its key: absolute paths of PEM files.
public struct TLSFiles: Hashable, Sendable, Codable {
    public var keyFile: String
    public var certificateFile: String

    public init(keyFile: String, certificateFile: String) {
        self.keyFile = keyFile
        self.certificateFile = certificateFile
    }
}

/// What was found when a pair of files was looked at.
public struct TLSExamination: Hashable, Sendable {
    public enum File: Hashable, Sendable { case key, certificate }

    /// Why the pair cannot be used, and the file that is to blame; nil when it can.
    public var problem: Problem?
    /// Sentences about what is unwise of it.
    public var notes: [String]

    public struct Problem: Hashable, Sendable {
        public var file: File
        public var message: String

        public init(_ file: File, _ message: String) {
            self.file = file
            self.message = message
        }
    }

    public init(problem: Problem? = nil, notes: [String] = []) {
        self.problem = problem
        self.notes = notes
    }
}

/// How many replicas a service keeps: `replicas` or `replica_policy` of a service file.
public struct ReplicaPolicy: Hashable, Sendable, Codable {
    /// Fewest replicas, ≥ 0; without a target the number to keep.
    public var minReplicas: Int
    /// Most replicas, ≥ `minReplicas`; nil for `minReplicas`.
    public var maxReplicas: Int?
    /// Requests per second that one replica is to have; nil for a fixed number of replicas.
    public var targetQPSPerReplica: TargetQPS?
    /// Replicas to have beyond those that the load asks for.
    public var numOverprovision: Int
    /// How long the load must ask for more replicas before there are more.
    public var upscaleDelaySeconds: Double
    /// How long the load must ask for fewer replicas before there are fewer.
    public var downscaleDelaySeconds: Double

    public init(
        minReplicas: Int, maxReplicas: Int? = nil, targetQPSPerReplica: TargetQPS? = nil, numOverprovision: Int = 0,
        upscaleDelaySeconds: Double = 300, downscaleDelaySeconds: Double = 1200
    ) {
        self.minReplicas = minReplicas
        self.maxReplicas = maxReplicas
        self.targetQPSPerReplica = targetQPSPerReplica
        self.numOverprovision = numOverprovision
        self.upscaleDelaySeconds = upscaleDelaySeconds
        self.downscaleDelaySeconds = downscaleDelaySeconds
    }

    /// Whether the number of replicas never changes by itself.
    public var isFixed: Bool { targetQPSPerReplica == nil }

    /// Whether there may be none until somebody asks for the service.
    public var startsOnRequest: Bool { !isFixed && minReplicas == 0 }

    /// Whether the load may ask for a replica.
    var mayScaleUp: Bool { !isFixed && (maxReplicas ?? 0) > 0 }

    /// How many replicas there are before any load was seen, overprovisioned ones included.
    public var firstReplicas: Int { Swift.min(minReplicas &+ numOverprovision, ServiceSpec.maximumReplicas) }
}

/// Requests per second that one replica is to have, > 0.
public enum TargetQPS: Hashable, Sendable {
    /// The same for every replica.
    case each(Double)
    /// By the replica's accelerators: `A100:1` or `A100`. Not empty.
    case byAccelerator([String: Double])

    /// The target of a replica with `accelerator`, such as `A100:1`. As in SkyServe: by its own key, else
    /// by that of its kind, whatever the count, else the lowest there is.
    public func perReplica(accelerator: String?) -> Double {
        switch self {
        case .each(let target): return target
        case .byAccelerator(let targets):
            let lowest = targets.values.min() ?? 1
            guard let accelerator else { return lowest }
            let kind = accelerator.prefix { $0 != ":" }
            if let target = targets[accelerator] ?? targets[String(kind)] { return target }
            return targets.filter { $0.key.prefix { $0 != ":" } == kind }.values.min() ?? lowest
        }
    }
}

/// Stored as it is in a file: a number, or a map.
extension TargetQPS: Codable {
    public init(from decoder: any Decoder) throws {
        let stored = try decoder.singleValueContainer()
        if let target = try? stored.decode(Double.self) {
            self = .each(target)
        } else {
            self = .byAccelerator(try stored.decode([String: Double].self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var stored = encoder.singleValueContainer()
        switch self {
        case .each(let target): try stored.encode(target)
        case .byAccelerator(let targets): try stored.encode(targets)
        }
    }
}

/// Host and port of something that listens. Never just a port: a replica may be far away.
public struct Endpoint: Hashable, Sendable, Codable, CustomStringConvertible {
    public var host: String
    public var port: UInt16

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// What a driver gives back for something it launched, and finds it again by. Opaque to the core.
public struct Handle: Hashable, Sendable, Codable, RawRepresentable, CustomStringConvertible {
    public var rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public var description: String { rawValue }
    public init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(String.self)
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

/// One replica of one life of a service. Ids begin at 1 again when a name is taken down and up again,
/// so the generation (the stream version of the `replica.added` that made it) tells the lives apart,
/// and a late report about a replica of the past changes nothing.
public struct ReplicaReference: Hashable, Sendable, Codable {
    public var service: ServiceName
    public var id: Int
    public var generation: Int

    public init(service: ServiceName, id: Int, generation: Int) {
        self.service = service
        self.id = id
        self.generation = generation
    }
}

/// One load balancer process of a service; the generation is the stream version of its
/// `load_balancer.added`.
public struct LoadBalancerReference: Hashable, Sendable, Codable {
    public var service: ServiceName
    public var generation: Int

    public init(service: ServiceName, generation: Int) {
        self.service = service
        self.generation = generation
    }
}

/// When and by whom an event was recorded, and its place in its controller's stream. `apply` reads
/// these so that states can say "since" and "by".
public struct Stamp: Hashable, Sendable, Codable {
    /// Position in the controller's stream, from 1, without gaps.
    public var version: Int
    /// Wall time, microseconds since 1970.
    public var atMicroseconds: Int64
    /// Who: a person (`user@host`) or a component (`controller`).
    public var actor: String

    public init(version: Int, atMicroseconds: Int64, actor: String) {
        self.version = version
        self.atMicroseconds = atMicroseconds
        self.actor = actor
    }
}

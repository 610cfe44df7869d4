/// Which secrets a service has. The log says their names; their values are in a file that only the user
/// may read, and never in the log, so that they can be forgotten with the service.
public struct SecretsReference: Hashable, Sendable, Codable {
    /// The variables they are given to replicas as, in order.
    public var names: [String]
    /// Names the file of the values. Another file is another key, so two references that are equal have
    /// equal values.
    public var key: String

    public init(names: [String], key: String) {
        self.names = names.sorted()
        self.key = key
    }
}

extension ServiceSpec {
    /// The variables whose values are not in the log.
    public var secretNames: [String] { secrets?.names ?? [] }
}

extension ControllerState {
    /// Keys of the secrets that anything of it may still want: their files must stay.
    public var secretsInUse: Set<String> {
        Set(services.values.flatMap { [$0.spec] + $0.earlierSpecs.values }.compactMap(\.secrets?.key))
    }
}

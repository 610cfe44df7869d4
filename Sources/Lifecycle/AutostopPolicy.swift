/// When an idle controller stops by itself. The policy is state in the log, not an argument of
/// whoever started the controller, so no restart can lose it (SkyPilot #1447, #1453).
public struct AutostopPolicy: Hashable, Sendable, Codable {
    /// Idle seconds before the controller stops; nil for never; 0 for at once.
    public var idleTimeoutSeconds: Double?
    /// Where the value came from.
    public var source: PolicySource

    public init(idleTimeoutSeconds: Double?, source: PolicySource) {
        self.idleTimeoutSeconds = idleTimeoutSeconds
        self.source = source
    }

    /// Ten minutes, as SkyPilot's `serve.controller.autostop`.
    public static let standard = AutostopPolicy(idleTimeoutSeconds: 600, source: .standard)
}

/// Where a policy's value came from, in ascending order of precedence.
public enum PolicySource: String, Hashable, Sendable, Codable, Comparable {
    case standard = "default"
    /// `serve.controller.autostop` in `config.yaml`.
    case serveController = "serve.controller"
    /// `controllers.NAME.autostop` in `config.yaml`.
    case controllers = "controllers"
    /// `dwell autostop`.
    case commandLine = "command line"

    private var rank: Int {
        switch self {
        case .standard: 0
        case .serveController: 1
        case .controllers: 2
        case .commandLine: 3
        }
    }

    public static func < (a: PolicySource, b: PolicySource) -> Bool { a.rank < b.rank }
}

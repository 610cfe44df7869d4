/// Somebody who is told what happens, as `notify` of `config.yaml` says: a command of the user's, or a URL.
public struct NoticeReceiver: Hashable, Sendable {
    /// How it is told.
    public enum Way: Hashable, Sendable {
        /// bash runs it, with the event on standard input.
        case command(String)
        /// The event is posted there.
        case url(String)
    }

    /// As the file names it; nil when it does not.
    public var name: String?
    /// What it is called where people read: never a URL's path, which may be all the secret there is.
    public var label: String
    public var way: Way
    /// Sent along with a post.
    public var headers: [String: String]
    public var selection: NoticeSelection
    /// How long it may take to be told of one event.
    public var timeoutSeconds: Double

    public init(
        name: String? = nil, label: String, way: Way, headers: [String: String] = [:],
        selection: NoticeSelection = NoticeSelection(), timeoutSeconds: Double = 10
    ) {
        self.name = name
        self.label = label
        self.way = way
        self.headers = headers
        self.selection = selection
        self.timeoutSeconds = timeoutSeconds
    }
}

/// Which events a receiver is told of.
public struct NoticeSelection: Hashable, Sendable {
    public var types: [EventType]
    /// Patterns of controllers' names; empty for all.
    public var controllers: [String]

    public init(types: [EventType] = standardTypes, controllers: [String] = []) {
        self.types = types
        self.controllers = controllers
    }

    /// What people want to hear of who do not say: the life of controllers and services, and nothing of replicas.
    public static let standardTypes: [EventType] = [
        .controllerStarted, .controllerStartFailed, .controllerRecovered, .controllerIdle, .controllerWoken,
        .controllerStopped, .controllerTerminated, .serviceUpRequested, .serviceStatusChanged, .serviceGone,
    ]
}

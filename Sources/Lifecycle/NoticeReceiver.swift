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
    /// Patterns of event types.
    public var types: [String]
    /// Patterns of controllers' names; empty for all.
    public var controllers: [String]

    public init(types: [String] = standardTypes, controllers: [String] = []) {
        self.types = types
        self.controllers = controllers
    }

    /// What people want to hear of who do not say: the life of controllers and services, and nothing of replicas.
    public static let standardTypes = [
        "controller.started", "controller.start_failed", "controller.recovered", "controller.idle",
        "controller.woken", "controller.stopped", "controller.terminated", "service.up_requested",
        "service.status_changed", "service.gone",
    ]

    /// The types that it picks, of those there are.
    public var pickedTypes: [EventType] { Self.types(matching: types) }

    /// The types that one of the patterns matches.
    public static func types(matching patterns: [String]) -> [EventType] {
        EventType.allCases.filter { type in patterns.contains { NoticePattern.matches($0, type.rawValue) } }
    }

    /// Whether an event of this type, of this controller, is one of them.
    public func picks(_ type: EventType, of controller: ControllerName) -> Bool {
        types.contains { NoticePattern.matches($0, type.rawValue) }
            && (controllers.isEmpty || controllers.contains { NoticePattern.matches($0, controller.rawValue) })
    }
}

/// A pattern of a name: `*` stands for any text, `?` for one character, everything else for itself.
public enum NoticePattern {
    public static func matches(_ pattern: String, _ text: String) -> Bool {
        let (pattern, text) = (Array(pattern.utf8), Array(text.utf8))
        var (at, from) = (0, 0)
        // Where the last star was, and how much of the text it has taken.
        var star: (pattern: Int, text: Int)?
        while from < text.count {
            if at < pattern.count, pattern[at] == UInt8(ascii: "*") {
                star = (at, from)
                at += 1
            } else if at < pattern.count, pattern[at] == UInt8(ascii: "?") || pattern[at] == text[from] {
                at += 1
                from += 1
            } else if let last = star {
                star = (last.pattern, last.text + 1)
                (at, from) = (last.pattern + 1, last.text + 1)
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}

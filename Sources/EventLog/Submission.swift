import Lifecycle

/// Who gives a command, and through what.
public struct Author: Hashable, Sendable {
    /// `user@host`.
    public var actor: String
    /// `cli`, `controller`, `keeper`.
    public var component: String

    public init(actor: String, component: String) {
        self.actor = actor
        self.component = component
    }
}

/// A command on its way to the log.
public struct Submission: Sendable {
    public var command: Command
    /// The same id twice is one command (law L6).
    public var commandID: String?

    public init(_ command: Command, commandID: String? = nil) {
        self.command = command
        self.commandID = commandID
    }
}

/// What became of a command.
public struct Receipt: Sendable {
    /// The controller's state after it.
    public var state: ControllerState
    /// The events it led to; empty when it changed nothing.
    public var events: [RecordedEvent]
    /// Whether this command id had been submitted before.
    public var isRepeated: Bool
}

/// Why a command did not go through.
public enum SubmitError: Error, CustomStringConvertible {
    case rejected(Rejection)
    case failed(LogFailure)

    public var description: String {
        switch self {
        case .rejected(let rejection): rejection.description
        case .failed(let failure): failure.description
        }
    }
}

/// What besides services keeps a controller up: SSH sessions of this machine, or what a command or URL of the user's says
/// (`wait_for`). How it is asked is in `config.yaml` and never in the log; the log knows the names of those that are
/// asked, and each answer that is another than the one before.
public struct UseVerdict: Hashable, Sendable, Codable {
    public var isActive: Bool
    /// What was seen, in words.
    public var evidence: String
    public var sinceMicroseconds: Int64
}

/// How a controller is asked whether it is used for something.
public struct UseProbe: Hashable, Sendable {
    public enum Question: Hashable, Sendable {
        /// Whether anybody is logged in over SSH.
        case sshSessions
        /// For bash; it prints `active` or `idle`.
        case command(String)
        /// Answers a GET with `active` or `idle`.
        case url(host: String, port: UInt16, path: String)
    }

    public var question: Question
    public var everySeconds: Double
    public var timeoutSeconds: Double

    public init(question: Question, everySeconds: Double, timeoutSeconds: Double) {
        self.question = question
        self.everySeconds = everySeconds
        self.timeoutSeconds = timeoutSeconds
    }

    /// What asks for SSH sessions is called.
    public static let sshName = "ssh"
    public static let sshSessions = UseProbe(
        question: .sshSessions, everySeconds: standardEverySeconds, timeoutSeconds: standardTimeoutSeconds)
    public static let standardEverySeconds: Double = 30
    public static let standardTimeoutSeconds: Double = 10
}

/// The answer to one of the questions is another than before, or what was seen is.
public struct ControllerUseChanged: Hashable, Sendable, Codable {
    public var probe: String
    public var isActive: Bool
    public var evidence: String
}

extension Decision {
    /// Who asks says what differs from what was said last, and bounds how often the same verdict is said for another reason.
    mutating func useSeen(_ probe: String, isActive: Bool, _ evidence: String) {
        guard state.isServing, state.policy.waitFor?.value.contains(probe) == true,
            state.uses[probe]?.isActive != isActive || state.uses[probe]?.evidence != evidence
        else { return }
        record(
            .controllerUseChanged(ControllerUseChanged(probe: probe, isActive: isActive, evidence: evidence)))
    }
}

extension ControllerState {
    /// Names of what says that the controller is used; what has not been asked yet may be about to say so.
    public var activeUses: [String] {
        (policy.waitFor?.value ?? []).filter { uses[$0]?.isActive ?? true }
    }

    mutating func apply(_ event: ControllerUseChanged, _ stamp: Stamp) {
        uses[event.probe] = UseVerdict(
            isActive: event.isActive, evidence: event.evidence, sinceMicroseconds: stamp.atMicroseconds)
    }
}

/// What the command line gives beside a service file.
public struct GivenValues: Sendable {
    /// `--env` and `--env-file`; over the file's `envs`.
    public var envs: [String: String]
    /// `--secret` and `--secret-file`; over the file's `secrets`.
    public var secrets: [String: String]
    /// `--workdir`, in place of the file's; relative to where the command is given.
    public var workdir: String?
    /// Whether what the file leaves to the command line must have been given. `dwell validate` only tells it.
    public var mustBeComplete: Bool

    public init(
        envs: [String: String] = [:], secrets: [String: String] = [:], workdir: String? = nil,
        mustBeComplete: Bool = true
    ) {
        self.envs = envs
        self.secrets = secrets
        self.workdir = workdir
        self.mustBeComplete = mustBeComplete
    }
}

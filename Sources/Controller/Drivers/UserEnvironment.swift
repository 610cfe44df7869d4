/// The variables a service gives its `setup` and `run`, on their way past dwell's own wrapper.
///
/// The wrapper is a bash, and what it does is not the user's to change: with `PATH` it would find another `mv`, and some
/// variables are code to a bash (`BASH_ENV`) or change how it reads code (`SHELLOPTS`). So each goes under a name that
/// means nothing to anybody, and the bash that runs the user's commands puts it in its place, as `export NAME=VALUE` would
/// at their head, which is how SkyPilot does it. Values are in the environment throughout, and never in an argument.
struct UserEnvironment {
    private let variables: [String: String]

    init(_ variables: [String: String]) {
        self.variables = variables.filter { !Self.isBashsOwn($0.key) }
    }

    private static let prefix = "DWELL_ENV_"

    /// What bash sets itself and lets nobody set, or would lose the path of the user's commands by.
    private static func isBashsOwn(_ name: String) -> Bool {
        ["BASHOPTS", "BASH_ARGV0", "BASH_VERSINFO", "EUID", "PPID", "SHELLOPTS", "UID"].contains(name)
            || name.hasPrefix(prefix)
    }

    /// The same under names that mean nothing.
    var wrapped: [String: String] {
        var wrapped: [String: String] = [:]
        for (number, variable) in variables.sorted(by: { $0.key < $1.key }).enumerated() {
            wrapped["\(Self.prefix)\(number)"] = "\(variable.key)=\(variable.value)"
        }
        return wrapped
    }

    /// For `bash -c`, with the path of the user's commands: puts the variables in their place and runs the commands.
    static let unwrapping = """
        for DWELL_ENV in "${!\(prefix)@}"; do export -- "${!DWELL_ENV}"; unset -v "$DWELL_ENV"; done; \
        unset -v DWELL_ENV; . "$0"
        """
}

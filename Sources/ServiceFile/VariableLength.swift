import Foundation

/// How long one variable may be: Linux starts no program with a longer text among its arguments and variables (`MAX_ARG_STRLEN`
/// of execve(2), 32 pages).
enum VariableLength {
    /// With room for the name under which dwell hands a variable on.
    static let limit = 32 * Int(sysconf(Int32(_SC_PAGESIZE))) - 64

    /// What is wrong with a variable that is too long; nil of one that can be given to a program.
    static func problem(_ name: String, _ value: String) -> String? {
        let length = name.utf8.count + 1 + value.utf8.count
        guard length > limit else { return nil }
        return "is \(length) bytes long with its name, and Linux gives a program at most \(limit) in one variable; "
            + "let `run` read it from a file"
    }
}

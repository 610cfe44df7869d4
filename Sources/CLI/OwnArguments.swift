import Foundation

/// The words of this process's own command line.
enum OwnArguments {
    /// Swift looks for them in front of the environment, where the kernel has put them. A preloaded library that sets a
    /// variable before that (libfaketime) has moved the environment away: then the kernel is asked.
    static let all: [String] = {
        let found = CommandLine.arguments
        guard found.count <= 1, let text = try? String(contentsOfFile: "/proc/self/cmdline", encoding: .utf8) else {
            return found
        }
        return text.split(separator: "\0", omittingEmptySubsequences: false).dropLast().map(String.init)
    }()
}

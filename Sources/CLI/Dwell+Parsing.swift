import ArgumentParser

// The command line is read by ArgumentParser. Before it reads any, it looks for a flag of its own that would have it write
// shell completions: to make ready for that look took a third of `dwell --help` and a fifth of `dwell status`. Here that
// flag is looked for only where it may be.

extension Dwell {
    /// The command that the words are, ready to run.
    ///
    /// - Parameter words: without the name of the program.
    /// - Throws: what ArgumentParser says of words that it does not understand, or of such as ask it for help.
    static func command(in words: [String]) throws -> any ParsableCommand {
        if !asksLibrary(words), let command = try? WithoutOwnFlag.parseAsRoot(words), isOurs(command) { return command }
        return try parseAsRoot(words)
    }

    /// The help of the program, if the words ask for that and nothing else.
    static func help(for words: [String]) -> String? {
        switch words {
        case ["--help"], ["-h"], ["help"]: helpMessage()
        default: nil
        }
    }

    /// Whether ArgumentParser itself may have to answer: with help, or with what the shell may go on with.
    private static func asksLibrary(_ words: [String]) -> Bool {
        words.contains("--help") || words.contains("-h") || words.first == "help"
            || words.first?.hasPrefix("---completion") == true
    }

    /// Whether it is not the root, nor a command of ArgumentParser's own.
    private static func isOurs(_ command: any ParsableCommand) -> Bool {
        configuration.subcommands.contains { known in
            known == type(of: command) || known.configuration.subcommands.contains { $0 == type(of: command) }
        }
    }
}

/// The same commands under a root that ArgumentParser takes for a part of another program, where it does not look for its
/// flag. What it says of errors names that program, and is not used.
private struct WithoutOwnFlag: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dwell", _superCommandName: "", subcommands: Dwell.configuration.subcommands)
}

import ArgumentParser

struct Completions: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completions",
        abstract: "Print what makes a shell complete dwell's commands, options and names.",
        discussion: """
            Names of services and controllers are those there are at the moment.

            Examples:
              dwell completions bash > ~/.local/share/bash-completion/completions/dwell
              dwell completions zsh > ~/.zfunc/_dwell         (with fpath+=~/.zfunc before compinit)
              dwell completions fish > ~/.config/fish/completions/dwell.fish
            """)

    @Argument(help: "bash, zsh or fish.", completion: .list(CompletionShell.allCases.map(\.rawValue)))
    var shell: String

    func run() throws {
        guard let known = CompletionShell(rawValue: shell) else {
            throw CommandFailure("\"\(shell)\" is not a shell that can be helped: write bash, zsh or fish", exitCode: 2)
        }
        print(Dwell.completionScript(for: known))
    }
}

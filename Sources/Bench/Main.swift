import ArgumentParser

/// As `dwell` does it: what need not wait runs at once, on the first thread. Valgrind does not bear that thread's end, with
/// which a program goes on that hands itself over to others.
@main
enum Main {
    static func main() async {
        do {
            var command = try Bench.parseAsRoot()
            if let asynchronous = command as? any AsyncParsableCommand {
                try await run(asynchronous)
            } else {
                try command.run()
            }
        } catch {
            Bench.exit(withError: error)
        }
    }

    private static func run(_ command: any AsyncParsableCommand) async throws {
        var command = command
        try await command.run()
    }
}

/// What `make bench` measures from within: everything that no command of dwell does alone. Never installed.
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "Bench", abstract: "Measured by tools/bench/run.py; prints JSON.",
        subcommands: [
            Append.self, Appender.self, Fold.self, MakeHistory.self, MakeFleet.self, Pauses.self, Balance.self,
            FleetDay.self,
        ])
}

import ArgumentParser

/// What `make bench` measures from within: everything that no command of dwell does alone. Never installed.
@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "Bench", abstract: "Measured by tools/bench/run.py; prints JSON.",
        subcommands: [
            Append.self, Appender.self, Fold.self, MakeHistory.self, MakeFleet.self, Pauses.self, Balance.self,
            FleetDay.self,
        ])
}

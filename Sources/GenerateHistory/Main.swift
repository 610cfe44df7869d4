import ArgumentParser
import EventLog
import Foundation
import Lifecycle
import TestKit

/// Writes a log of any length, for measuring and for trying out questions.
@main
struct GenerateHistory: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "GenerateHistory", abstract: "Make up a log of any length.")

    @Option(help: "The home to make it in; must not have a log yet.")
    var home: String

    @Option(help: "How many events.")
    var events = 1_000_000

    @Option(help: "How many controllers.")
    var controllers = 100

    @Option(help: "One seed is one history.")
    var seed: UInt64 = 1

    @Option(help: "When it begins, seconds since 1970; default: 2026-01-01.")
    var begin: Int64 = 1_767_225_600

    func validate() throws {
        if events < 1 || controllers < 1 { throw ValidationError("--events and --controllers must be 1 or more") }
    }

    func run() throws {
        let log = try EventLog(home: Home(path: home))
        guard try log.lastPosition() == 0 else { throw ValidationError("\(home) has a log already") }
        let names = (1...controllers).compactMap { ControllerName(rawValue: "c\($0)") }
        var history = MadeUpHistory(seed: seed, controllers: names, beginMicroseconds: begin * 1_000_000)
        try history.write(events, to: log)
        print("\(try log.lastPosition()) events of \(names.count) controllers in \(home)")
    }
}

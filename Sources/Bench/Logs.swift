import ArgumentParser
import EventLog
import Foundation
import Lifecycle
import TestKit

/// Folds every stored event to state, as a recovery without any snapshot would.
struct Fold: ParsableCommand {
    @Option var home: String

    func run() throws {
        let log = try EventLog(home: Home(path: home))
        let states = try log.foldEverything()
        print("\(states.values.reduce(0) { $0 + $1.version }) events, \(states.count) controllers")
    }
}

/// Makes up a log of mixed events.
struct MakeHistory: ParsableCommand {
    @Option var home: String
    @Option var events: Int
    @Option var controllers = 100

    func run() throws {
        let log = try EventLog(home: Home(path: home))
        let names = (1...controllers).map { ControllerName.sample("c\($0)") }
        var history = MadeUpHistory(seed: 1, controllers: names, beginMicroseconds: 1_767_225_600_000_000)
        try history.write(events, to: log)
    }
}

/// Makes a log of many controllers, each idle with its deadline pending and with services that failed for good; or
/// each stopped.
struct MakeFleet: ParsableCommand {
    @Option var home: String
    @Option var controllers: Int
    @Option var services = 10
    @Option(help: "Events at least; what lacks are changes of policy.") var events = 0
    @Option(help: "Idle seconds of the first controller; each later one has a second more.") var idle = 86_400.0
    @Flag var stopped = false

    func run() throws {
        let log = try EventLog(home: Home(path: home))
        let each = events / controllers
        var done = 0
        while done < controllers {
            let batch = (done + 1)...min(controllers, done + 500)
            try log.dictate { submit in
                for number in batch { try make(number, atLeast: each, submit) }
            }
            done = batch.upperBound
        }
        print("\(try log.lastPosition()) events")
    }

    private func make(
        _ number: Int, atLeast events: Int,
        _ submit: (Command, ControllerName, Author, Instant) throws -> ControllerState
    ) throws {
        let name = ControllerName.sample("c\(number)")
        let now = try Clock.now()
        var state = try submit(.start, name, Pretence.author, now)
        func give(_ command: Command) throws { state = try submit(command, name, Pretence.author, now) }
        try give(.takeOver(process: Pretence.process))
        let policy = AutostopPolicy.byHand(seconds: idle + Double(number))
        // Before there are services, for then an event of the controller is cheap to write down.
        let expected = services * 12
        while state.version + expected < events { try give(.setAutostop(policy)) }
        for index in 0..<services {
            // No two services of a log may have one address, and a host has 65,535 ports.
            let serial = number * services + index
            try give(
                .up(
                    Command.Up(
                        service: Pretence.service(index + 1), spec: .sample(), policy: policy,
                        host: "127.\(serial / 60_000).0.1", candidatePorts: [UInt16(1_024 + serial % 60_000)])))
        }
        while let command = Self.next(for: state, at: now.wallMicroseconds) { try give(command) }
        while state.version < events { try give(.setAutostop(policy)) }
        // The first is run, and is not to start anything.
        if number == 1, !stopped { try give(.down(state.orderedServices)) }
        while let command = Self.next(for: state, at: now.wallMicroseconds) { try give(command) }
        try give(.setAutostop(policy))
        guard stopped else { return }
        try give(.stop)
        while let command = Pretence.next(for: state, at: now.wallMicroseconds) { try give(command) }
    }

    private static func next(for state: ControllerState, at wallMicroseconds: Int64) -> Command? {
        for work in state.outstanding {
            if case .launchReplica(let replica) = work { return .replicaLaunchFailed(replica, reason: "made up") }
        }
        return Pretence.next(for: state, at: wallMicroseconds)
    }
}

/// Gives every controller of a home short pauses of its autostop, again and again, and waits them out. How late each
/// end was is in the log.
struct Pauses: AsyncParsableCommand {
    @Option var home: String
    @Option var rounds = 10
    @Option(help: "The shortest pause; each controller's is a little longer than the one's before it.")
    var seconds = 0.4

    func run() async throws {
        let log = try EventLog(home: Home(path: home))
        let names = try log.status().controllers.compactMap { ControllerName(rawValue: $0.name) }
        let step = 0.03
        for _ in 0..<rounds {
            for (index, name) in names.enumerated() {
                try log.submit(
                    .pauseAutostop(seconds: seconds + Double(index) * step, reason: nil), to: name,
                    by: Pretence.author)
            }
            try await Task.sleep(for: .seconds(seconds + Double(names.count) * step + 0.2))
        }
    }
}

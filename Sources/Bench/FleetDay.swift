import ArgumentParser
import EventLog
import Foundation
import Lifecycle
import TestKit

/// A day of a fleet by the rules alone: every controller has its ups and downs, and every deadline is met.
struct FleetDay: ParsableCommand {
    @Option var controllers: Int
    @Option(help: "Ups and downs of each controller.") var ups = 3
    @Option var seed: UInt64 = 1

    struct Result: Encodable {
        var seconds = 0.0
        var commands = 0
        var events = 0
        var deadlines = 0
        /// Resident memory at its largest, KiB.
        var peakKiB = 0
        /// Services that were up at once at most.
        var live = 0
    }

    func run() throws {
        var fleet = Fleet(controllers: controllers, ups: ups, seed: seed)
        var result = Result()
        let begun = ContinuousClock.now
        try fleet.run(&result)
        result.seconds = (ContinuousClock.now - begun) / .seconds(1)
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        result.peakKiB = usage.ru_maxrss
        try printJSON(result)
    }
}

private struct Fleet {
    private static let day: Int64 = 86_400_000_000
    private var states: [ControllerState]
    /// What people do with each controller, the next first: moments, in turn of an up and of a down.
    private var people: [[Int64]]
    private var turns: [(at: Int64, controller: Int32)] = []
    private let service = Pretence.service(1)

    init(controllers: Int, ups: Int, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        states = (1...controllers).map { ControllerState(name: .sample("c\($0)")) }
        people = (0..<controllers).map { _ in
            (0..<2 * ups).map { _ in Int64(random.below(86_400)) * 1_000_000 + Int64(random.below(1_000_000)) }.sorted()
        }
        for index in 0..<controllers { push(people[index].first ?? 0, index) }
    }

    mutating func run(_ result: inout FleetDay.Result) throws {
        var live = 0
        while let turn = pop() {
            let index = Int(turn.controller)
            var state = states[index]
            let wasLive = !state.services.isEmpty
            if let moment = people[index].first, moment <= turn.at {
                people[index].removeFirst()
                try give(
                    state.services[service] == nil ? Pretence.up(service, port: 30_001) : .down([service]), &state,
                    turn.at, &result)
            }
            while let command = Pretence.next(for: state, at: turn.at) {
                if case .deadlineReached = command { result.deadlines += 1 }
                try give(command, &state, turn.at, &result)
            }
            states[index] = state
            live += (state.services.isEmpty ? 0 : 1) - (wasLive ? 1 : 0)
            result.live = max(result.live, live)
            let deadline = state.pendingDeadlines.map(\.deadline.wallMicroseconds).min() ?? .max
            let next = min(deadline, people[index].first ?? .max)
            if next <= Self.day { push(next, index) }
        }
    }

    private func give(
        _ command: Command, _ state: inout ControllerState, _ at: Int64, _ result: inout FleetDay.Result
    ) throws {
        let decision = try state.decide(
            command, Surroundings(now: Pretence.instant(at), actor: Pretence.author.actor))
        result.commands += 1
        result.events += decision.events.count
        state = decision.state
    }

    // A heap: the earliest turn first.

    private mutating func push(_ at: Int64, _ controller: Int) {
        turns.append((at, Int32(controller)))
        var child = turns.count - 1
        while child > 0, turns[child].at < turns[(child - 1) / 2].at {
            turns.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func pop() -> (at: Int64, controller: Int32)? {
        guard let first = turns.first, let last = turns.popLast() else { return nil }
        guard !turns.isEmpty else { return first }
        turns[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < turns.count && turns[child].at < turns[least].at { least = child }
            guard least != parent else { return first }
            turns.swapAt(parent, least)
            parent = least
        }
    }
}

import Foundation
import TestKit
import Testing

@testable import Lifecycle

/// Random histories: whatever commands come in whatever order, the laws hold after each. A failure
/// names its seed, from which it can be drawn again.
@Suite struct HistoryTests {
    private static let steps = 500
    private static let seeds: [UInt64] = Array(1...16)

    @Test(arguments: seeds)
    func theLawsHoldAfterEveryCommand(seed: UInt64) throws {
        var it = Scenario()
        var commands = RandomCommands(seed: seed)
        var laws = LawBook()
        var fold = ControllerState(name: .dev)
        for step in 1...Self.steps {
            commands.advance(&it.clock)
            let command = commands.next(for: it.state)
            let before = it.state
            let known = it.history.count
            let first = Result { () throws(Rejection) in try before.decide(command, it.surroundings).events }
            let second = Result { () throws(Rejection) in try before.decide(command, it.surroundings).events }
            let place: Comment = "seed \(seed), step \(step): \(command)"
            try #require(first == second, "decide is deterministic; \(place)")
            if case .failure = first {
                #expect(throws: Rejection.self, place) { try it.when(command) }
                try #require(it.state == before, place)
                continue
            }
            try it.when(command)
            for stamped in it.history[known...] {
                fold.apply(stamped.event, stamped.stamp)
                try #require(laws.admit(stamped) == nil, place)
                try #require(try jsonRoundTrip(stamped.event) == stamped.event, place)
            }
            try #require(fold == it.state, "L2; \(place)")
            try #require(laws.idle == it.state.idleGeneration, "L5; \(place)")
            try checkState(it.state, place)
            // Only those services were looked at that something was about; with an event of the controller all are.
            var again = Decision(state: it.state, surroundings: it.surroundings)
            again.record(.controllerRecovered(ControllerRecovered(process: "another", at: again.now)))
            again.settle()
            try #require(again.events.count == 1, "a state at rest owes nothing; \(place)")
        }
        #expect(it.folded == it.state)
    }

    /// What must be true of any state at rest.
    private func checkState(_ state: ControllerState, _ place: Comment) throws {
        let data = try JSONEncoder().encode(state)
        try #require(try JSONDecoder().decode(ControllerState.self, from: data) == state, place)
        let subjects = state.outstanding.map(\.subject)
        try #require(Set(subjects).count == subjects.count, "two works for one subject; \(place)")
        let keys = state.pendingDeadlines.map(\.key)
        try #require(Set(keys).count == keys.count, "two deadlines under one key; \(place)")
        for pending in state.pendingDeadlines {
            try #require(state.pendingDeadline(pending.key) == pending, place)
            try #require((1...state.version).contains(pending.generation), place)
        }
        switch state.phase {
        case .idle: try #require(state.liveServices.isEmpty, "L3; \(place)")
        case .up: try #require(!state.liveServices.isEmpty || !state.activeUses.isEmpty, "L4; \(place)")
        case .stopped, .failed, .absent, .terminated:
            try #require(state.outstanding.isEmpty && state.isEmptyHanded, "L7; \(place)")
        case .starting, .stopping, .terminating: break
        }
        let ports = state.services.values.map(\.endpoint.port)
        try #require(Set(ports).count == ports.count, "two services on one port; \(place)")
        for service in state.services.values {
            try #require(state.derivedStatus(of: service).0 == service.status, place)
        }
    }

    /// What is drawn must be worth drawing: every type of event comes up, and every one has been through
    /// its JSON above.
    @Test func theHistoriesHoldEveryTypeOfEvent() throws {
        var seen: Set<EventType> = []
        for seed in Array(1...60) as [UInt64] {
            var it = Scenario()
            var commands = RandomCommands(seed: seed)
            for _ in 1...Self.steps {
                commands.advance(&it.clock)
                _ = try? it.when(commands.next(for: it.state))
            }
            seen.formUnion(it.history.map(\.event.type))
        }
        #expect(Set(EventType.allCases).subtracting(seen).isEmpty)
    }

    /// From wherever a history has led, doing what is outstanding leads to rest (no work that is asked
    /// for again and again), and a `terminate --force` to the end.
    @Test(arguments: seeds)
    func terminateByForceAlwaysEnds(seed: UInt64) throws {
        var it = Scenario()
        var commands = RandomCommands(seed: seed)
        for _ in 1...100 {
            commands.advance(&it.clock)
            _ = try? it.when(commands.next(for: it.state))
        }
        guard it.state.status != .absent, it.state.status != .terminated else { return }
        try it.when(.terminate(force: true))
        for _ in 1...200 where it.state.status != .terminated {
            it.clock.advance(seconds: 100)
            for pending in it.state.pendingDeadlines { try it.whenReached(pending.key) }
            try it.removeEverything(runningHooks: true)
        }
        #expect(
            it.state.status == .terminated,
            "left: \(it.state.outstanding), waited for: \(it.state.pendingDeadlines), hooks: \(it.state.hooks)")
        #expect(it.state.services.isEmpty)
    }
}

/// Keeps books on stream versions and idle periods from the events alone, by no rule of the core's.
private struct LawBook {
    private var version = 0
    /// The idle period that is open.
    private(set) var idle: Int?

    /// - Returns: what is wrong with the event; nil when nothing is.
    mutating func admit(_ stamped: StampedEvent) -> String? {
        version += 1
        guard stamped.stamp.version == version else { return "version \(stamped.stamp.version) follows \(version - 1)" }
        switch stamped.event {
        case .controllerIdle:
            guard idle == nil else { return "an idle period begins within another" }
            idle = version
        case .controllerWoken(let payload): return end(payload.idleVersion)
        case .controllerPolicySet(let payload): return end(payload.idleVersion)
        case .controllerAutostopPaused(let payload): return end(payload.idleVersion)
        case .controllerAutostopResumed(let payload): return end(payload.idleVersion)
        case .controllerStopping(let payload):
            if payload.reason == .idleDeadline && payload.idleVersion == nil { return "a deadline of no idle period" }
            return end(payload.idleVersion)
        case .controllerTerminating(let payload): return end(payload.idleVersion)
        default: break
        }
        return nil
    }

    private mutating func end(_ ended: Int?) -> String? {
        defer { idle = nil }
        return ended == idle ? nil : "ends idle period \(ended ?? 0), open is \(idle ?? 0)"
    }
}

extension ControllerState {
    fileprivate var idleGeneration: Int? {
        if case .idle(let idle) = phase { idle.generation } else { nil }
    }
}

/// The event as it comes back from its stored form.
private func jsonRoundTrip(_ event: Event) throws -> Event {
    struct Stored: Event.Payloads {
        var data: Data
        func callAsFunction<Payload: Codable>() throws -> Payload {
            try JSONDecoder().decode(Payload.self, from: data)
        }
    }
    return try Event(event.type, decode: Stored(data: JSONEncoder().encode(event.payload)))
}

import Foundation
import Lifecycle

/// The log without a disk: the real `decide` and `apply` behind a door like the real one's, which may
/// fail, and which checks law L2 at every commit.
struct SimulatedLog {
    private(set) var streams: [ControllerName: Stream] = [:]
    private var commandIDs: Set<UInt64> = []

    struct Stream {
        var events: [StampedEvent] = []
        var state: ControllerState
        /// Folded event by event, apart from the state that `decide` hands over.
        var mirror: ControllerState
    }

    enum Outcome {
        case accepted(before: ControllerState, events: [StampedEvent])
        case repeated
        case rejected(Rejection)
    }

    func state(of controller: ControllerName) -> ControllerState {
        streams[controller]?.state ?? ControllerState(name: controller)
    }

    mutating func submit(
        _ command: Command, to controller: ControllerName, id: UInt64?, now: Instant
    ) throws(Violation) -> Outcome {
        if let id, commandIDs.contains(id) { return .repeated }
        var stream =
            streams[controller]
            ?? Stream(state: ControllerState(name: controller), mirror: ControllerState(name: controller))
        let ports = Set(
            streams.filter { $0.key != controller }.flatMap { $0.value.state.services.values.map(\.endpoint.port) })
        let decision: Decision
        do {
            decision = try stream.state.decide(
                command, Surroundings(now: now, portsTakenElsewhere: ports, actor: "simulation"))
        } catch {
            return .rejected(error)
        }
        // Remembered also when nothing follows, as the real log does.
        if let id { commandIDs.insert(id) }
        guard !decision.events.isEmpty else { return .accepted(before: stream.state, events: []) }
        let before = stream.state
        var recorded = stream.events.count
        for stamped in decision.events {
            recorded += 1
            guard stamped.stamp.version == recorded else {
                throw Violation(law: "L2", what: "event \(recorded) of its stream has version \(stamped.stamp.version)")
            }
            stream.mirror.apply(stamped.event, stamped.stamp)
        }
        guard stream.mirror == decision.state else {
            throw Violation(law: "L2", what: "the fold differs from what \(command) decided")
        }
        stream.state = decision.state
        stream.events += decision.events
        streams[controller] = stream
        return .accepted(before: before, events: decision.events)
    }

    /// What a process that has just begun reads: a snapshot in stored form, and a tail.
    ///
    /// - Parameter isStored: whether the tail is in stored form too, which takes its time.
    func recover(
        _ controller: ControllerName, snapshotAt fraction: Double, isStored: Bool = false
    ) throws(Violation) {
        guard let stream = streams[controller] else { return }
        var state = ControllerState(name: controller)
        let cut = Int(Double(stream.events.count) * fraction)
        for stamped in stream.events[..<cut] { state.apply(stamped.event, stamped.stamp) }
        do {
            state = try JSONDecoder().decode(ControllerState.self, from: JSONEncoder().encode(state))
        } catch {
            throw Violation(law: "L2", what: "a snapshot cannot be read back: \(error)")
        }
        for stamped in stream.events[cut...] {
            state.apply(isStored ? try Self.readBack(stamped.event) : stamped.event, stamped.stamp)
        }
        guard state == stream.state else {
            throw Violation(law: "L2", what: "snapshot at \(cut) and tail differ from the state")
        }
    }

    /// An event as it comes back from a disk. The quick form of most is to be the other, to the byte.
    private static func readBack(_ event: Event) throws(Violation) -> Event {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let stored = try encoder.encode(event.payload)
            guard event.flatPayload ?? Array(stored) == Array(stored) else {
                throw Violation(law: "L2", what: "\(event) is stored in two forms")
            }
            let quick = stored.withUnsafeBytes { bytes in
                Event(event.type, flat: bytes) { try? JSONDecoder().decode(ServiceSpec.self, from: Data($0)) }
            }
            let read = try Event(event.type, decode: StoredPayload(data: stored))
            guard quick ?? read == read else {
                throw Violation(law: "L2", what: "\(event) is read in two ways")
            }
            return quick ?? read
        } catch let violation as Violation {
            throw violation
        } catch {
            throw Violation(law: "L2", what: "\(event) cannot be read back: \(error)")
        }
    }

    private struct StoredPayload: Event.Payloads {
        var data: Data

        func callAsFunction<Payload: Codable>() throws -> Payload {
            try JSONDecoder().decode(Payload.self, from: data)
        }
    }
}

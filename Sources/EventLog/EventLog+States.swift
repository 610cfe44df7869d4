import GRDB
import Lifecycle

/// A state this process has folded already, valid while the stream's head has this digest.
struct CachedState {
    var state: ControllerState
    var digest: Digest
}

extension EventLog {
    /// Keeps the state of a stream whose head has this digest.
    func remember(_ state: ControllerState, _ head: Digest) {
        cache.withLock { $0[state.name] = CachedState(state: state, digest: head) }
    }

    /// The controller's state at the head of its stream: cached, or snapshot and tail.
    func loadState(of controller: ControllerName, _ db: Database) throws -> ControllerState {
        guard let head = try StreamHead.fetch(controller, db) else {
            return ControllerState(name: controller)
        }
        return try loadState(of: controller, at: head, db)
    }

    /// - Parameter head: of its stream, read in the same transaction.
    func loadState(of controller: ControllerName, at head: StreamHead, _ db: Database) throws -> ControllerState {
        let cached = cache.withLock { $0[controller] }
        if let cached, cached.digest == head.digest { return cached.state }
        var state =
            try cached.flatMap { try isPrefix($0, of: head, db) ? $0.state : nil }
            ?? Snapshots.load(controller, notAfter: head.version, db) ?? ControllerState(beginning: controller, db)
        let events = try StoredEvents(
            db, where: "stream = ? AND version > ? ORDER BY version", arguments: [controller.rawValue, state.version])
        while let event = try events.next() { state.apply(try events.event(event), event.stamp) }
        guard state.version == head.version else {
            throw LogFailure.corrupt(
                path: queue.path,
                reason: "the events of \(controller) lead to number \(state.version), and its last is \(head.version)")
        }
        cache.withLock { $0[controller] = CachedState(state: state, digest: head.digest) }
        return state
    }

    /// Whether the stream goes on where the cached state ends, and not so far that a snapshot would be quicker. To read
    /// a snapshot takes a time that grows with the services there are, and every process of a controller would take
    /// it after each event.
    private func isPrefix(_ cached: CachedState, of head: StreamHead, _ db: Database) throws -> Bool {
        let behind = head.version &- cached.state.version
        guard behind > 0, behind <= 2 * Snapshots.interval(of: cached.state) else { return false }
        return try StreamHead.digest(of: cached.state.name, at: cached.state.version, db) == cached.digest
    }
}

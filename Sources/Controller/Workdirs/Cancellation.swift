import Synchronization

/// Says that nobody wants what is under way any more. A signal comes on a thread that is no task's, so it cannot be a task
/// that is cancelled.
public final class Cancellation: Sendable {
    private struct State {
        var isCancelled = false
        var ends: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())

    public init() {}

    public var isCancelled: Bool { state.withLock { $0.isCancelled } }

    public func cancel() {
        let ends = state.withLock { state in
            state.isCancelled = true
            defer { state.ends = [] }
            return state.ends
        }
        for end in ends { end() }
    }

    /// Runs `end` when it is said; at once if it was.
    func whenCancelled(_ end: @escaping @Sendable () -> Void) {
        let isLate = state.withLock { state in
            if !state.isCancelled { state.ends.append(end) }
            return state.isCancelled
        }
        if isLate { end() }
    }
}

import NIOCore
import NIOPosix
import Synchronization

/// A value that others change and a test waits for, up to a deadline.
final class Watched<Value: Sendable>: Sendable {
    private struct Inner {
        var value: Value
        var waiters: [EventLoopPromise<Void>] = []
    }

    private let inner: Mutex<Inner>
    private let eventLoop = MultiThreadedEventLoopGroup.singleton.any()

    init(_ value: Value) { inner = Mutex(Inner(value: value)) }

    var value: Value { inner.withLock { $0.value } }

    func change(_ body: (inout Value) -> Void) {
        let waiters = inner.withLock { inner in
            body(&inner.value)
            defer { inner.waiters = [] }
            return inner.waiters
        }
        for waiter in waiters { waiter.succeed() }
    }

    /// Waits until `take` finds what it looks for, and may take it away.
    func wait<Found: Sendable>(
        for what: String, _ take: @Sendable (inout Value) -> Found?
    ) async throws -> Found {
        let deadline = NIODeadline.now() + Patience.limit
        while true {
            let changed = eventLoop.makePromise(of: Void.self)
            let found = inner.withLock { inner -> Found? in
                if let found = take(&inner.value) { return found }
                inner.waiters.append(changed)
                return nil
            }
            if let found {
                changed.succeed()
                return found
            }
            let alarm = eventLoop.scheduleTask(deadline: deadline) {
                changed.fail(OutOfPatience(what: what, instead: "\(self.value)"))
            }
            defer { alarm.cancel() }
            try await changed.futureResult.get()
        }
    }
}

enum Patience {
    /// How long a test waits for what must come: long, for only a failing test waits for its end.
    static let limit = TimeAmount.seconds(60)

    /// Asks again and again until the answer is yes.
    static func until(_ what: String, _ isTrue: () async throws -> Bool) async throws {
        let deadline = NIODeadline.now() + limit
        while try await !isTrue() {
            guard NIODeadline.now() < deadline else { throw OutOfPatience(what: what, instead: "no") }
            await Task.yield()
        }
    }
}

struct OutOfPatience: Error, CustomStringConvertible {
    var what: String
    var instead: String

    var description: String { "waited for \(what) in vain; there was \(instead.prefix(500))" }
}

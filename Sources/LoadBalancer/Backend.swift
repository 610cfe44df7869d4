import NIOCore

/// A replica, as one event loop sees it.
final class Backend {
    var route: Route
    /// Requests of this loop under way at it.
    var inFlight = 0
    /// Connections that wait for a request, the last used last.
    var idle: [UpstreamConnection] = []
    /// Whether a look at how long they have waited is to come.
    var awaitsSweep = false
    /// Whether the routes no longer name it.
    var isRemoved = false
    private var failures = 0
    /// Until when it is passed over; nil while it is trusted.
    private(set) var ejectedUntil: NIODeadline?

    init(_ route: Route) { self.route = route }

    /// Passes it over for a while: it refused a connection or died with a request, and the next probe has
    /// not said so yet. Briefly at first, for then it may be the only one there is.
    func eject(_ now: NIODeadline) {
        failures += 1
        ejectedUntil = now + .milliseconds(min(10_000, 25 << Int64(min(failures, 9))))
    }

    /// It has been reached.
    func answered() {
        failures = 0
        ejectedUntil = nil
    }

    func isEjected(_ now: @autoclosure () -> NIODeadline = .now()) -> Bool { ejectedUntil.map { now() < $0 } ?? false }

    /// How loaded it would be with one more request, as `policy` measures it; less is better.
    func load(_ policy: BalancingPolicy) -> Double {
        switch policy {
        case .roundRobin: 0
        case .leastLoad: Double(inFlight)
        case .instanceAwareLeastLoad: Double(inFlight + 1) / route.weight
        }
    }
}

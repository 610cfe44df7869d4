import Glibc

/// What has been seen of requests: by one event loop, or by all of them together.
public struct Traffic: Hashable, Sendable {
    /// Requests under way at a replica.
    public var inFlight = 0
    /// Requests that wait for a replica.
    public var held = 0
    /// Requests that have come.
    public var total = 0
    /// Wall time at which the last one came, microseconds since 1970.
    public var lastRequestAtMicroseconds: Int64?
    /// Requests under way by replica id; without zeros.
    public var perReplicaInFlight: [Int: Int] = [:]
    /// Requests that came, by seconds since 1970: at least the last ``RequestCounts/keptSeconds``.
    public var perSecond: [Int64: Int] = [:]

    /// The ``RoutingTable/version`` that requests go by.
    public var routesVersion = 0
    /// Whether there is a replica to send requests to.
    public var isServing = false

    public init() {}

    /// Adds what another loop has seen.
    mutating func add(_ other: Traffic) {
        inFlight += other.inFlight
        held += other.held
        // Only what every loop goes by is in force.
        routesVersion = min(routesVersion, other.routesVersion)
        isServing = isServing && other.isServing
        total += other.total
        if let theirs = other.lastRequestAtMicroseconds {
            lastRequestAtMicroseconds = max(lastRequestAtMicroseconds ?? theirs, theirs)
        }
        perReplicaInFlight.merge(other.perReplicaInFlight, uniquingKeysWith: +)
        perSecond.merge(other.perSecond, uniquingKeysWith: +)
    }
}

/// How soon whoever writes reports should look again.
public enum TrafficChange: Hashable, Sendable {
    /// Something is not as it was reported.
    case some
    /// Somebody waits for this: a request is held, or nothing is under way any more at a replica that is
    /// being drained.
    case urgent
}

/// Counts requests by the second they came in.
struct RequestCounts {
    static let keptSeconds = 90

    /// Oldest first.
    private(set) var seconds: [(second: Int64, count: Int)] = []
    private(set) var total = 0
    private(set) var lastMicroseconds: Int64?

    mutating func count(atMicroseconds now: Int64) {
        total += 1
        lastMicroseconds = now
        let second = now / 1_000_000
        if let last = seconds.last, last.second == second { return seconds[seconds.count - 1].count += 1 }
        // A clock that was set back: what it counted in a time that is yet to come would never get old.
        while let last = seconds.last, last.second > second { seconds.removeLast() }
        if let last = seconds.last, last.second == second { return seconds[seconds.count - 1].count += 1 }
        if let first = seconds.first, first.second < second - Int64(Self.keptSeconds) {
            seconds.removeAll { $0.second < second - Int64(Self.keptSeconds) }
        }
        seconds.append((second, 1))
    }

    /// Wall time now, microseconds since 1970.
    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }
}

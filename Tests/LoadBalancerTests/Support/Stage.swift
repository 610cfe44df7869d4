import Logging
import NIOCore
import Synchronization

@testable import LoadBalancer

/// A load balancer on a port of its own, with replicas behind it that do as they are told.
struct Stage: Sendable {
    let balancer: LoadBalancer
    let replicas: [Replica]
    private let clients = Watched<[Wire]>([])
    private let isOver = Watched(false)

    /// Sets the stage, and leaves nothing of it behind.
    static func with(
        replicas count: Int = 1, areReading: Bool = true,
        _ adapt: (inout LoadBalancerConfiguration) -> Void = { _ in },
        _ play: (Stage) async throws -> Void
    ) async throws {
        // Where many tests run at once, one may not come to its next step for more than a minute.
        var configuration = LoadBalancerConfiguration(
            listening: .address(host: "127.0.0.1", port: 0), idleTimeoutSeconds: 600, upstreamIdleSeconds: 600)
        adapt(&configuration)
        var replicas: [Replica] = []
        for id in 0..<count { replicas.append(try await Replica(id + 1, isReading: areReading)) }
        let logger = Logger(label: "stage") { _ in SwiftLogNoOpLogHandler() }
        let stage = Stage(balancer: LoadBalancer(configuration: configuration, logger: logger), replicas: replicas)
        let outcome: Result<Void, any Error>
        do {
            try await stage.balancer.start()
            try await stage.route(to: replicas.map(\.route))
            outcome = .success(try await play(stage))
        } catch {
            outcome = .failure(error)
        }
        for client in stage.clients.value { await client.close() }
        for replica in replicas { await replica.close() }
        if !stage.isOver.value { await stage.shutDown(gracePeriodSeconds: 0) }
        try outcome.get()
    }

    private init(balancer: LoadBalancer, replicas: [Replica]) {
        self.balancer = balancer
        self.replicas = replicas
    }

    /// Ends the load balancer, which can be done once.
    func shutDown(gracePeriodSeconds: Double) async {
        isOver.change { $0 = true }
        await balancer.shutDown(gracePeriodSeconds: gracePeriodSeconds)
    }

    var replica: Replica { replicas[0] }

    /// Sends requests to these from now on: when it returns, the load balancer knows.
    func route(
        to routes: [Route], isReplicaExpected: Bool = false, explanation: String = "1 replica is STARTING"
    ) async throws {
        balancer.update(
            RoutingTable(
                service: "web", ready: routes, isReplicaExpected: isReplicaExpected, explanation: explanation))
        _ = try await balancer.load()
    }

    /// A client's new connection.
    func connect(isReading: Bool = true) async throws -> Wire {
        let wire = try await Wire.connect(port: balancer.port ?? 0, isReading: isReading)
        clients.change { $0.append(wire) }
        return wire
    }

    /// Waits until no request is under way, and none is counted twice or forgotten.
    func untilIdle() async throws {
        try await Patience.until("no request in flight") { try await balancer.load().inFlight == 0 }
    }

    /// Waits until the load balancer has seen what has happened to its sockets so far.
    func untilNoticed() async throws { _ = try await balancer.load() }

    /// Waits until so many requests wait for a replica.
    func untilHeld(_ count: Int) async throws {
        try await Patience.until("\(count) held requests") { try await balancer.traffic().held == count }
    }

    /// Waits until nothing more of what `wire` sends is taken, though both it and the load balancer have had
    /// many turns at it.
    ///
    /// - Returns: how many bytes it has not got rid of.
    func untilNothingMoves(from wire: Wire) async throws -> Int {
        var left = -1
        var turns = 0
        try await Patience.until("a standstill") {
            let now = try await wire.channel.getOption(.bufferedWritableBytes).get()
            _ = try await balancer.load()
            turns = now == left ? turns + 1 : 0
            left = now
            return turns == 500
        }
        return left
    }
}

extension Stage {
    static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    static let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
    static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    /// A connection of a client and the one to the replica that one request has been answered over.
    func warmUp(_ replica: Replica? = nil) async throws -> (client: Wire, upstream: Wire) {
        let client = try await connect()
        try await client.send(Self.get)
        let upstream = try await (replica ?? self.replica).accept()
        _ = try await upstream.head()
        try await upstream.send(Self.ok)
        try await client.expect(Self.ok)
        return (client, upstream)
    }
}

extension String {
    /// What is before and behind the first `separator`.
    func splitOnce(_ separator: String) -> (String, String)? {
        guard let range = firstRange(of: separator) else { return nil }
        return (String(self[..<range.lowerBound]), String(self[range.upperBound...]))
    }
}

extension LoadBalancer {
    /// Requests under way now, and since the beginning. When it returns, every event loop has had a turn.
    func load() async throws -> (inFlight: Int, total: Int) {
        let traffic = try await traffic()
        return (traffic.inFlight, traffic.total)
    }
}

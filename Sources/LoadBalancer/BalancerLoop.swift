import NIOCore
import NIOPosix

/// A replica, as one event loop sees it.
final class Backend {
    let route: Route
    /// Requests of this loop under way at it.
    var inFlight = 0
    /// Connections that wait for a request, the last used last.
    var idle: [UpstreamConnection] = []
    /// Whether the routes no longer name it.
    var isRemoved = false
    private var failures = 0
    private var ejectedUntil = NIODeadline.uptimeNanoseconds(0)

    init(_ route: Route) { self.route = route }

    /// Passes it over for a while: it refused a connection, and the next probe has not said so yet.
    func eject(_ now: NIODeadline) {
        failures += 1
        ejectedUntil = now + .milliseconds(min(10_000, 250 << Int64(min(failures, 6))))
    }

    func answered() { failures = 0 }

    func isEjected(_ now: NIODeadline) -> Bool { failures > 0 && now < ejectedUntil }
}

/// Everything that one event loop knows: its share of the connections, the routes, the pools. Touched on
/// that loop only.
final class BalancerLoop {
    let configuration: LoadBalancerConfiguration
    let eventLoop: any EventLoop
    private(set) var service = ""
    private(set) var explanation = "its routes are not known yet"
    private(set) var isDraining = false
    private(set) var inFlight = 0
    private var counts = RequestCounts()
    private var backends: [Backend] = []
    /// Replicas that the routes no longer name, and that still have requests under way.
    private var leaving: [Backend] = []
    /// Told at most once of each kind between two looks at ``traffic()``.
    private let changed: (TrafficChange) -> Void
    private var hasToldSome = false
    private var hasToldUrgent = false
    private var turn = 0
    private var clients: [ObjectIdentifier: ClientConnection] = [:]

    init(
        _ configuration: LoadBalancerConfiguration, _ eventLoop: any EventLoop,
        changed: @escaping (TrafficChange) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.changed = changed
    }

    var hasConnections: Bool { !clients.isEmpty }

    // MARK: Routes

    func update(_ table: RoutingTable) {
        service = table.service
        explanation = table.explanation
        var known = Dictionary(uniqueKeysWithValues: backends.map { ($0.route, $0) })
        var named: Set<Route> = []
        backends = table.ready.filter { named.insert($0).inserted }
            .map { known.removeValue(forKey: $0) ?? Backend($0) }
        for gone in known.values {
            gone.isRemoved = true
            if gone.inFlight > 0 { leaving.append(gone) }
            let idle = gone.idle
            gone.idle = []
            for connection in idle { connection.close() }
        }
    }

    /// The replica for the next try of a request: not one it has tried, and one that refuses connections
    /// only when there is no other.
    func choose(except tried: [Backend]) -> Backend? {
        guard !backends.isEmpty else { return nil }
        let now = NIODeadline.now()
        turn = (turn + 1) % backends.count
        var best: Backend?
        var bestIsEjected = true
        for step in 0..<backends.count {
            let backend = backends[(turn + step) % backends.count]
            if !tried.isEmpty, tried.contains(where: { $0 === backend }) { continue }
            let isEjected = backend.isEjected(now)
            guard let current = best else {
                best = backend
                bestIsEjected = isEjected
                continue
            }
            if bestIsEjected && !isEjected {
                best = backend
                bestIsEjected = false
            } else if bestIsEjected == isEjected, configuration.policy == .leastLoad,
                backend.inFlight < current.inFlight
            {
                best = backend
            }
        }
        return best
    }

    // MARK: Requests

    /// Counts a request that has come.
    func arrived() {
        counts.count(atMicroseconds: RequestCounts.now())
        tell(.some)
    }

    /// Counts a request as under way at a replica.
    func begin(_ backend: Backend) {
        backend.inFlight += 1
        inFlight += 1
    }

    /// The opposite of ``begin(_:)``.
    func end(_ backend: Backend) {
        backend.inFlight -= 1
        inFlight -= 1
        tell(.some)
        guard backend.isRemoved, backend.inFlight == 0 else { return }
        leaving.removeAll { $0 === backend }
        tell(.urgent)
    }

    private func tell(_ change: TrafficChange) {
        switch change {
        case .some:
            if hasToldSome { return }
            hasToldSome = true
        case .urgent:
            if hasToldUrgent { return }
            hasToldUrgent = true
        }
        changed(change)
    }

    /// What has been seen so far. The next change after it is told again.
    func traffic() -> Traffic {
        hasToldSome = false
        hasToldUrgent = false
        var traffic = Traffic()
        traffic.inFlight = inFlight
        traffic.total = counts.total
        traffic.lastRequestAtMicroseconds = counts.lastMicroseconds
        for backend in backends + leaving where backend.inFlight > 0 {
            traffic.perReplicaInFlight[backend.route.replica, default: 0] += backend.inFlight
        }
        for part in counts.seconds { traffic.perSecond[part.second] = part.count }
        return traffic
    }

    // MARK: Connections

    /// Whether there is room for another client.
    func add(_ client: ClientConnection) -> Bool {
        clients[ObjectIdentifier(client)] = client
        return clients.count <= configuration.connectionLimit / max(1, configuration.eventLoops)
    }

    func remove(_ client: ClientConnection) { clients[ObjectIdentifier(client)] = nil }

    func drain() {
        isDraining = true
        for client in clients.values { client.drain() }
    }

    func closeAll() {
        for client in clients.values { client.close() }
        for backend in backends {
            let idle = backend.idle
            backend.idle = []
            for connection in idle { connection.close() }
        }
    }

    /// A connection that waits for a request and is young enough to be trusted.
    func idleConnection(_ backend: Backend) -> UpstreamConnection? {
        let oldest = NIODeadline.now() - .nanoseconds(Int64(configuration.upstreamIdleSeconds * 1e9))
        while let connection = backend.idle.popLast() {
            if connection.isUsable, connection.idleSince > oldest { return connection }
            connection.close()
        }
        return nil
    }

    /// Keeps a connection for the next request.
    func keep(_ connection: UpstreamConnection) {
        let backend = connection.backend
        guard !backend.isRemoved, !isDraining, connection.isUsable else { return connection.close() }
        connection.beIdle()
        backend.idle.append(connection)
        if backend.idle.count == 1 { scheduleSweep(backend) }
    }

    /// Closes connections that have been idle for too long, for as long as there are any.
    private func scheduleSweep(_ backend: Backend) {
        let pause = TimeAmount.nanoseconds(Int64(configuration.upstreamIdleSeconds * 1e9))
        eventLoop.assumeIsolated().scheduleTask(in: pause) { [weak backend] in
            guard let backend, !backend.idle.isEmpty else { return }
            let oldest = NIODeadline.now() - pause
            let old = backend.idle.filter { $0.idleSince <= oldest }
            backend.idle.removeAll { $0.idleSince <= oldest }
            for connection in old { connection.close() }
            if !backend.idle.isEmpty { self.scheduleSweep(backend) }
        }
    }

    /// Connects to a replica.
    func connect(_ backend: Backend, _ done: @escaping (Result<UpstreamConnection, any Error>) -> Void) {
        let handler = NIOLoopBound(UpstreamConnection(backend), eventLoop: eventLoop)
        ClientBootstrap(group: eventLoop)
            .connectTimeout(.nanoseconds(Int64(configuration.connectTimeoutSeconds * 1e9)))
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelOption(.autoRead, value: false)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(handler.value)
                }
            }
            .connect(host: backend.route.host, port: backend.route.port)
            .assumeIsolated()
            .whenComplete { result in done(result.map { _ in handler.value }) }
    }
}

import NIOCore
import NIOPosix

/// Everything that one event loop knows: its share of the connections, the routes, the pools. Touched on
/// that loop only.
final class BalancerLoop {
    private(set) var configuration: LoadBalancerConfiguration
    let eventLoop: any EventLoop
    private(set) var table = RoutingTable(service: "", ready: [], explanation: "its routes are not known yet")
    private(set) var isDraining = false
    /// Whether clients that connect now speak TLS.
    private(set) var isSecure = false
    private(set) var inFlight = 0
    private var counts = RequestCounts()
    private(set) var backends: [Backend] = []
    /// Replicas that the routes no longer name, and that still have requests under way.
    private var leaving: [Backend] = []
    /// Told at most once of each kind between two looks at ``traffic()``.
    private let changed: (TrafficChange) -> Void
    private var hasToldSome = false
    private var hasToldUrgent = false
    /// Clients whose request waits for a replica, in the order they came.
    private var held: [ClientConnection] = []
    /// Ends when a replica that was passed over may be tried again.
    private var retry: Scheduled<Void>?
    private var turn = 0
    var clients: [ObjectIdentifier: ClientConnection] = [:]
    let budget: DescriptorBudget
    let surplus: SurplusClients
    /// Of ``clients``, those that are too many.
    var surplusCount = 0
    /// Connections to replicas, also such as are being made.
    var upstreamCount = 0
    var madeRoomAt: NIODeadline?

    /// - Parameters:
    ///   - openFiles: how many the process may have; what of them is this loop's is worked out.
    ///   - surplus: counts clients that are too many, for all loops together.
    init(
        _ configuration: LoadBalancerConfiguration, _ eventLoop: any EventLoop, openFiles: Int = .max,
        surplus: SurplusClients = SurplusClients(), changed: @escaping (TrafficChange) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.eventLoop = eventLoop
        budget = DescriptorBudget(
            openFiles: configuration.openFileLimit ?? openFiles, clients: configuration.connectionLimit,
            loops: configuration.eventLoops)
        self.surplus = surplus
        self.changed = changed
    }

    /// Whether there are connections besides those that came too late to be served, of which there may be no end.
    var hasConnections: Bool { clients.values.contains { !$0.isLate } }

    // MARK: Routes

    func update(_ rules: BalancingRules) { configuration.rules = rules }

    func update(isSecure: Bool) {
        self.isSecure = isSecure
        for client in clients.values where client.isSecure != isSecure { client.drain() }
    }

    func update(_ table: RoutingTable) {
        let isNews = !table.sendsAs(self.table)
        self.table = table
        var known = Dictionary(uniqueKeysWithValues: backends.map { ($0.route.identity, $0) })
        var named: Set<Route.Identity> = []
        backends = table.ready.filter { named.insert($0.identity).inserted }
            .map { route in
                let backend = known.removeValue(forKey: route.identity) ?? Backend(route)
                backend.route = route
                return backend
            }
        for gone in known.values {
            gone.isRemoved = true
            if gone.inFlight > 0 { leaving.append(gone) }
            let idle = gone.idle
            gone.idle = []
            for connection in idle { connection.close() }
        }
        // Whoever drains a replica waits to hear that it gets no more, also one that was not ready and got none before.
        if isNews { tell(.urgent) }
        release()
    }

    /// The replica for a request; nil when there is none, or none that did not just refuse or die.
    func choose() -> Backend? {
        guard !backends.isEmpty else { return nil }
        let policy = configuration.rules.policy
        turn = (turn + 1) % backends.count
        var best: Backend?
        var least = Double.infinity
        for step in 0..<backends.count {
            let backend = backends[(turn + step) % backends.count]
            if backend.isEjected() { continue }
            let load = backend.load(policy)
            if load < least {
                best = backend
                least = load
            }
        }
        return best
    }

    // MARK: Requests that wait

    /// Lets a request wait until a replica can take it.
    ///
    /// - Returns: why it need not wait; nil when it does.
    func hold(_ client: ClientConnection) -> OwnAnswer? {
        if isDraining { return .shuttingDown(self) }
        guard table.isReplicaExpected else { return .noReadyReplica(self) }
        guard held.count < max(1, configuration.heldLimit / max(1, configuration.eventLoops)) else {
            return .tooManyWaiting(self, count: held.count)
        }
        held.append(client)
        tell(held.count == 1 ? .urgent : .some)
        scheduleRetry()
        return nil
    }

    /// Forgets a client that waits.
    func letGo(_ client: ClientConnection) {
        held.removeAll { $0 === client }
        tell(.some)
    }

    /// Sends on those that wait, in order. Who still finds no replica waits again.
    private func release() {
        retry?.cancel()
        retry = nil
        guard !held.isEmpty else { return }
        let waiting = held
        held = []
        tell(.some)
        for client in waiting { client.dispatch() }
    }

    /// Tries again once the first replica that is passed over may be tried.
    private func scheduleRetry() {
        guard retry == nil, let first = backends.compactMap(\.ejectedUntil).min() else { return }
        retry = eventLoop.assumeIsolated().scheduleTask(deadline: first) {
            self.retry = nil
            self.release()
        }
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
        traffic.held = held.count
        traffic.routesVersion = table.version
        traffic.isServing = !backends.isEmpty
        traffic.total = counts.total
        traffic.lastRequestAtMicroseconds = counts.lastMicroseconds
        for backend in backends + leaving where backend.inFlight > 0 {
            traffic.perReplicaInFlight[backend.route.replica, default: 0] += backend.inFlight
        }
        for part in counts.seconds { traffic.perSecond[part.second] = part.count }
        return traffic
    }

    // MARK: Connections

    func drain() {
        isDraining = true
        release()
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
}

import NIOCore

// Who is taken in, and what is done when there is no room. As with nginx, connections that lie idle make room for those that
// ask for something; when all are busy, another client is told so.

extension BalancerLoop {
    /// Takes a client in.
    ///
    /// - Returns: whether there is room for it. If not, it is there only to be told so, unless there is room once it
    ///   has asked for something.
    func add(_ client: ClientConnection) -> Bool {
        let hasRoom = hasRoomForClient
        clients[ObjectIdentifier(client)] = client
        guard !hasRoom else { return true }
        surplusCount += 1
        surplus.enter()
        endIdle()
        return false
    }

    /// Gives a client that is too many a place, if there is one by now.
    func admit(_ client: ClientConnection) -> Bool {
        guard hasRoomForClient else { return false }
        leaveSurplus()
        return true
    }

    func remove(_ client: ClientConnection) {
        guard clients.removeValue(forKey: ObjectIdentifier(client)) != nil, client.isSurplus else { return }
        leaveSurplus()
    }

    private func leaveSurplus() {
        surplusCount -= 1
        surplus.leave()
    }

    private var hasRoomForClient: Bool {
        budget.hasRoomForClient(clients: clients.count - surplusCount, upstreams: upstreamCount)
    }

    /// Ends the connections that have been idle for longest, a few at a time: looking for them takes a while when there
    /// are many, and if all are busy they are not looked for again at once.
    private func endIdle() {
        let now = NIODeadline.now()
        if let madeRoomAt, now - madeRoomAt < .milliseconds(100) { return }
        let newest = now - TimeAmount(seconds: configuration.surplusIdleSeconds)
        var idle = clients.values.filter { $0.isIdle && $0.lastActivity <= newest }
        madeRoomAt = idle.isEmpty ? now : nil
        let count = max(1, min(32, idle.count / 8))
        idle.sort { $0.lastActivity < $1.lastActivity }
        for client in idle.prefix(count) { client.drain() }
    }

    /// Whether another connection to a replica may be made; one that waits makes room for it.
    func makeRoomForUpstream() -> Bool {
        let clients = clients.count - surplusCount
        if budget.hasRoomForUpstream(clients: clients, upstreams: upstreamCount) { return true }
        guard let backend = backends.first(where: { !$0.idle.isEmpty }) else { return false }
        backend.idle.removeFirst().close()
        return true
    }
}

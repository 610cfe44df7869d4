/// What the open files that one event loop may have are for. The kernel's limit is of the whole process; a client and the
/// connection to a replica that its request uses are one each. Clients are taken in only while enough are left to serve
/// those who are there.
struct DescriptorBudget {
    /// For what the process has open besides connections: the log, the listening socket, epoll, …
    static let ownCount = 64
    /// For clients that are too many, while they are told so. See ``AcceptGate``.
    static let surplusCount = 64

    /// Connections with clients and with replicas together.
    let total: Int
    /// Of them so many are for replicas only.
    let keptForReplicas: Int
    /// Clients, whatever is left.
    let clientLimit: Int

    /// - Parameters:
    ///   - openFiles: the kernel's limit.
    ///   - clients: what the settings allow.
    ///   - loops: how many event loops share both.
    init(openFiles: Int, clients: Int, loops: Int) {
        // Of a limit that is too low for anything, half: better that some are served than none.
        total = max(openFiles - Self.ownCount - Self.surplusCount, openFiles / 2) / max(1, loops)
        keptForReplicas = max(1, total / 8)
        clientLimit = clients / max(1, loops)
    }

    func hasRoomForClient(clients: Int, upstreams: Int) -> Bool {
        clients < clientLimit && clients + max(upstreams, keptForReplicas) < total
    }

    func hasRoomForUpstream(clients: Int, upstreams: Int) -> Bool { clients + upstreams < total }
}

/// Where a replica with an address of its own really listens and connects, when it says that it means this machine.
///
/// It listens at its own address wherever on this machine it meant to listen, with the port it named. What it connects
/// to is left alone, unless it means one of its own listeners. So two replicas can both listen on 8080 and on any number
/// of ports between their parts, each finds its own, and neither hears the other.
struct AddressRule: Hashable, Sendable {
    let own: OwnAddress
    /// Ports that it has been bound to at some time.
    private(set) var bound: Set<UInt16> = []

    init(_ own: OwnAddress) { self.own = own }

    /// Notes that a socket was bound because the program asked for `port`.
    mutating func noteBound(_ port: UInt16) { bound.insert(port) }

    /// Where to bind a TCP socket instead; nil to leave it.
    ///
    /// - Parameters:
    ///   - isV6Only: whether the socket takes no connection of IPv4.
    ///   - isOfThisMachine: whether a network interface has the address.
    func bind(
        _ address: SocketAddress, isV6Only: Bool, isOfThisMachine: (SocketAddress.Host) -> Bool
    ) -> SocketAddress? {
        // Any free port is as good at one address as at another, and a client's end may need the real one.
        guard address.port != 0, means(address, isOfThisMachine) else { return nil }
        let port = address.port == own.port ? own.servedPort : address.port
        switch address.host {
        case .v4: return .v4(own.host, port)
        // IPv6 has one loopback address and nobody asks there: the twin of a socket of IPv4, with which the program would
        // not start if it were refused.
        case .v6 where isV6Only: return .v6Loopback(0)
        case .v6: return .mapped(own.host, port)
        }
    }

    /// Where to connect a TCP socket to instead; nil to leave it.
    ///
    /// - Parameter isListening: whether something listens at the replica's own address on a port.
    func connect(
        _ address: SocketAddress, isOfThisMachine: (SocketAddress.Host) -> Bool, isListening: (UInt16) -> Bool
    ) -> SocketAddress? {
        guard address.port != 0, address.port == own.port || bound.contains(address.port),
            means(address, isOfThisMachine)
        else { return nil }
        let port: UInt16
        if address.port == own.port {
            // Also before it listens: who waits for it must not find another program there.
            port = own.servedPort
        } else if isListening(address.port) {
            port = address.port
        } else {
            return nil
        }
        switch address.host {
        case .v4: return .v4(own.host, port)
        case .v6: return .mapped(own.host, port)
        }
    }

    /// Whether the address is this machine as such, and not the address of a replica.
    private func means(
        _ address: SocketAddress, _ isOfThisMachine: (SocketAddress.Host) -> Bool
    ) -> Bool {
        if let v4 = address.v4 {
            // Its own, said outright, with the port by which it knows it.
            if v4 == own.host { return address.port == own.port && own.port != own.servedPort }
            if OwnAddress.range.contains(v4) { return false }
            return v4 == 0 || v4 >> 24 == 127 || isOfThisMachine(.v4(v4))
        }
        switch address.host {
        case .v6(0, 0), .v6(0, 1): return true
        case .v4, .v6: return isOfThisMachine(address.host)
        }
    }
}

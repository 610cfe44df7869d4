import Glibc
import NIOCore
import NIOPosix

@testable import LoadBalancer

/// A server whose every word a test says itself.
final class Replica: Sendable {
    private let server: any Channel
    private let waiting: Watched<[Wire]>
    private let all: Watched<[Wire]>
    let route: Route

    /// - Parameters:
    ///   - isReading: whether it takes bytes from its sockets as they come.
    ///   - port: the port it listens at; 0 for any.
    init(_ id: Int, isReading: Bool = true, port: Int = 0) async throws {
        let waiting = Watched<[Wire]>([])
        let all = Watched<[Wire]>([])
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.autoRead, value: isReading)
            .childChannelInitializer { channel in
                let inbox = Watched(Wire.Inbox())
                let wire = Wire(channel, inbox)
                all.change { $0.append(wire) }
                waiting.change { $0.append(wire) }
                return channel.pipeline.addHandler(Wire.Collector(inbox))
            }
        server = try await bootstrap.bind(host: "127.0.0.1", port: port).get()
        self.waiting = waiting
        self.all = all
        route = Route(replica: id, host: "127.0.0.1", port: server.localAddress?.port ?? 0)
    }

    /// The next connection that has been made to it.
    func accept() async throws -> Wire {
        try await waiting.wait(for: "a connection to replica \(route.replica)") { $0.isEmpty ? nil : $0.removeFirst() }
    }

    /// Connections made to it so far.
    var connections: Int { all.value.count }

    func close() async {
        try? await server.close().get()
        for wire in all.value { await wire.close() }
    }
}

/// A port that refuses connections and that nobody else gets meanwhile: bound, but not listening.
final class RefusingPort: Sendable {
    private let descriptor: CInt
    let route: Route

    init(_ id: Int) throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw OutOfPatience(what: "a port", instead: "error \(errno)") }
        route = Route(replica: id, host: "127.0.0.1", port: Int(UInt16(bigEndian: address.sin_port)))
    }

    deinit { close(descriptor) }
}

import NIOCore
import NIOPosix

// Connections to replicas: those that wait for a request, and new ones.

extension BalancerLoop {
    /// A connection that waits for a request and is young enough to be trusted.
    func idleConnection(_ backend: Backend, _ now: NIODeadline) -> UpstreamConnection? {
        let oldest = now - TimeAmount(seconds: configuration.upstreamIdleSeconds)
        while let connection = backend.idle.popLast() {
            if connection.isUsable, connection.idleSince > oldest { return connection }
            connection.close()
        }
        return nil
    }

    /// Keeps a connection for the next request.
    func keep(_ connection: UpstreamConnection, _ now: NIODeadline) {
        let backend = connection.backend
        guard !backend.isRemoved, !isDraining, connection.isUsable else { return connection.close() }
        connection.beIdle(now)
        backend.idle.append(connection)
        if !backend.awaitsSweep { scheduleSweep(backend) }
    }

    /// Closes connections that have been idle for too long, for as long as there are any. One sweep at a time: the pool of a
    /// busy replica is empty, and not empty, with every other request.
    private func scheduleSweep(_ backend: Backend) {
        let pause = TimeAmount(seconds: configuration.upstreamIdleSeconds)
        backend.awaitsSweep = true
        eventLoop.assumeIsolated().scheduleTask(in: pause) {
            backend.awaitsSweep = false
            guard !backend.idle.isEmpty else { return }
            let oldest = NIODeadline.now() - pause
            let old = backend.idle.filter { $0.idleSince <= oldest }
            backend.idle.removeAll { $0.idleSince <= oldest }
            for connection in old { connection.close() }
            if !backend.idle.isEmpty { self.scheduleSweep(backend) }
        }
    }

    private static func setOptions(of channel: any Channel) throws {
        guard let options = channel.syncOptions else { return }
        // TCP_NODELAY is set by NIO.
        try options.setOption(.autoRead, value: false)
        // What is often 64 KiB is a little more with its head, and to read that by itself is as much work again.
        let allocator = AdaptiveRecvByteBufferAllocator(minimum: 64, initial: 2_048, maximum: 131_072)
        try options.setOption(.recvAllocator, value: allocator)
    }

    /// Connects to a replica.
    func connect(_ backend: Backend, _ done: @escaping (Result<UpstreamConnection, any Error>) -> Void) {
        upstreamCount += 1
        let handler = NIOLoopBound(UpstreamConnection(backend), eventLoop: eventLoop)
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(seconds: configuration.connectTimeoutSeconds))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Self.setOptions(of: channel)
                    try channel.pipeline.syncOperations.addHandler(handler.value)
                }
            }
        // A name is looked up by another thread, and NIO would have it look up an address too: two threads to be woken.
        let route = backend.route
        let address = try? SocketAddress(ipAddress: route.host, port: route.port)
        let connecting =
            address.map { bootstrap.connect(to: $0) } ?? bootstrap.connect(host: route.host, port: route.port)
        connecting.assumeIsolated()
            .whenComplete { result in
                switch result {
                case .success(let channel):
                    channel.closeFuture.assumeIsolated().whenComplete { _ in self.upstreamCount -= 1 }
                case .failure: self.upstreamCount -= 1
                }
                done(result.map { _ in handler.value })
            }
    }
}

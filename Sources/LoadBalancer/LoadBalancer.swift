import CLinux
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A streaming HTTP/1.1 reverse proxy in front of a service's replicas.
///
/// What it promises: bodies flow both ways as they come, with back-pressure, and are never held whole; a
/// change of the routes takes effect with the next request; while no replica is ready but one is expected,
/// requests wait for it; a request is sent to a second replica only when nothing of it can have been acted on,
/// or doing it twice does no harm; what two programs could read in two ways is refused; every
/// answer of its own says in words what is the matter.
///
/// How it is built: a client's connection, and the connections to replicas that its requests use, live on
/// one event loop, so a request never changes threads, and all state is confined to its loop
/// (``BalancerLoop``). ``ClientConnection`` is one client's state machine, ``UpstreamConnection`` one
/// connection to a replica; heads are parsed by ``HeadParser``, bodies measured by ``BodyReader``.
public final class LoadBalancer: Sendable {
    private let configuration: LoadBalancerConfiguration
    private let group: MultiThreadedEventLoopGroup
    private let loops: [LoopState]
    private let server = Mutex<(any Channel)?>(nil)
    private let isEnding = Mutex(false)
    private let isOver = Mutex(false)
    private let front: TLSFront
    private let surplus = SurplusClients()
    private let logger: Logger
    /// Says when what ``traffic()`` tells has changed: each kind of change once for each look at it, so that
    /// a busy load balancer has no more to say than an idle one.
    public let trafficChanges: AsyncStream<TrafficChange>

    public init(configuration: LoadBalancerConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        front = TLSFront(logger: logger)
        group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, configuration.eventLoops))
        let (changes, continuation) = AsyncStream.makeStream(of: TrafficChange.self)
        trafficChanges = changes
        let surplus = surplus
        let openFiles = Int(clinux_open_file_limit(0))
        loops = group.makeIterator().map { eventLoop in
            let loop = BalancerLoop(configuration, eventLoop, openFiles: openFiles, surplus: surplus) {
                continuation.yield($0)
            }
            return LoopState(
                eventLoop: eventLoop, box: .makeBoxSendingValue(loop, eventLoop: eventLoop))
        }
    }

    /// The port it listens on; nil before ``start()``.
    public var port: Int? { server.withLock { $0?.localAddress?.port } }

    /// Begins to accept connections.
    public func start() async throws {
        let states = Dictionary(uniqueKeysWithValues: loops.map { (ObjectIdentifier($0.eventLoop), $0) })
        let front = front
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { [surplus, logger] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptGate(surplus, logger: logger))
                }
            }
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let loop = states[ObjectIdentifier(channel.eventLoop)]?.value else { return }
                    try Self.setOptions(of: channel)
                    try Self.add(loop, front.beginning, to: channel.pipeline.syncOperations)
                }
            }
        let channel =
            switch configuration.listening {
            case .inherited(let descriptor): try await bootstrap.withBoundSocket(descriptor).get()
            case .address(let host, let port): try await bootstrap.bind(host: host, port: port).get()
            }
        server.withLock { $0 = channel }
        logger.info("listening on \(channel.localAddress?.description ?? "an inherited socket")")
    }

    /// Here and not by the bootstrap, which makes a promise of each: a tenth of what it takes to accept a client.
    private static func setOptions(of channel: any Channel) throws {
        guard let options = channel.syncOptions else { return }
        try options.setOption(.tcpOption(.tcp_nodelay), value: 1)
        try options.setOption(.autoRead, value: false)
        // A connection that lies idle keeps what its last request was read into. It grows with what comes.
        let allocator = AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 512, maximum: 65_536)
        try options.setOption(.recvAllocator, value: allocator)
        // Who has asked may end its side, and gets its answer.
        try options.setOption(.allowRemoteHalfClosure, value: true)
    }

    private static func add(
        _ loop: BalancerLoop, _ beginning: TLSFront.Beginning, to pipeline: ChannelPipeline.SynchronousOperations
    ) throws {
        switch beginning {
        case .plain:
            try pipeline.addHandler(ClientConnection(loop))
        case .handshake(let context):
            try pipeline.addHandler(PlainTextGuard())
            try pipeline.addHandler(NIOSSLServerHandler(context: context))
            try pipeline.addHandler(ClientConnection(loop, isSecure: true))
        case .none:
            // Closes it.
            throw ChannelError.operationUnsupported
        }
    }

    /// Speaks `spoken` with clients that connect from now on. Connections in which another protocol is spoken end with
    /// the request that is under way.
    public func speak(_ spoken: FrontProtocol) {
        front.speak(spoken)
        let isSecure = spoken != .http
        for loop in loops {
            loop.eventLoop.execute { loop.value.update(isSecure: isSecure) }
        }
    }

    /// Whether nobody can connect, for want of a certificate and key that could be used.
    public var lacksPair: Bool { front.lacksPair }

    /// Looks again and again whether the files of the certificate and its key have changed, until cancelled.
    public func followCertificate() async {
        while !Task.isCancelled {
            front.look()
            try? await Task.sleep(for: .seconds(1))
        }
    }

    /// Sends requests where `table` says from now on.
    public func update(_ table: RoutingTable) {
        for loop in loops {
            loop.eventLoop.execute { loop.value.update(table) }
        }
    }

    /// Goes by `rules` from the next request on.
    public func update(_ rules: BalancingRules) {
        for loop in loops {
            loop.eventLoop.execute { loop.value.update(rules) }
        }
    }

    /// What has been seen of requests so far.
    public func traffic() async throws -> Traffic {
        guard !isOver.withLock({ $0 }) else { throw ChannelError.alreadyClosed }
        var traffic: Traffic?
        for loop in loops {
            let part = try await loop.eventLoop.submit { loop.value.traffic() }.get()
            if traffic == nil { traffic = part } else { traffic?.add(part) }
        }
        return traffic ?? Traffic()
    }

    /// Takes no more connections: another process is to have the port.
    public func stopAccepting() async { try? await server.withLock { $0 }?.close().get() }

    /// Lets requests in flight end for as long as `gracePeriodSeconds`, and tells whoever comes meanwhile that it is being
    /// shut down; then closes what is left. A second call does nothing.
    public func shutDown(gracePeriodSeconds: Double) async {
        guard
            isEnding.withLock({ isEnding in
                defer { isEnding = true }
                return !isEnding
            })
        else { return }
        let limit = ContinuousClock.now + .seconds(gracePeriodSeconds)
        for loop in loops { loop.eventLoop.execute { loop.value.drain() } }
        while ContinuousClock.now < limit, await hasConnections() {
            try? await Task.sleep(for: .milliseconds(5))
        }
        await stopAccepting()
        for loop in loops { try? await loop.eventLoop.submit { loop.value.closeAll() }.get() }
        // From here on nobody asks a loop anything.
        isOver.withLock { $0 = true }
        try? await group.shutdownGracefully()
    }

    func hasConnections() async -> Bool {
        for loop in loops {
            if (try? await loop.eventLoop.submit { loop.value.hasConnections }.get()) == true { return true }
        }
        return false
    }
}

/// The state of a loop, which is touched on that loop only.
private struct LoopState: Sendable {
    let eventLoop: any EventLoop
    let box: NIOLoopBoundBox<BalancerLoop>

    var value: BalancerLoop { box.value }
}

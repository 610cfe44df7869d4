import NIOCore
import NIOPosix

/// One end of a TCP connection, of which a test sends and sees every byte.
final class Wire: Sendable {
    struct Inbox: Sendable, CustomStringConvertible {
        /// What has come and has not been taken.
        var bytes = ByteBuffer()
        var isClosed = false
        /// Whether the other side sends no more, but may still take something.
        var hasEnded = false
        /// Why it is, if not because the other side ended it in order.
        var failure: String?

        var description: String {
            "\(String(buffer: bytes).prefix(400).debugDescription)\(isClosed ? ", closed" : "")"
        }
    }

    let channel: any Channel
    private let inbox: Watched<Inbox>

    /// - Parameter channel: one with a ``Collector`` of `inbox` in its pipeline.
    init(_ channel: any Channel, _ inbox: Watched<Inbox>) {
        self.channel = channel
        self.inbox = inbox
    }

    /// Connects to a port of this machine.
    ///
    /// - Parameter isReading: whether bytes are taken from the socket as they come.
    static func connect(port: Int, isReading: Bool = true) async throws -> Wire {
        let inbox = Watched(Inbox())
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.autoRead, value: isReading)
            .channelInitializer { channel in channel.pipeline.addHandler(Collector(inbox)) }
        return Wire(try await bootstrap.connect(host: "127.0.0.1", port: port).get(), inbox)
    }

    var localPort: Int? { channel.localAddress?.port }

    // MARK: Sending

    func send(_ text: String) async throws { try await send(ByteBuffer(string: text)) }

    func send(_ bytes: ByteBuffer) async throws { try await channel.writeAndFlush(bytes).get() }

    /// Sends without waiting for the other side to take it.
    func post(_ bytes: ByteBuffer) { channel.writeAndFlush(bytes, promise: nil) }

    /// Ends this side; what the other says is still received.
    func endSending() async throws { try await channel.close(mode: .output).get() }

    func close() async { try? await channel.close().get() }

    /// Ends the connection as a process does that dies: with a reset, even of what is on its way.
    func reset() async throws {
        let options = channel as? any SocketOptionProvider
        try await options?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        await close()
    }

    // MARK: Receiving

    /// Goes on when the other side has ended its own, until ``close()``.
    func staysHalfClosed() async throws { try await channel.setOption(.allowRemoteHalfClosure, value: true).get() }

    /// Waits until the other side has ended its own, after ``staysHalfClosed()``.
    func untilEnded() async throws {
        try await inbox.wait(for: "the end of what is sent") { $0.hasEnded ? () : nil }
    }

    func startReading() async throws { try await channel.setOption(.autoRead, value: true).get() }

    func stopReading() async throws { try await channel.setOption(.autoRead, value: false).get() }

    /// What has come and has not been taken.
    var unread: String { String(buffer: inbox.value.bytes) }

    /// Takes what comes up to and with `marker`.
    func read(through marker: String) async throws -> String {
        let end = Array(marker.utf8)
        return try await inbox.wait(for: marker.debugDescription) { inbox in
            guard let found = inbox.bytes.readableBytesView.firstRange(of: end) else { return nil }
            let length = found.upperBound - inbox.bytes.readerIndex
            return inbox.bytes.readString(length: length)
        }
    }

    func head() async throws -> String { try await read(through: "\r\n\r\n") }

    /// Takes so many bytes.
    func read(_ count: Int) async throws -> String { String(buffer: try await readBytes(count)) }

    func readBytes(_ count: Int) async throws -> ByteBuffer {
        try await inbox.wait(for: "\(count) bytes") { $0.bytes.readSlice(length: count) }
    }

    /// Takes exactly this, or fails.
    func expect(_ text: String) async throws {
        let read = try await inbox.wait(for: text.debugDescription) { inbox -> String? in
            let count = min(text.utf8.count, inbox.isClosed ? inbox.bytes.readableBytes : text.utf8.count)
            return inbox.bytes.readString(length: count)
        }
        if read != text { throw OutOfPatience(what: text.debugDescription, instead: read.debugDescription) }
    }

    /// Takes everything up to the end of the connection.
    func rest() async throws -> String {
        try await inbox.wait(for: "the end of the connection") { inbox in
            inbox.isClosed ? inbox.bytes.readString(length: inbox.bytes.readableBytes) : nil
        }
    }

    /// What went wrong with the connection, a reset for instance.
    var failure: String? { inbox.value.failure }

    var isClosed: Bool { inbox.value.isClosed }

    /// Puts what a channel receives into an inbox.
    final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        private let inbox: Watched<Inbox>

        init(_ inbox: Watched<Inbox>) { self.inbox = inbox }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            inbox.change { $0.bytes.writeBuffer(&bytes) }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case .inputClosed = event as? ChannelEvent { inbox.change { $0.hasEnded = true } }
        }

        func channelInactive(context: ChannelHandlerContext) { inbox.change { $0.isClosed = true } }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            inbox.change { $0.failure = "\(error)" }
            context.close(promise: nil)
        }
    }
}

import NIOCore

/// One connection to a replica. While a request is under way it belongs to that request's client; between
/// requests it waits in its backend's pool, where any byte or its end makes it useless.
final class UpstreamConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let backend: Backend
    private(set) var idleSince = NIODeadline.uptimeNanoseconds(0)
    /// Whether an answer has been read on it before: then its end may have crossed a new request.
    private(set) var wasUsed = false
    /// What has come and has not been taken.
    var buffer = ByteBuffer()
    private var context: ChannelHandlerContext?
    private var client: ClientConnection?
    private var isClosed = false

    init(_ backend: Backend) { self.backend = backend }

    var isUsable: Bool { !isClosed && buffer.readableBytes == 0 }
    private(set) var isWritable = false
    private let outbox = Outbox(isPlain: true)
    /// Whether the channel has been asked for more, and has not given any.
    private var isReading = false

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        isWritable = context.channel.isWritable
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        isWritable = false
    }

    /// Serves `client` until it is kept or closed.
    func serve(_ client: ClientConnection) { self.client = client }

    func beIdle(_ now: NIODeadline) {
        client = nil
        wasUsed = true
        idleSince = now
        // Its memory goes back to the channel, which reads the next answer into it.
        buffer = ByteBuffer()
        // Its end, and bytes that nobody asked for, are to be noticed.
        read()
    }

    /// Asks for more, unless it has been asked for and has not come.
    func read() {
        guard !isReading, let context else { return }
        isReading = true
        context.read()
    }

    /// Writes with the next flush.
    func write(_ bytes: ByteBuffer) { outbox.write(bytes, context) }

    func flush() { outbox.flush(context) }

    /// Says that nothing more will be written.
    func endOutput() {
        flush()
        context?.close(mode: .output, promise: nil)
    }

    func close() {
        client = nil
        guard !isClosed else { return }
        isClosed = true
        context?.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isReading = false
        var bytes = unwrapInboundIn(data)
        if buffer.readableBytes == 0 { buffer = bytes } else { buffer.writeBuffer(&bytes) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard let client else {
            // In the pool, or on its way out.
            if buffer.readableBytes > 0 { close() }
            return
        }
        client.upstreamRead()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        if isWritable { client?.upstreamIsWritable() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        isClosed = true
        backend.idle.removeAll { $0 === self }
        let client = client
        self.client = nil
        client?.upstreamClosed()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Its end follows, and is dealt with there.
        context.close(promise: nil)
    }
}

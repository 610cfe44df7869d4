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
    var isWritable: Bool { context?.channel.isWritable ?? false }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Serves `client` until it is kept or closed.
    func serve(_ client: ClientConnection) { self.client = client }

    func beIdle() {
        client = nil
        wasUsed = true
        idleSince = .now()
        // Its memory goes back to the channel, which reads the next answer into it.
        buffer = ByteBuffer()
        // Its end, and bytes that nobody asked for, are to be noticed.
        context?.read()
    }

    func read() { context?.read() }

    func write(_ bytes: ByteBuffer) { context?.write(wrapOutboundOut(bytes), promise: nil) }

    func flush() { context?.flush() }

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
        if context.channel.isWritable { client?.upstreamIsWritable() }
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

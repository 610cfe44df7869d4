import NIOCore
import NIOTLS

/// One client's connection: reads requests, one at a time and in order, sees each through, keeps the
/// connection for the next. Nothing is read that cannot be passed on, so a slow side slows the other
/// down instead of filling memory.
final class ClientConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum State {
        /// Between requests, or in the head of one.
        case awaitingHead(HeadParser)
        /// The request waits for a replica; nothing more is read meanwhile.
        case held
        /// A replica is being connected to.
        case connecting
        case exchanging
        /// Another protocol since an upgrade: bytes both ways.
        case tunnel(UpstreamConnection)
        /// Nothing more is read.
        case closing
    }

    let loop: BalancerLoop
    /// Whether TLS is spoken.
    let isSecure: Bool
    private(set) var isShakingHands: Bool
    var state: State
    var exchange: Exchange?
    /// What has come and has not been taken.
    var buffer = ByteBuffer()
    private(set) var context: ChannelHandlerContext?
    private let outbox: Outbox
    /// Whether the channel takes more just now. It says when that changes; to ask is work.
    private(set) var isWritable = false
    /// Whether the channel has been asked for more, and has not given any.
    private var isReading = false
    private(set) var allocator = ByteBufferAllocator()
    /// Whether it is too many, and there only to be told so.
    private(set) var isSurplus = false
    /// Whether it came when the end had begun, and is there only to be told so.
    private(set) var isLate = false
    /// Whether the client has sent all that it will.
    var hasEnded = false
    /// Looks whether a client that has ended is still there.
    var lookout: Scheduled<Void>?
    var lastActivity = NIODeadline.now()
    var watchdog: Scheduled<Void>?
    /// Since when the client has taken none of what there is for it, and how much it had taken by then.
    var stall: Stall?

    init(_ loop: BalancerLoop, isSecure: Bool = false) {
        self.loop = loop
        self.isSecure = isSecure
        isShakingHands = isSecure
        outbox = Outbox(isPlain: !isSecure)
        state = .awaitingHead(HeadParser(kind: .request, limit: loop.configuration.headLimit))
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        allocator = context.channel.allocator
        isWritable = context.channel.isWritable
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        isWritable = false
    }

    func channelActive(context: ChannelHandlerContext) {
        isLate = loop.isDraining
        isSurplus = !loop.add(self)
        // Words would cost a handshake, which is more than there is room for.
        if isSurplus, isSecure { return close() }
        scheduleWatchdog()
        read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isReading = false
        var bytes = unwrapInboundIn(data)
        // The time for a head runs from its first byte: one byte now and then does not make it longer.
        if !isInsideHead { lastActivity = .now() }
        if buffer.readableBytes == 0 { buffer = bytes } else { buffer.writeBuffer(&bytes) }
    }

    func channelReadComplete(context: ChannelHandlerContext) { process() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted = event as? TLSUserEvent {
            isShakingHands = false
            touch()
        }
        if case .inputClosed = event as? ChannelEvent { clientEnded() }
        context.fireUserInboundEventTriggered(event)
    }

    /// Whether it is between two requests.
    var isIdle: Bool {
        if case .awaitingHead = state { buffer.readableBytes == 0 && !isShakingHands && !isSurplus } else { false }
    }

    /// Whether a part of a head has come.
    private var isInsideHead: Bool {
        if case .awaitingHead = state { buffer.readableBytes > 0 } else { false }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        guard isWritable else { return }
        // What the replica is asked for counts from now, and not from before the client took what there was.
        touch()
        switch state {
        case .exchanging: exchange?.upstream?.read()
        case .tunnel(let upstream): upstream.read()
        case .awaitingHead: process()
        case .held, .connecting, .closing: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        watchdog?.cancel()
        lookout?.cancel()
        loop.remove(self)
        // Whoever asked has gone: the replica need not go on.
        if case .tunnel(let upstream) = state { upstream.close() }
        if case .held = state { loop.letGo(self) }
        state = .closing
        abandonExchange()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Its end follows, and is dealt with there.
        context.close(promise: nil)
    }

    func close() {
        guard let context else { return }
        context.close(promise: nil)
        // TLS ends once the other side has agreed to it, which is to be heard.
        if isSecure { read() }
    }

    /// Ends as soon as no request is under way.
    func drain() {
        switch state {
        case .awaitingHead where buffer.readableBytes == 0:
            // It may not have taken the last answer yet.
            state = .closing
            endAfterFlush()
        case .awaitingHead, .held, .connecting, .exchanging, .tunnel, .closing: break
        }
    }

    // MARK: Reading

    /// Asks for more, unless it has been asked for and has not come.
    func read() {
        guard !isReading, let context else { return }
        isReading = true
        context.read()
    }

    /// Takes what has come as far as the state allows.
    func process() {
        switch state {
        case .awaitingHead(var parser):
            // Whoever asks for more before it takes what it was answered waits, or answers would pile up here.
            guard isWritable else { break }
            let headStart = buffer.readerIndex
            let outcome = parser.parse(&buffer)
            state = .awaitingHead(parser)
            switch outcome {
            case .incomplete where hasEnded:
                state = .closing
                endAfterFlush()
            case .incomplete: read()
            case .complete(let head):
                begin(head)
                readAhead()
            case .malformed(let reason): refuse(.badRequest(reason), unread: headStart)
            case .tooLarge: refuse(.headTooLarge(limit: loop.configuration.headLimit), unread: headStart)
            }
        case .exchanging: passRequestBody()
        case .tunnel(let upstream):
            guard buffer.readableBytes > 0 else { break }
            upstream.write(buffer)
            upstream.flush()
            buffer.clear()
            if upstream.isWritable { read() }
        case .held, .connecting: break
        case .closing:
            // Thrown away, so that the socket is not closed over bytes that nobody read.
            buffer.clear()
            read()
        }
    }

    /// Takes what comes next while the answer is under way, one read of it at most: not to want it, and then to want it
    /// again, are two calls of the kernel for every request.
    private func readAhead() {
        guard exchange?.requestBody.isFinished == true, buffer.readableBytes == 0 else { return }
        switch state {
        case .held, .connecting, .exchanging: read()
        case .awaitingHead, .tunnel, .closing: break
        }
    }

    private func begin(_ head: MessageHead) {
        guard case .request(let method, _, _) = head.start else { return }
        if isLate { return refuse(.shuttingDown(loop), asked: head) }
        if isSurplus {
            guard loop.admit(self) else { return refuse(.tooManyConnections, asked: head) }
            isSurplus = false
        }
        if method == .connect {
            return refuse(.notImplemented("CONNECT asks for a tunnel, and this is no forward proxy"), asked: head)
        }
        if head.expectation == .unknown { return refuse(.expectationFailed, asked: head) }
        loop.arrived()
        exchange = Exchange(head, method, headLimit: loop.configuration.headLimit)
        dispatch()
    }

    func passRequestBody() {
        guard let exchange, let upstream = exchange.upstream, !exchange.requestBody.isFinished else { return }
        do throws(MalformedHead) {
            let body = try exchange.requestBody.read(&buffer)
            if let body { exchange.sent(body, limit: loop.configuration.replayLimit) }
            // The write may fail at once, and the exchange be gone when it returns.
            if let body {
                upstream.write(body)
                upstream.flush()
            }
        } catch {
            // Part of it has been sent: the replica must not take what it has for the whole.
            upstream.close()
            return refuse(.badRequest(error.reason))
        }
        guard !exchange.requestBody.isFinished, self.exchange?.upstream === upstream else { return }
        if hasEnded { return refuse(.badRequest("a body that ends before it is whole")) }
        if upstream.isWritable { read() }
    }

    // MARK: Writing

    /// Writes with the next flush.
    func write(_ bytes: ByteBuffer) { outbox.write(bytes, context) }

    func flush() { outbox.flush(context) }

    /// Flushes, and tells when all has been taken.
    private func flushed(_ last: ByteBuffer = ByteBuffer()) -> EventLoopFuture<Void>.Isolated? {
        outbox.flushed(last, context)
    }

    /// Ends the connection once all that was written has been taken.
    func endAfterFlush() { flushed()?.whenComplete { _ in self.close() } }

    /// Where the client is. Written once, for it is told to the replica with every request.
    private(set) lazy var address = context?.channel.remoteAddress?.ipAddress ?? "unknown"

    func touch() { lastActivity = .now() }

    /// Answers with words of our own and ends the connection, unless an answer has been begun: then there
    /// is nothing to do but to cut it off, so that nobody takes it for whole.
    ///
    /// - Parameters:
    ///   - asked: the request, where there is no exchange of it.
    ///   - unread: where in the buffer the head begins that cannot be read, where there is no request.
    func refuse(_ answer: OwnAnswer, asked: MessageHead? = nil, unread: Int? = nil) {
        let request = exchange?.request ?? asked
        let hasBegun = exchange?.hasAnswer ?? false
        let wantsJSON = request.map(WantedForm.isJSON) ?? unread.map(wantsJSON) ?? false
        let isHead = if case .request(.head, _, _) = request?.start { true } else { false }
        abandonExchange()
        state = .closing
        guard !hasBegun, let context else { return close() }
        let bytes = answer.bytes(isJSON: wantsJSON, hasBody: !isHead, allocator)
        flushed(bytes)?.whenComplete { _ in Self.lingerAndClose(context) }
    }

    private func wantsJSON(unread begin: Int) -> Bool {
        var head = buffer
        head.moveReaderIndex(to: begin)
        return WantedForm.isJSON(unread: head, limit: loop.configuration.headLimit)
    }

    /// Ends the connection like ``refuse(_:asked:unread:)``, after what has been written.
    func lingerAfterFlush() {
        guard let context else { return }
        flushed()?.whenComplete { _ in Self.lingerAndClose(context) }
    }

    /// Closes only after the client has had the time to read: bytes that were not read when a socket is
    /// closed make TCP throw the answer away.
    private static func lingerAndClose(_ context: ChannelHandlerContext) {
        context.close(mode: .output, promise: nil)
        context.read()
        context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(500)) { context.close(promise: nil) }
    }
}

import NIOCore

/// Stands before TLS: a client that speaks HTTP where HTTPS is spoken is told so in its own language, instead of being
/// cut off without a word.
final class PlainTextGuard: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State { case awaitingFirstByte, tls, refused }

    private var state = State.awaitingFirstByte

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .tls: return context.fireChannelRead(data)
        case .refused: return
        case .awaitingFirstByte: break
        }
        let bytes = unwrapInboundIn(data)
        guard let first = bytes.readableBytesView.first else { return }
        // The type of a handshake record (RFC 8446, 5.1), which begins no HTTP request.
        if first == 0x16 {
            state = .tls
            return context.fireChannelRead(data)
        }
        state = .refused
        // A method begins with a letter. Anything else would not understand the answer either.
        guard (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first & 0xDF) else {
            return context.close(promise: nil)
        }
        let isJSON = WantedForm.isJSON(unread: bytes, limit: bytes.readableBytes)
        let answer = OwnAnswer.plainHTTP.bytes(isJSON: isJSON, hasBody: true, context.channel.allocator)
        context.writeAndFlush(wrapOutboundOut(answer)).assumeIsolated().whenComplete { _ in
            context.close(mode: .output, promise: nil)
            // As after other answers: unread bytes would make TCP throw this one away.
            context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(500)) { context.close(promise: nil) }
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // What is behind this handler is not told of what it has not seen, and so asks for no more.
        if state == .refused { context.read() } else { context.fireChannelReadComplete() }
    }
}

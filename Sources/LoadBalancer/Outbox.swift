import NIOCore

/// What one side of a connection has been given to write. What is small goes together with what is before it: a head and a
/// short body are one call of the kernel, and one thing for the channel to keep account of.
///
/// It is no value: while it flushes, the channel may say that it takes more, and more is written.
final class Outbox {
    /// What the channel has not been given, in two pieces: what is large is not copied behind what is before it. There is
    /// nothing before nothing.
    private var before = ByteBuffer()
    private var bytes = ByteBuffer()
    /// Whether the channel has been given something since the last flush.
    private var isUnflushed = false
    /// How many writes the channel has been given and has not done. What is sent past it would overtake them.
    private var pending = 0
    /// How to go past the channel.
    private enum Way {
        /// Not known yet. It is looked for when there is something to send for the second time: who asks once and goes is
        /// done with by then.
        case unknown(isFirst: Bool)
        case socket(DirectSocket)
        case none
    }
    private var way: Way

    private static let smallBytes = 2_048

    /// - Parameter isPlain: whether what is written is what goes over the wire.
    init(isPlain: Bool) { way = isPlain ? .unknown(isFirst: true) : .none }

    /// Writes with the next flush.
    func write(_ more: ByteBuffer, _ context: ChannelHandlerContext?) {
        if bytes.readableBytes == 0 {
            bytes = more
        } else if more.readableBytes <= Self.smallBytes {
            bytes.writeImmutableBuffer(more)
        } else {
            // Of the channel nothing but that it takes no more can be heard meanwhile, upon which nobody writes.
            give(take(&before), context)
            before = bytes
            bytes = more
        }
    }

    /// Does nothing when nothing was written since the last one.
    func flush(_ context: ChannelHandlerContext?) {
        if bytes.readableBytes > 0, pending == 0, let context, let socket = socket(context) {
            let sent = socket.send(before, bytes)
            let ofBefore = min(sent, before.readableBytes)
            before.moveReaderIndex(forwardBy: ofBefore)
            bytes.moveReaderIndex(forwardBy: sent - ofBefore)
        }
        give(take(&before), context)
        give(take(&bytes), context)
        guard isUnflushed else { return }
        isUnflushed = false
        context?.flush()
    }

    /// Flushes, and tells when all has been taken.
    ///
    /// - Parameter last: what is to be written last.
    func flushed(_ last: ByteBuffer, _ context: ChannelHandlerContext?) -> EventLoopFuture<Void>.Isolated? {
        write(last, context)
        give(take(&before), context)
        let isTaken = write(take(&bytes), to: context)
        isUnflushed = false
        context?.flush()
        return isTaken
    }

    /// Gives it to the channel, if there is anything of it.
    private func give(_ piece: ByteBuffer, _ context: ChannelHandlerContext?) {
        guard piece.readableBytes > 0 else { return }
        isUnflushed = true
        _ = write(piece, to: context)
    }

    private func write(
        _ bytes: ByteBuffer, to context: ChannelHandlerContext?
    ) -> EventLoopFuture<Void>.Isolated? {
        guard let context else { return nil }
        pending += 1
        let isTaken = context.write(NIOAny(bytes)).assumeIsolated()
        isTaken.whenComplete { _ in self.pending -= 1 }
        return isTaken
    }

    /// By itself, and before anything else is called: what is called may write more.
    private func take(_ piece: inout ByteBuffer) -> ByteBuffer {
        defer { piece = ByteBuffer() }
        return piece
    }

    private func socket(_ context: ChannelHandlerContext) -> DirectSocket? {
        switch way {
        case .unknown(isFirst: true): way = .unknown(isFirst: false)
        case .unknown(isFirst: false): way = DirectSocket(context.channel).map(Way.socket) ?? .none
        case .socket, .none: break
        }
        if case .socket(let socket) = way { return socket }
        return nil
    }
}

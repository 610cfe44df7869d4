import NIOCore

/// What one side of a connection has been given to write. What is small goes together with what is before it: a head and a
/// short body are one call of the kernel, and one thing for the channel to keep account of.
///
/// It is no value: while it passes something on, the channel may say that it takes more, and more is written.
final class Outbox {
    /// What the channel has not been given.
    private var bytes = ByteBuffer()
    /// Whether the channel has been given something since the last flush.
    private var isUnflushed = false
    /// How many writes the channel has been given and has not done. What is sent past it would overtake them.
    private var pending = 0
    /// Looked for when the connection is written to for the second time: who asks once and goes is done with by then.
    private var socket: DirectSocket?
    private var flushes = 0

    private static let smallBytes = 2_048
    private static let flushThatFindsSocket = 2

    /// - Parameter isPlain: whether what is written is what goes over the wire.
    init(isPlain: Bool) { flushes = isPlain ? 0 : Self.flushThatFindsSocket }

    /// Writes with the next flush.
    func write(_ more: ByteBuffer, _ context: ChannelHandlerContext?) {
        if bytes.readableBytes == 0 {
            bytes = more
        } else if more.readableBytes <= Self.smallBytes {
            bytes.writeImmutableBuffer(more)
        } else {
            pass(context)
            bytes = more
        }
    }

    /// Does nothing when nothing was written since the last one.
    func flush(_ context: ChannelHandlerContext?) {
        if bytes.readableBytes > 0 {
            var last = take()
            if pending == 0, let context, let socket = socket(context) {
                last.moveReaderIndex(forwardBy: socket.send(last))
                if last.readableBytes == 0 { return }
            }
            isUnflushed = false
            give(last, context)
            context?.flush()
        } else if isUnflushed {
            isUnflushed = false
            context?.flush()
        }
    }

    /// Flushes, and tells when all has been taken.
    ///
    /// - Parameter last: what is to be written last.
    func flushed(_ last: ByteBuffer, _ context: ChannelHandlerContext?) -> EventLoopFuture<Void>.Isolated? {
        pass(context)
        isUnflushed = false
        let isTaken = give(last, context)
        context?.flush()
        return isTaken
    }

    private func pass(_ context: ChannelHandlerContext?) {
        guard bytes.readableBytes > 0 else { return }
        isUnflushed = true
        give(take(), context)
    }

    @discardableResult
    private func give(_ bytes: ByteBuffer, _ context: ChannelHandlerContext?) -> EventLoopFuture<Void>.Isolated? {
        guard let context else { return nil }
        pending += 1
        let isTaken = context.write(NIOAny(bytes)).assumeIsolated()
        isTaken.whenComplete { _ in self.pending -= 1 }
        return isTaken
    }

    private func socket(_ context: ChannelHandlerContext) -> DirectSocket? {
        if flushes < Self.flushThatFindsSocket {
            flushes += 1
            if flushes == Self.flushThatFindsSocket { socket = DirectSocket(context.channel) }
        }
        return socket
    }

    private func take() -> ByteBuffer {
        defer { bytes = ByteBuffer() }
        return bytes
    }
}

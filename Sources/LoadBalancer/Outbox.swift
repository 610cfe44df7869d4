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

    private static let smallBytes = 2_048

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
            let last = take()
            isUnflushed = false
            context?.writeAndFlush(NIOAny(last), promise: nil)
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
        return context?.writeAndFlush(NIOAny(last)).assumeIsolated()
    }

    private func pass(_ context: ChannelHandlerContext?) {
        guard bytes.readableBytes > 0 else { return }
        isUnflushed = true
        let taken = take()
        context?.write(NIOAny(taken), promise: nil)
    }

    private func take() -> ByteBuffer {
        defer { bytes = ByteBuffer() }
        return bytes
    }
}

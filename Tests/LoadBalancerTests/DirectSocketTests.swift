import NIOCore
import NIOPosix
import Testing

@testable import LoadBalancer

/// What is sent past NIO: it is the same socket, and the order is that in which it was written.
@Suite struct DirectSocketTests {
    /// Runs `body` on the loop of one end of a connection, whose other end is the wire.
    private func withChannel<Value: Sendable>(
        isReading: Bool = true, _ body: @escaping @Sendable (any Channel) throws -> Value,
        then: (Wire, Value) async throws -> Void
    ) async throws {
        let accepted = Watched<(any Channel)?>(nil)
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in
                accepted.change { $0 = channel }
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let wire = try await Wire.connect(port: try #require(server.localAddress?.port), isReading: isReading)
        let channel = try await accepted.wait(for: "a connection") { $0 }
        do {
            try await then(wire, try await channel.eventLoop.submit { try body(channel) }.get())
        } catch {
            try? await channel.close().get()
            throw error
        }
        try? await channel.close().get()
        await wire.close()
        try await server.close().get()
    }

    /// Where NIO changes how it describes a channel, nothing breaks but the speed; this is how it is noticed.
    @Test func theSocketOfAChannelIsFound() async throws {
        try await withChannel({ DirectSocket($0)?.send(ByteBuffer(string: "hel"), ByteBuffer(string: "lo")) }) {
            wire, sent in
            #expect(sent == 5)
            try await wire.expect("hello")
        }
    }

    @Test func nothingIsSentToTheDescriptorOfAChannelThatIsClosed() async throws {
        try await withChannel({ channel in
            let socket = try #require(DirectSocket(channel))
            channel.close(promise: nil)
            return socket.send(ByteBuffer(), ByteBuffer(string: "hello"))
        }) { wire, sent in
            #expect(sent == 0)
            let received = try await wire.rest()
            #expect(received == "")
        }
    }

    /// Far more than the kernel takes: it begins past the channel, goes on through it, and past it again.
    @Test func theOrderIsThatInWhichItWasWritten() async throws {
        let count = 400
        try await withChannel(
            isReading: false,
            { channel in
                let outbox = Outbox(isPlain: true)
                try channel.pipeline.syncOperations.addHandler(Idle(), name: "idle")
                let context = try channel.pipeline.syncOperations.context(name: "idle")
                for number in 0..<count {
                    outbox.write(ByteBuffer(string: Self.part(number)), context)
                    if number % 4 != 1 { outbox.flush(context) }
                }
                return try channel.syncOptions?.getOption(.bufferedWritableBytes) ?? 0
            }
        ) { wire, buffered in
            // Or the kernel took it all, and nothing was shown.
            #expect(buffered > 0)
            try await wire.startReading()
            let whole = (0..<count).map(Self.part).joined()
            let isInOrder = try await wire.read(whole.utf8.count) == whole
            #expect(isInOrder)
        }
    }

    private static func part(_ number: Int) -> String {
        "\(number) " + String(repeating: "x", count: number % 3 * 20_000) + "\n"
    }

    private final class Idle: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
    }
}

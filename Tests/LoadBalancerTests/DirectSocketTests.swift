import Dispatch
import Glibc
import NIOCore
import NIOPosix
import Testing

@testable import LoadBalancer

/// What is sent past NIO: it is the same socket, and the order is that in which it was written.
@Suite struct DirectSocketTests {
    /// Runs `body` on the loop of one end of a connection, whose other end is the wire.
    private func withChannel<Value: Sendable>(
        _ body: @escaping @Sendable (any Channel) throws -> Value, then: (Wire, Value) async throws -> Void
    ) async throws {
        try await withChannel(connect: { try await Wire.connect(port: $0) }, body, then: then)
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

    /// Far more than the kernel takes: it begins past the channel and goes on through it. Then the client makes room before
    /// the channel hears of it, and what is written now must not overtake what the channel has.
    @Test func theOrderIsThatInWhichItWasWritten() async throws {
        let client = try TakingClient()
        try await withChannel(connect: { try client.connect(port: UInt16($0)) }) { channel in
            try channel.pipeline.syncOperations.addHandler(Idle(), name: "idle")
            let context = try channel.pipeline.syncOperations.context(name: "idle")
            let outbox = Outbox(isPlain: true)
            var count = 0
            func write() {
                outbox.write(ByteBuffer(string: Self.part(count)), context)
                if count % 4 != 1 { outbox.flush(context) }
                count += 1
            }
            while try channel.syncOptions?.getOption(.bufferedWritableBytes) == 0 { write() }
            let taken = client.takeWhatIsThere()
            for _ in 0..<9 { write() }
            outbox.flush(context)
            return (taken, count)
        } then: { (_: Void, result) in
            let (taken, count) = result
            let whole = Array((0..<count).map(Self.part).joined().utf8)
            #expect(!taken.isEmpty && taken.count < whole.count)
            let isInOrder = await taken + client.take(whole.count - taken.count) == whole
            #expect(isInOrder)
        }
    }

    private func withChannel<Client, Value: Sendable>(
        connect: (Int) async throws -> Client, _ body: @escaping @Sendable (any Channel) throws -> Value,
        then: (Client, Value) async throws -> Void
    ) async throws {
        let accepted = Watched<(any Channel)?>(nil)
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in
                channel.pipeline.addHandler(Arrival(accepted))
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let client = try await connect(try #require(server.localAddress?.port))
        let channel = try await accepted.wait(for: "a connection") { $0 }
        do {
            try await then(client, try await channel.eventLoop.submit { try body(channel) }.get())
        } catch {
            try? await channel.close().get()
            throw error
        }
        try? await channel.close().get()
        try await server.close().get()
    }

    /// A client that takes what has come when it is told to, on the thread that tells it.
    private final class TakingClient: Sendable {
        private let descriptor: CInt

        init() throws {
            descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
            try #require(descriptor >= 0)
        }

        deinit { close(descriptor) }

        func connect(port: UInt16) throws {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            let result = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            try #require(result == 0)
        }

        func takeWhatIsThere() -> [UInt8] {
            var taken: [UInt8] = []
            var part = [UInt8](repeating: 0, count: 65_536)
            while case let count = recv(descriptor, &part, part.count, CInt(MSG_DONTWAIT)), count > 0 {
                taken += part.prefix(count)
            }
            return taken
        }

        /// So many bytes, or fewer if no more come.
        func take(_ count: Int) async -> [UInt8] {
            await withCheckedContinuation { continuation in
                DispatchQueue.global().async {
                    var taken: [UInt8] = []
                    while taken.count < count {
                        var coming = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
                        guard poll(&coming, 1, 60_000) == 1 else { break }
                        let part = self.takeWhatIsThere()
                        if part.isEmpty { break }
                        taken += part
                    }
                    continuation.resume(returning: taken)
                }
            }
        }
    }

    private static func part(_ number: Int) -> String {
        "\(number) " + String(repeating: "x", count: number % 3 * 20_000) + "\n"
    }

    /// Before it is active nothing can be sent on a channel.
    private final class Arrival: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        private let arrived: Watched<(any Channel)?>

        init(_ arrived: Watched<(any Channel)?>) { self.arrived = arrived }

        func channelActive(context: ChannelHandlerContext) {
            let channel = context.channel
            arrived.change { $0 = channel }
        }
    }

    private final class Idle: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
    }
}

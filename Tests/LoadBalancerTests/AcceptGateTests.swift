import Glibc
import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import LoadBalancer

/// When clients are accepted, and how what open files there are is divided.
@Suite struct AcceptGateTests {
    /// Counts how often the listening socket is asked for clients.
    private final class Reads: ChannelOutboundHandler {
        typealias OutboundIn = any Channel
        var count = 0

        func read(context: ChannelHandlerContext) { count += 1 }
    }

    private func gate(_ surplus: SurplusClients) throws -> (EmbeddedChannel, Reads) {
        let reads = Reads()
        let logger = Logger(label: "gate") { _ in SwiftLogNoOpLogHandler() }
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandlers([reads, AcceptGate(surplus, logger: logger)])
        return (channel, reads)
    }

    /// Whatever the loop asks meanwhile: the socket is readable all the time, so it would ask without end.
    @Test(arguments: [EMFILE, ENFILE, ENOMEM]) func itWaitsWhenThereIsNoDescriptor(error: CInt) throws {
        let (channel, reads) = try gate(SurplusClients())
        channel.pipeline.fireErrorCaught(IOError(errnoCode: error, reason: "accept"))
        for _ in 0..<5 { channel.read() }
        #expect(reads.count == 0)
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(99))
        #expect(reads.count == 0)
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        #expect(reads.count == 1)
        channel.read()
        #expect(reads.count == 2)
        _ = try channel.finish()
    }

    @Test func aClientThatWentBeforeIsNoReasonToWait() throws {
        let (channel, reads) = try gate(SurplusClients())
        channel.pipeline.fireErrorCaught(IOError(errnoCode: ECONNABORTED, reason: "accept"))
        channel.read()
        #expect(reads.count == 1)
        _ = try channel.finish()
    }

    @Test func nobodyIsAcceptedWhileTooManyAreBeingTold() throws {
        let surplus = SurplusClients()
        let (channel, reads) = try gate(surplus)
        for _ in 0..<DescriptorBudget.surplusCount { surplus.enter() }
        channel.read()
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(reads.count == 0)
        surplus.leave()
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(10))
        #expect(reads.count == 1)
        _ = try channel.finish()
    }

    // MARK: Open files

    @Test(arguments: [
        // The kernel's limit, the settings', event loops; clients that lie idle, and clients each with a request.
        (1024, 20_000, 1, 784, 448), (20_000, 20_000, 1, 17_388, 9_936), (65_536, 20_000, 1, 20_000, 20_000),
        (1024, 100, 1, 100, 100), (1024, 20_000, 2, 392, 224), (8, 20_000, 1, 3, 2),
    ])
    func whatOpenFilesAreFor(openFiles: Int, limit: Int, loops: Int, idle: Int, busy: Int) {
        let budget = DescriptorBudget(openFiles: openFiles, clients: limit, loops: loops)
        let idleClients = (0...).first { !budget.hasRoomForClient(clients: $0, upstreams: 0) }
        #expect(idleClients == idle)
        let busyClients = (0...).first {
            !budget.hasRoomForClient(clients: $0, upstreams: $0)
                || !budget.hasRoomForUpstream(clients: $0 + 1, upstreams: $0)
        }
        #expect(busyClients == busy)
        // All are served whom it takes in while they are busy, and it stays below the kernel's limit.
        #expect((idle + budget.keptForReplicas) * loops <= max(openFiles - 128, openFiles / 2) || idle == limit)
    }
}

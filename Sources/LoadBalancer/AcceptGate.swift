import Glibc
import Logging
import NIOCore
import Synchronization

/// Stands before the listening socket. Clients that are too many are told so, a few at a time; while those few are on their
/// way out nobody is accepted, and who comes waits in the kernel's line, as with haproxy. So no number of clients
/// makes the process run out of open files. Should it happen all the same (another process may have taken the last of the
/// machine), it waits before it tries again: the line is still there, and asking it at once would never end.
final class AcceptGate: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias OutboundIn = any Channel

    private static let pause = TimeAmount.milliseconds(100)
    private static let look = TimeAmount.milliseconds(10)

    private let surplus: SurplusClients
    private let logger: Logger
    private var wait: Scheduled<Void>?
    private var toldAt: NIODeadline?

    init(_ surplus: SurplusClients, logger: Logger) {
        self.surplus = surplus
        self.logger = logger
    }

    func read(context: ChannelHandlerContext) {
        guard wait == nil else { return }
        if surplus.isFull { readAgain(context, in: Self.look) } else { context.read() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError else { return context.fireErrorCaught(error) }
        // Clients that have gone before they were accepted are no reason to wait.
        if error.errnoCode == ECONNABORTED { return }
        let now = NIODeadline.now()
        if toldAt.map({ now - $0 > .seconds(60) }) ?? true {
            toldAt = now
            logger.error("no client can be accepted for now: \(String(cString: strerror(error.errnoCode)))")
        }
        readAgain(context, in: Self.pause)
    }

    private func readAgain(_ context: ChannelHandlerContext, in pause: TimeAmount) {
        wait?.cancel()
        wait = context.eventLoop.assumeIsolated().scheduleTask(in: pause) { [weak self] in
            guard let self else { return }
            self.wait = nil
            self.read(context: context)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { wait?.cancel() }
}

/// Clients that are too many and are there only to be told so: of all event loops together.
final class SurplusClients: Sendable {
    private let count = Atomic(0)

    var isFull: Bool { count.load(ordering: .relaxed) >= DescriptorBudget.surplusCount }

    func enter() { count.add(1, ordering: .relaxed) }
    func leave() { count.subtract(1, ordering: .relaxed) }
}

import Dispatch
import NIOCore
import NIOEmbedded
import Synchronization

/// An event loop whose time stands still until it is told to go on, and that counts what is to be done later.
final class CountingEventLoop: EventLoop {
    private let loop = EmbeddedEventLoop()
    private let count = Atomic(0)

    /// How many tasks have been scheduled so far.
    var scheduled: Int { count.load(ordering: .relaxed) }

    func advanceTime(by span: TimeAmount) { loop.advanceTime(by: span) }

    var inEventLoop: Bool { loop.inEventLoop }

    func execute(_ task: @escaping @Sendable () -> Void) { loop.execute(task) }

    func scheduleTask<Value>(
        deadline: NIODeadline, _ task: @escaping @Sendable () throws -> Value
    ) -> Scheduled<Value> {
        count.add(1, ordering: .relaxed)
        return loop.scheduleTask(deadline: deadline, task)
    }

    func scheduleTask<Value>(in span: TimeAmount, _ task: @escaping @Sendable () throws -> Value) -> Scheduled<Value> {
        count.add(1, ordering: .relaxed)
        return loop.scheduleTask(in: span, task)
    }

    func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        loop.shutdownGracefully(queue: queue, callback)
    }
}

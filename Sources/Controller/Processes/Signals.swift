import CLinux
import Dispatch
import Foundation

/// Signals this process is sent.
public enum Signals {
    /// Ticks whenever the signal `number` comes, from this call on, instead of what it does by default. None is lost
    /// in between, as one would be that comes while a dispatch source for signals is being set up: to end, a load
    /// balancer is told once.
    static func ticks(of number: CInt) throws(SystemError) -> AsyncStream<Void> {
        let raw = clinux_catch_signal(number)
        guard raw >= 0 else { throw SystemError("catch signal \(number)") }
        return Readiness.of(Descriptor(owning: raw))
    }

    /// Whether this process was started so that the signal does nothing.
    public static func isIgnored(_ number: CInt) -> Bool { clinux_is_ignored(number) }

    /// From now on the signal `number` runs `body`; should the system not let us, what it does by default.
    public static func handle(_ number: CInt, _ body: @escaping @Sendable () -> Void) {
        let raw = clinux_catch_signal(number)
        guard raw >= 0 else { return }
        // Not on a task: whatever the tasks of a command wait for, it can be interrupted.
        let source = DispatchSource.makeReadSource(fileDescriptor: raw, queue: .global())
        source.setEventHandler {
            withExtendedLifetime(source) {}  // nobody else keeps it
            var count: UInt64 = 0
            _ = read(raw, &count, 8)
            body()
        }
        source.activate()
    }
}

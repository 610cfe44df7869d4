import Dispatch
import Foundation

/// Signals this process is sent.
public enum Signals {
    /// From now on the signal `number` runs `body` on a thread of its own, instead of what it does by default.
    public static func handle(_ number: CInt, _ body: @escaping @Sendable () -> Void) {
        signal(number, SIG_IGN)  // the source below hears it; the default would end the process before
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler {
            withExtendedLifetime(source) {}  // nobody else keeps it
            body()
        }
        source.activate()
    }
}

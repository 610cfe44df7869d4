import CLinux
import Dispatch
import Foundation

/// Ticks whenever a descriptor becomes readable, without a thread that waits: this is how the
/// controller sleeps until a timer, a process or the log has something to say.
enum Readiness {
    /// Where descriptors are closed. The kernel takes some ten milliseconds to close one of inotify, and a thread that
    /// waits for it is one of those that everything else runs on: as many as there are processors.
    private static let closing = DispatchQueue(label: "dwell.closing")

    /// Ticks for as long as the stream is read; the descriptor is closed afterwards. Ticks that nobody
    /// was waiting for coalesce into one.
    ///
    /// - Parameter once: for a descriptor that stays readable for ever, like a pidfd: tick and end.
    static func of(_ descriptor: consuming Descriptor, once: Bool = false) -> AsyncStream<Void> {
        let raw = descriptor.release()
        return AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let source = DispatchSource.makeReadSource(fileDescriptor: raw, queue: .global())
            source.setEventHandler {
                continuation.yield()
                if once {
                    continuation.finish()
                } else {
                    drain(raw)
                }
            }
            source.setCancelHandler { closing.async { close(raw) } }
            let cancellation = Cancellation(source: source)
            continuation.onTermination = { _ in cancellation.cancel() }
            source.resume()
        }
    }

    /// Ticks when the file is written to, or something is made in or moved into the folder.
    static func ofChanges(at path: String) throws(SystemError) -> AsyncStream<Void> {
        let raw = clinux_watch(path)
        guard raw >= 0 else { throw SystemError("inotify \(path)") }
        return of(Descriptor(owning: raw))
    }

    private static func drain(_ raw: CInt) {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
            while read(raw, buffer.baseAddress, buffer.count) == buffer.count {}
        }
    }

    /// Proof of `@unchecked Sendable`: a dispatch source is a reference-counted object whose `cancel`
    /// may be called from any thread (dispatch_source_cancel(3)), and nothing else is done with it here.
    struct Cancellation: @unchecked Sendable {
        let source: any DispatchSourceProtocol
        func cancel() { source.cancel() }
    }
}

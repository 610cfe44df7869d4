import EventLog
import Foundation

/// A private home that is gone when the test that made it is. Every test has one of its own, so that
/// tests can run side by side.
public final class TemporaryHome: Sendable {
    public let home: Home

    public init() {
        home = Home(path: NSTemporaryDirectory() + "/dwell-test-" + UUID().uuidString.lowercased())
    }

    deinit { try? FileManager.default.removeItem(atPath: home.path) }
}

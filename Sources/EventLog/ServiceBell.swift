import Foundation
import Lifecycle

/// A file that is written to after every commit about one service, for its load balancer: with three hundred services it
/// would be woken by the ``CommitBell`` three hundred times as often, and each time in vain but one.
///
/// Whoever listens makes the file, in the folder that the service has while anything of it runs; nobody else does, so
/// where nobody listens nothing is written. A bell that is not heard loses nothing: listeners look at the log once in a
/// while as well.
public struct ServiceBell: Sendable {
    /// The file to watch.
    public let path: String

    public init(home: Home, controller: ControllerName, service: ServiceName) {
        path = "\(home.run)/\(controller)/\(service)/commits"
    }

    /// Makes the file, where it is not there yet.
    public func hang() throws(HomeFailure) { close(try HomeFile.open(path, O_WRONLY | O_CREAT)) }

    /// Never fails: see above. Mostly nobody listens, of which no error has to be made.
    func ring() {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return }
        _ = "\n".withCString { pwrite(descriptor, $0, 1, 0) }
        close(descriptor)
    }

    /// Rings for all that `receipts` are about: what is about a controller is about all its services.
    static func ring(home: Home, _ receipts: [Receipt]) {
        for receipt in receipts where !receipt.events.isEmpty {
            let state = receipt.state
            let services = receipt.events.map(\.event.service)
            let named = Set(services.compactMap(\.self))
            for service in services.contains(nil) ? named.union(state.services.keys) : named {
                ServiceBell(home: home, controller: state.name, service: service).ring()
            }
        }
    }

    /// Rings all that there are: another log has taken the place of the one that everybody reads.
    static func ringAll(home: Home) {
        func names(_ folder: String) -> [String] {
            (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        }
        for controller in names(home.run).compactMap(ControllerName.init(rawValue:)) {
            for service in names("\(home.run)/\(controller)").compactMap(ServiceName.init(rawValue:)) {
                ServiceBell(home: home, controller: controller, service: service).ring()
            }
        }
    }
}

import EventLog
import Lifecycle

/// What every process started for a service carries in its environment, so that it is found in `/proc`
/// even if whoever started it died before recording it (and in short as its ``ProcessMark``, which it
/// cannot drop). It says nothing but which replica of which log
/// it is, and the same replica always has the same cookie, which is what makes launching idempotent.
struct Cookie: Hashable, Sendable, CustomStringConvertible {
    static let variable = "DWELL_COOKIE"

    var logID: String
    var controller: ControllerName
    var service: ServiceName
    /// Nil for the service's load balancer.
    var replica: Int?
    /// Stream version of the event that added it.
    var generation: Int

    var description: String {
        "\(logID):\(controller):\(service):\(replica.map(String.init) ?? "load-balancer"):\(generation)"
    }

    /// What the cookies of everything a controller started begin with.
    static func prefix(logID: String, controller: ControllerName) -> String { "\(logID):\(controller):" }
}

extension Cookie {
    /// Reads a cookie back from an environment.
    init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 5, let controller = ControllerName(rawValue: parts[1]),
            let service = ServiceName(rawValue: parts[2]), let generation = Int(parts[4])
        else { return nil }
        let replica = Int(parts[3])
        guard replica != nil || parts[3] == Self.loadBalancer else { return nil }
        self.init(
            logID: parts[0], controller: controller, service: service, replica: replica, generation: generation)
    }

    private static let loadBalancer = "load-balancer"
}

import Foundation
import Lifecycle

/// Where a replica on this machine serves, and what it is told of it.
struct ReplicaPlace: Sendable {
    /// Where it is probed and sent requests.
    let endpoint: Endpoint
    /// The port it is to serve on as it sees it, its `$PORT`.
    let port: UInt16
    /// The address it has for itself; nil for one that shares 127.0.0.1.
    var address: OwnAddress?
    /// Why it has not the port that its file names, in words.
    var obstacle: String?

    /// The variable that says where it is reached.
    static let variable = "DWELL_REPLICA_ENDPOINT"

    /// A place for the replica with this mark; nil when no port is free.
    static func choose(for mark: ProcessMark, declared: UInt16?) -> (ReplicaPlace, PortReservation)? {
        if let declared, OwnAddress.obstacle == nil,
            let (own, reservation) = OwnAddress.choose(for: mark, port: declared)
        {
            return (ReplicaPlace(endpoint: own.endpoint, port: own.port, address: own), reservation)
        }
        guard let reservation = PortChooser.replicaPort(declared: declared) else { return nil }
        let port = reservation.port
        var place = ReplicaPlace(endpoint: Endpoint(host: "127.0.0.1", port: port), port: port)
        if let declared, port != declared {
            place.obstacle = "port \(declared) is taken on this machine, so this replica must serve on $PORT, \(port)"
        }
        return (place, reservation)
    }

    /// Where a replica serves that was launched before, by what its leader was told.
    static func endpoint(of leader: pid_t) -> Endpoint? {
        if let parts = ProcessTable.environment(of: leader, variable)?.split(separator: ":"), parts.count == 2,
            let port = UInt16(parts[1])
        {
            return Endpoint(host: String(parts[0]), port: port)
        }
        // Launched by a dwell that told it its port only.
        return ProcessTable.environment(of: leader, "PORT").flatMap(UInt16.init)
            .map { Endpoint(host: "127.0.0.1", port: $0) }
    }
}

/// A program, held open.
final class Program: Sendable {
    let descriptor: Descriptor

    init(_ path: String) throws(SystemError) {
        let raw = open(path, O_RDONLY | O_CLOEXEC)
        guard raw >= 0 else { throw SystemError("open \(path)") }
        descriptor = Descriptor(owning: raw)
    }
}

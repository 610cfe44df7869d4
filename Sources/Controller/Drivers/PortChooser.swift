import Foundation
import Lifecycle

/// Finds ports on this machine that can be bound.
public enum PortChooser {
    /// Ports for replicas that declare none: below the kernel's ephemeral range (from 32768), so that no
    /// outgoing connection takes one between choosing and binding.
    static let replicaPorts: Range<UInt16> = 20_000..<30_000

    /// The port for a replica: the declared one if it is free, else any free one; nil when none is.
    static func replicaPort(declared: UInt16?) -> PortReservation? {
        if let declared, let reservation = reserve(declared) { return reservation }
        // From a random place on, so that two programs that look at once rarely find the same.
        let offset = UInt16.random(in: 0..<UInt16(replicaPorts.count))
        for step in 0..<UInt16(replicaPorts.count) {
            let port = replicaPorts.lowerBound + (offset + step) % UInt16(replicaPorts.count)
            if let reservation = reserve(port) { return reservation }
        }
        return nil
    }

    /// The lowest of `ports` that a load balancer on `host` could listen on and that is not in `except`;
    /// nil when there is none.
    public static func loadBalancerPort(
        host: String, ports: ClosedRange<UInt16>, except: Set<UInt16>
    ) -> PortReservation? {
        for port in ports where !except.contains(port) {
            guard let reservation = PortReservation(port) else { continue }
            if canListen(at: Endpoint(host: host, port: port)) { return reservation }
        }
        return nil
    }

    /// Why no port at all can be tried now, as when too many files are open; nil when one can.
    public static var obstacle: String? {
        let raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { return "no socket can be opened: \(String(cString: strerror(errno)))" }
        close(raw)
        return nil
    }

    /// Whether a load balancer could listen there now.
    public static func canListen(at endpoint: Endpoint) -> Bool { (try? Listener(endpoint)) != nil }

    private static func reserve(_ port: UInt16) -> PortReservation? {
        guard let reservation = PortReservation(port), canBind(port) else { return nil }
        return reservation
    }

    /// A replica may bind any address, so the port must be free on all of them.
    private static func canBind(_ port: UInt16) -> Bool {
        Spawn.exclusion.withLock { _ in (try? Listener(Endpoint(host: "0.0.0.0", port: port))) != nil }
    }
}

/// A claim on a port while the program that is to bind it starts: every dwell on this machine sees it,
/// whatever its home, so that two that look at the same moment do not take the same port. It is a bound
/// Unix socket with an abstract name, which the kernel removes with its process.
public final class PortReservation: Sendable {
    public let port: UInt16
    private let descriptor: Descriptor

    /// Claims the port, on all addresses or on one that is nobody else's; nil when another claims it.
    init?(_ port: UInt16, at host: String? = nil) {
        let raw = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { return nil }
        descriptor = Descriptor(owning: raw)
        self.port = port
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // The first byte stays zero: an abstract name.
        let name = Array("dwell-port-\(host.map { $0 + ":" } ?? "")\(port)".utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { path in
            for (offset, byte) in name.enumerated() { path[1 + offset] = byte }
        }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + 1 + name.count)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(raw, $0, length) }
        }
        guard bound == 0 else { return nil }
    }
}

/// A bound and listening TCP socket.
struct Listener: ~Copyable {
    let descriptor: Descriptor

    init(_ endpoint: Endpoint) throws(SystemError) {
        descriptor = try Self.open(endpoint)
    }

    private static func open(_ endpoint: Endpoint) throws(SystemError) -> Descriptor {
        let raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { throw SystemError("socket") }
        let descriptor = Descriptor(owning: raw)
        var yes: CInt = 1
        // Connections that are closing down must not keep a service from its port; a listener does.
        setsockopt(raw, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = endpoint.port.bigEndian
        guard inet_pton(AF_INET, endpoint.host, &address.sin_addr) == 1 else {
            throw SystemError("listen on \(endpoint)", code: EINVAL)
        }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(raw, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard bound == 0 else { throw SystemError("listen on \(endpoint)") }
        guard listen(raw, 4096) == 0 else { throw SystemError("listen on \(endpoint)") }
        return descriptor
    }
}

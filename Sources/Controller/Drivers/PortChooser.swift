import Foundation
import Lifecycle

/// Finds ports on this machine that can be bound.
public enum PortChooser {
    /// Ports for replicas that declare none: below the kernel's ephemeral range (from 32768), so that no
    /// outgoing connection takes one between choosing and binding.
    static let replicaPorts: Range<UInt16> = 20_000..<30_000
    /// The first port of a load balancer, as in SkyServe.
    public static let firstLoadBalancerPort: UInt16 = 30_001
    static let lastLoadBalancerPort: UInt16 = 32_767

    /// The port for a replica: the declared one if it is free, else any free one. `except` are ports
    /// that were given out and may not be bound yet.
    static func replicaPort(declared: UInt16?, except: Set<UInt16>) -> UInt16? {
        if let declared, !except.contains(declared), canBind(declared) { return declared }
        // From a random place on, so that two programs that look at once rarely find the same.
        let offset = UInt16.random(in: 0..<UInt16(replicaPorts.count))
        for step in 0..<UInt16(replicaPorts.count) {
            let port = replicaPorts.lowerBound + (offset + step) % UInt16(replicaPorts.count)
            if !except.contains(port), canBind(port) { return port }
        }
        return nil
    }

    /// Ports a load balancer on `host` could listen on, lowest first, at most `count`.
    public static func loadBalancerPorts(host: String, count: Int) -> [UInt16] {
        var found: [UInt16] = []
        for port in firstLoadBalancerPort...lastLoadBalancerPort where found.count < count {
            if let listener = try? Listener(Endpoint(host: host, port: port)) {
                _ = consume listener
                found.append(port)
            }
        }
        return found
    }

    /// A replica may bind any address, so the port must be free on all of them.
    private static func canBind(_ port: UInt16) -> Bool {
        (try? Listener(Endpoint(host: "0.0.0.0", port: port))) != nil
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

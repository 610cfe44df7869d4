import Foundation

/// An address that a TCP socket is bound or connected to, as far as ``AddressRule`` has to tell one from another.
struct SocketAddress: Hashable, Sendable {
    enum Host: Hashable, Sendable {
        case v4(UInt32)
        /// Sixteen bytes in two halves, the first one first.
        case v6(UInt64, UInt64)
    }

    var host: Host
    var port: UInt16

    static func v4(_ host: UInt32, _ port: UInt16) -> SocketAddress { SocketAddress(host: .v4(host), port: port) }

    /// Loopback of IPv6, `::1`.
    static func v6Loopback(_ port: UInt16) -> SocketAddress { SocketAddress(host: .v6(0, 1), port: port) }

    /// An address of IPv4 as a socket of IPv6 has it, `::ffff:127.0.0.1`.
    static func mapped(_ host: UInt32, _ port: UInt16) -> SocketAddress {
        SocketAddress(host: .v6(0, 0xffff_0000_0000 | UInt64(host)), port: port)
    }

    /// The address of IPv4 in it, if it is one, also in the clothes of IPv6.
    var v4: UInt32? {
        switch host {
        case .v4(let host): host
        case .v6(0, let low) where low >> 32 == 0xffff: UInt32(truncatingIfNeeded: low)
        case .v6: nil
        }
    }
}

extension SocketAddress {
    /// Reads a `sockaddr`; nil for a family other than IPv4 and IPv6, and for one that is cut off.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 2 else { return nil }
        let family = Int32(bytes.withUnsafeBytes { $0.loadUnaligned(as: sa_family_t.self) })
        func number<Number: FixedWidthInteger>(at offset: Int, _: Number.Type) -> Number {
            Number(bigEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Number.self) })
        }
        switch family {
        case AF_INET where bytes.count >= 8:
            self.init(host: .v4(number(at: 4, UInt32.self)), port: number(at: 2, UInt16.self))
        case AF_INET6 where bytes.count >= 24:
            self.init(
                host: .v6(number(at: 8, UInt64.self), number(at: 16, UInt64.self)), port: number(at: 2, UInt16.self))
        default: return nil
        }
    }

    /// Calls `body` with the address as the kernel wants it.
    func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        switch host {
        case .v4(let host):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = host.bigEndian
            return withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        case .v6(let high, let low):
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            withUnsafeMutableBytes(of: &address.sin6_addr) {
                $0.storeBytes(of: high.bigEndian, as: UInt64.self)
                $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            return withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        }
    }

    /// The address a socket is bound to.
    init?(boundBy socket: CInt) {
        var bytes = [UInt8](repeating: 0, count: MemoryLayout<sockaddr_storage>.size)
        var length = socklen_t(bytes.count)
        let result = bytes.withUnsafeMutableBytes {
            getsockname(socket, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
        }
        guard result == 0 else { return nil }
        self.init(Array(bytes.prefix(Int(length))))
    }

    /// `127.64.0.1`, as a number.
    static func v4Number(_ text: String) -> UInt32? {
        var address = in_addr()
        return inet_pton(AF_INET, text, &address) == 1 ? UInt32(bigEndian: address.s_addr) : nil
    }

    /// The opposite of ``v4Number(_:)``.
    static func v4Text(_ number: UInt32) -> String {
        [24, 16, 8, 0].map { String((number >> UInt32($0)) & 255) }.joined(separator: ".")
    }
}

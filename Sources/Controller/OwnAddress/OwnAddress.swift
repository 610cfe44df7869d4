import CLinux
import Foundation
import Lifecycle

/// A loopback address that one replica has for itself, so that several can listen on the port that their file names.
///
/// The kernel has all of 127.0.0.0/8 on the loopback interface without being told, so an address needs no privilege, is
/// made by being used and is gone with the last socket: there is nothing that could be left behind. What makes a program
/// that binds `0.0.0.0:8080` bind it is ``AddressKeeper``.
public struct OwnAddress: Hashable, Sendable {
    /// The address, as a number.
    let host: UInt32
    /// The port that the program means, by its file.
    let port: UInt16
    /// The port it gets: another one only if that cannot be had.
    let servedPort: UInt16

    /// 127.64.0.0/10: four million addresses, away from the few that programs of this machine use by custom.
    static let range: ClosedRange<UInt32> = 0x7f40_0001...0x7f7f_fffe

    /// Where it is probed and sent requests.
    var endpoint: Endpoint { Endpoint(host: SocketAddress.v4Text(host), port: servedPort) }

    init(host: UInt32, port: UInt16, servedPort: UInt16) {
        self.host = host
        self.port = port
        self.servedPort = servedPort
    }

    /// `127.64.0.1:8080:8080`; nil for what is none.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let host = SocketAddress.v4Number(String(parts[0])), Self.range.contains(host),
            let port = UInt16(parts[1]), let servedPort = UInt16(parts[2]), port > 0, servedPort > 0
        else { return nil }
        self.init(host: host, port: port, servedPort: servedPort)
    }

    /// The opposite of ``init(_:)``.
    var text: String { "\(SocketAddress.v4Text(host)):\(port):\(servedPort)" }
}

extension OwnAddress {
    /// Why replicas can have no addresses of their own here, in words; nil when they can.
    public static let obstacle: String? = {
        let code = Spawn.exclusion.withLock { _ in clinux_can_hold_calls() }
        switch code {
        case 0: break
        case ENOSYS, EINVAL: return "the kernel is too old for it, or without seccomp; it takes Linux 5.6"
        case EBUSY: return "another program watches over this one's system calls already"
        case EPERM, EACCES: return "this system does not permit it (seccomp notifications)"
        default: return String(cString: strerror(code))
        }
        return canBind(range.lowerBound, 0) ? nil : "the loopback interface has no other addresses than 127.0.0.1"
    }()

    /// An address for the replica with this mark, on which `port` can be bound, or failing that another port; nil when
    /// there is none.
    static func choose(for mark: ProcessMark, port: UInt16) -> (OwnAddress, PortReservation)? {
        // From a place of the replica's own on, so that two that look at once do not find the same.
        let size = UInt64(range.count)
        var place = mark.rawValue.multipliedReportingOverflow(by: 0x9e37_79b9_7f4a_7c15).partialValue % size
        for step in UInt64(0)..<256 {
            place = (place + step) % size
            let host = range.lowerBound + UInt32(place)
            // A program that listens on every address of this machine has the port on ours as well; below 1024 it may
            // take privileges. The replica is told nothing of it.
            let first = canBind(host, port) ? port : nil
            guard let served = first ?? PortChooser.replicaPorts.first(where: { canBind(host, $0) }),
                let reservation = PortReservation(served, at: SocketAddress.v4Text(host))
            else { continue }
            return (OwnAddress(host: host, port: port, servedPort: served), reservation)
        }
        return nil
    }

    private static func canBind(_ host: UInt32, _ port: UInt16) -> Bool {
        let endpoint = Endpoint(host: SocketAddress.v4Text(host), port: port)
        return Spawn.exclusion.withLock { _ in (try? Listener(endpoint)) != nil }
    }
}

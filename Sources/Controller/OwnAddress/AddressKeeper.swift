import CLinux
import Foundation
import Synchronization

/// The process that gives a replica its own address: it runs the replica's `run` and answers each bind(2) and
/// connect(2) of it and of whatever it starts, by ``AddressRule``.
///
/// The kernel holds such a call until this process has answered (seccomp_unotify(2)); it then takes the caller's socket
/// (pidfd_getfd(2)) and binds it where the rule says. Everything else is left to the kernel: once a socket is bound,
/// what goes through it passes nobody. It is no wall against a program that means harm, and need not be one.
///
/// `run` ends with this process, and so do the replica's other processes, as its driver ends them all when its first one
/// has ended.
public struct AddressKeeper: ~Copyable {
    private let calls: Descriptor
    private let child: pid_t
    private let childEnded: Descriptor
    private var rule: AddressRule
    private var interfaces = Interfaces()

    /// Starts `arguments` at the address. The thread that calls this must live on: `run` ends with it.
    public static func start(_ own: OwnAddress, _ arguments: [String]) throws -> AddressKeeper {
        // Daemons of the replica become children of this process, for a system may let one look only into descendants.
        _ = clinux_become_subreaper()
        let ended = clinux_catch_signal(SIGCHLD)
        guard ended >= 0 else { throw SystemError("catch SIGCHLD") }
        let childEnded = Descriptor(owning: ended)
        var pid: pid_t = 0
        var calls: CInt = -1
        var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        argv.append(nil)
        let code = clinux_spawn_held(&pid, &calls, argv)
        for pointer in argv { free(pointer) }
        guard code == 0 else { throw SystemError("run at \(own.endpoint.host)", code: code) }
        // Whoever ends the replica signals each of its processes; this one goes when `run` has.
        for number in [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE] { signal(number, SIG_IGN) }
        return AddressKeeper(
            calls: Descriptor(owning: calls), child: pid, childEnded: childEnded, rule: AddressRule(own))
    }

    private init(calls: consuming Descriptor, child: pid_t, childEnded: consuming Descriptor, rule: AddressRule) {
        self.calls = calls
        self.child = child
        self.childEnded = childEnded
        self.rule = rule
    }

    /// Answers until the child has ended.
    ///
    /// - Returns: its exit code, 128 and the number for one that a signal ended.
    public mutating func run() -> CInt {
        while true {
            var ready = [
                pollfd(fd: calls.raw, events: Int16(POLLIN), revents: 0),
                pollfd(fd: childEnded.raw, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&ready, 2, -1) > 0 else { continue }
            if ready[0].revents & Int16(POLLIN) != 0 {
                var call = clinux_call()
                if clinux_next_call(calls.raw, &call) == 0 { answer(call) }
            }
            if ready[1].revents != 0 {
                var count: UInt64 = 0
                _ = read(childEnded.raw, &count, 8)
                if let code = reap() { return code }
            }
        }
    }

    /// Collects the children that have ended, the forsaken ones too.
    private func reap() -> CInt? {
        var code: CInt?
        while true {
            var status: CInt = 0
            let pid = waitpid(-1, &status, WNOHANG)
            if pid < 0, errno == EINTR { continue }
            guard pid > 0 else { return code }
            if pid == child { code = status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + status & 0x7f }
        }
    }

    // MARK: Calls

    private mutating func answer(_ call: clinux_call) {
        guard let asked = address(of: call), asked.port != 0 else { return letThrough(call) }
        let raw = clinux_take_descriptor(call.thread, call.descriptor)
        guard raw >= 0 else { return letThrough(call) }
        let socket = Descriptor(owning: raw)
        // Only now is it certain that the caller had not ended when it was looked at.
        guard clinux_is_call_pending(calls.raw, call.id) else { return }
        guard Self.option(socket.raw, SOL_SOCKET, SO_TYPE) == CInt(SOCK_STREAM.rawValue) else {
            return letThrough(call)
        }
        let isV6Only = Self.option(socket.raw, CInt(IPPROTO_IPV6), IPV6_V6ONLY) == 1
        let isOfThisMachine = { [interfaces] host in interfaces.have(host) }
        if call.is_bind {
            guard let address = rule.bind(asked, isV6Only: isV6Only, isOfThisMachine: isOfThisMachine) else {
                return letThrough(call)
            }
            let code = Self.bind(socket.raw, address)
            if code == 0 { rule.noteBound(asked.port) }
            _ = clinux_answer_call(calls.raw, call.id, code)
        } else {
            let own = rule.own
            let address = rule.connect(asked, isOfThisMachine: isOfThisMachine) {
                Self.isListening(.v4(own.host, $0))
            }
            guard let address, !(isV6Only && address.v4 != nil) else { return letThrough(call) }
            connect(socket, address, call)
        }
    }

    private func letThrough(_ call: clinux_call) { _ = clinux_let_call_through(calls.raw, call.id) }

    private func address(of call: clinux_call) -> SocketAddress? {
        var bytes = [UInt8](repeating: 0, count: min(Int(call.length), MemoryLayout<sockaddr_storage>.size))
        guard clinux_read_memory(call.thread, call.address, &bytes, bytes.count) == bytes.count else { return nil }
        return SocketAddress(bytes)
    }

    private static func bind(_ socket: CInt, _ address: SocketAddress) -> CInt {
        guard address.withSockaddr({ Foundation.bind(socket, $0, $1) }) != 0 else { return 0 }
        let code = errno
        // A signal may make an older kernel begin the call again after it was done.
        if code == EINVAL, SocketAddress(boundBy: socket) == address { return 0 }
        return code
    }

    /// Connects, and answers. A socket that blocks may wait for room in a queue, so it gets a thread to wait in.
    private func connect(_ socket: consuming Descriptor, _ address: SocketAddress, _ call: clinux_call) {
        let (socket, calls, id) = (socket.release(), calls.raw, call.id)
        let act: @Sendable () -> Void = {
            let code = address.withSockaddr({ Foundation.connect(socket, $0, $1) }) == 0 ? 0 : errno
            close(socket)
            _ = clinux_answer_call(calls, id, code)
        }
        if fcntl(socket, F_GETFL) & O_NONBLOCK != 0 { act() } else { Thread.detachNewThread(act) }
    }

    private static func option(_ socket: CInt, _ level: CInt, _ name: CInt) -> CInt? {
        var value: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        return getsockopt(socket, level, name, &value, &length) == 0 ? value : nil
    }

    /// Whether a socket listens there: then, and only then, another cannot be bound that may share.
    private static func isListening(_ address: SocketAddress) -> Bool {
        let raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { return false }
        let descriptor = Descriptor(owning: raw)
        var yes: CInt = 1
        setsockopt(descriptor.raw, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        return address.withSockaddr { Foundation.bind(descriptor.raw, $0, $1) } != 0 && errno == EADDRINUSE
    }
}

/// The addresses of this machine's network interfaces.
struct Interfaces: Sendable {
    /// They seldom change, and asking takes as long as a connection.
    private static let validSeconds: Double = 5
    private static let known = Mutex((hosts: Set<SocketAddress.Host>(), until: ContinuousClock.now))

    func have(_ host: SocketAddress.Host) -> Bool {
        Self.known.withLock { known in
            if known.until <= .now { known = (Self.read(), .now + .seconds(Self.validSeconds)) }
            return known.hosts.contains(host)
        }
    }

    private static func read() -> Set<SocketAddress.Host> {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { return [] }
        defer { freeifaddrs(first) }
        var hosts: Set<SocketAddress.Host> = []
        var next = first
        while let interface = next {
            next = interface.pointee.ifa_next
            guard let address = interface.pointee.ifa_addr else { continue }
            let size: Int
            switch Int32(address.pointee.sa_family) {
            case AF_INET: size = MemoryLayout<sockaddr_in>.size
            case AF_INET6: size = MemoryLayout<sockaddr_in6>.size
            default: continue
            }
            let bytes = Array(UnsafeRawBufferPointer(start: address, count: size))
            if let host = SocketAddress(bytes)?.host { hosts.insert(host) }
        }
        return hosts
    }
}

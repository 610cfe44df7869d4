import Controller
import Foundation
import Lifecycle

/// A world in which a driver is tried: it makes drivers for one controller, and what replicas write into
/// the folder can be seen from here.
public struct DriverStage: Sendable {
    /// A driver as a controller process that has just begun makes it: it knows nothing of what others have
    /// launched. Grace periods should be short.
    public var makeDriver: @Sendable () -> any Driver
    /// A folder that tests and replicas share; `$FOLDER` in the replicas.
    public var folder: String
    /// Commands that serve the working directory over HTTP where this driver's replicas should.
    public var server: String
    /// What the driver needs beside `run` and `setup`.
    public var complete: @Sendable (ServiceSpec) -> ServiceSpec

    public init(
        folder: String, server: String, complete: @escaping @Sendable (ServiceSpec) -> ServiceSpec = { $0 },
        makeDriver: @escaping @Sendable () -> any Driver
    ) {
        self.folder = folder
        self.server = server
        self.complete = complete
        self.makeDriver = makeDriver
    }

    /// A replica's spec with these commands.
    func spec(setup: String? = nil, run: String) -> ServiceSpec {
        complete(ServiceSpec(setup: setup, run: Self.vocabulary + run, envs: ["FOLDER": folder]))
    }

    /// `hold NAME` takes the lock on a file and keeps it for as long as any process of it lives;
    /// `forsaken NAME` does so in a process that has left session, parents and environment behind.
    private static let vocabulary = """
        hold() { exec 9>>"$FOLDER/$1"; flock 9; echo held > "$FOLDER/$1.held"; while :; do sleep 0.1; done; }
        forsaken() {
            export -f hold
            ( ( env -i PATH="$PATH" setsid bash -c "FOLDER='$FOLDER'; $(declare -f hold); hold $1" & ) & )
        }

        """

    /// The first replica of the service `api`.
    func replica(_ id: Int = 1) -> ReplicaReference {
        ReplicaReference(service: .api, id: id, generation: 10 + id)
    }

    /// Whether a file has appeared in the folder.
    func has(_ name: String) -> Bool { access("\(folder)/\(name)", F_OK) == 0 }

    func text(_ name: String) -> String {
        (try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)) ?? ""
    }

    func make(_ name: String) throws { try Data().write(to: URL(fileURLWithPath: "\(folder)/\(name)")) }

    /// Whether a process holds the lock on a file.
    func isHeld(_ name: String) -> Bool {
        let descriptor = open("\(folder)/\(name)", O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_EX | LOCK_NB) != 0
    }

    /// The head of the answer to a GET of `/`; nil when there is none.
    func answer(of endpoint: Endpoint) -> String? {
        let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard connection >= 0 else { return nil }
        defer { close(connection) }
        var timeout = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = endpoint.port.bigEndian
        inet_pton(AF_INET, endpoint.host, &address.sin_addr)
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        let request = Array("GET / HTTP/1.0\r\n\r\n".utf8)
        guard connected == 0, send(connection, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            return nil
        }
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = recv(connection, &buffer, buffer.count, 0)
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }

    /// Waits until `condition` holds.
    func eventually(_ what: String, within seconds: Double = 20, _ condition: () -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while !condition() {
            guard ContinuousClock.now < deadline else { throw DriverLawBroken("waited \(seconds) s in vain: \(what)") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    func demand(_ condition: Bool, _ what: @autoclosure () -> String) throws {
        if !condition { throw DriverLawBroken(what()) }
    }
}

/// A driver did not keep a promise.
public struct DriverLawBroken: Error, CustomStringConvertible {
    public var description: String
    init(_ description: String) { self.description = description }
}

import Foundation
import Synchronization

/// The smallest HTTP client that tests need: one request on one connection.
enum HTTP {
    struct Answer: Sendable {
        var status: Int
        var body: String
    }

    /// Asks `url` (`http://127.0.0.1:PORT/…`); nil when no whole answer came.
    static func get(_ url: String) async -> Answer? {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: getBlocking(url)) }
        }
    }

    static func getBlocking(_ url: String) -> Answer? {
        guard let parts = URLComponents(string: url), let port = parts.port else { return nil }
        let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard connection >= 0 else { return nil }
        defer { close(connection) }
        var timeout = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        inet_pton(AF_INET, parts.host ?? "127.0.0.1", &address.sin_addr)
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { return nil }
        let path = parts.path.isEmpty ? "/" : parts.path
        let request = Array("GET \(path) HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n".utf8)
        guard send(connection, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else { return nil }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count >= 0 else { return nil }
            if count == 0 { break }
            answer += buffer[..<count]
        }
        return parse(String(decoding: answer, as: UTF8.self))
    }

    private static func parse(_ text: String) -> Answer? {
        guard let end = text.range(of: "\r\n\r\n") else { return nil }
        let words = text.prefix { $0 != "\r\n" }.split(separator: " ")
        guard words.count > 1, let status = Int(words[1]) else { return nil }
        return Answer(status: status, body: String(text[end.upperBound...]))
    }
}

/// Clients that ask for a URL again and again, and count.
final class Load: Sendable {
    private let counts = Mutex((good: 0, failed: [String](), isOver: false))
    private let running = Mutex(0)

    init(_ url: String, clients: Int) {
        running.withLock { $0 = clients }
        for _ in 0..<clients {
            Thread.detachNewThread { [self] in
                while !counts.withLock({ $0.isOver }) {
                    let answer = HTTP.getBlocking(url)
                    counts.withLock {
                        if answer?.status == 200 {
                            $0.good += 1
                        } else {
                            $0.failed.append("\(answer?.status ?? 0) \(answer?.body ?? "")")
                        }
                    }
                }
                running.withLock { $0 -= 1 }
            }
        }
    }

    var good: Int { counts.withLock { $0.good } }

    /// Ends the clients.
    ///
    /// - Returns: requests answered 200, and what came instead for the others.
    func stop() async -> (good: Int, failed: [String]) {
        counts.withLock { $0.isOver = true }
        while running.withLock({ $0 }) > 0 { try? await Task.sleep(for: .milliseconds(5)) }
        return counts.withLock { ($0.good, $0.failed) }
    }
}

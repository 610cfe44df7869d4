import EventLog
import Lifecycle
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Asks a replica over HTTP whether it is ready. Each probe is a connection of its own, as a new client
/// would make, so that a server that answers old connections only is not taken for ready.
struct Prober: Sendable {
    struct Verdict: Hashable, Sendable {
        var isReady: Bool
        /// What was seen, in words: `HTTP 200`, `connection refused`.
        var outcome: String
        /// How long it took until that was seen; nil where the words say so.
        var tookMilliseconds: Double?

        /// Whether nothing listens where it was asked.
        var isRefused: Bool { outcome == Self.refused }

        fileprivate static let refused = "connection refused"

        /// Says of a replica that refuses connections where it accepts them: a server with a port of its own mind is a
        /// likely reason.
        mutating func add(ports: [UInt16], besides port: UInt16) {
            guard !ports.isEmpty, !ports.contains(port) else { return }
            let list = ports.prefix(5).map(String.init).joined(separator: ", ")
            outcome += " at port \(port); it listens at \(list) instead"
        }

        /// Both in words: `HTTP 200 in 0.8 ms`, `connection refused (after 0.2 ms)`.
        var evidence: String {
            guard let tookMilliseconds else { return outcome }
            return outcome.hasPrefix("HTTP ")
                ? "\(outcome) in \(tookMilliseconds) ms" : "\(outcome) (after \(tookMilliseconds) ms)"
        }
    }

    /// As many redirections as a probe follows, each to the replica itself.
    private static let redirectionsFollowed = 5
    private let group: MultiThreadedEventLoopGroup

    /// One thread for all probes; it sleeps while none is under way.
    init() { group = MultiThreadedEventLoopGroup(numberOfThreads: 1) }

    func probe(_ endpoint: Endpoint, _ probe: ReadinessProbe) async -> Verdict {
        let clock = ContinuousClock()
        let begun = clock.now
        var path = probe.path
        do {
            for _ in 0...Self.redirectionsFollowed {
                let left = Duration.seconds(probe.timeoutSeconds) - (clock.now - begun)
                let (head, _) = try await exchange(endpoint, probe, path: path, timeout: left)
                if let next = redirection(head, of: endpoint) {
                    path = next
                    continue
                }
                return Verdict(
                    isReady: head.status == .ok, outcome: "HTTP \(head.status.code)",
                    tookMilliseconds: Self.milliseconds(clock.now - begun))
            }
            return Verdict(isReady: false, outcome: "more than \(Self.redirectionsFollowed) redirections")
        } catch {
            let outcome = Self.inWords(error, timeoutSeconds: probe.timeoutSeconds, "timeout_seconds")
            return Verdict(
                isReady: false, outcome: outcome,
                tookMilliseconds: outcome.hasPrefix("no answer") ? nil : Self.milliseconds(clock.now - begun))
        }
    }

    private static func milliseconds(_ duration: Duration) -> Double {
        (Double(duration / .microseconds(1)) / 100).rounded() / 10
    }

    /// The status and the beginning of the body that a GET is answered with.
    func get(
        _ endpoint: Endpoint, _ path: String, timeoutSeconds: Double, bodyLimit: Int
    ) async throws -> (status: UInt, body: String) {
        let (head, body) = try await exchange(
            endpoint, ReadinessProbe(), path: path, timeout: .seconds(timeoutSeconds), bodyLimit: bodyLimit)
        return (head.status.code, body)
    }

    /// The status that a request which has a body is answered with; redirections are not followed.
    ///
    /// - Parameter tls: what HTTPS is spoken with; nil for HTTP.
    func post(_ endpoint: Endpoint, _ request: ReadinessProbe, tls: NIOSSLContext? = nil) async throws -> UInt {
        let (head, _) = try await exchange(
            endpoint, request, path: request.path, timeout: .seconds(request.timeoutSeconds), tls: tls)
        return head.status.code
    }

    private func exchange(
        _ endpoint: Endpoint, _ probe: ReadinessProbe, path: String, timeout: Duration, bodyLimit: Int = 0,
        tls: NIOSSLContext? = nil
    ) async throws -> (HTTPResponseHead, body: String) {
        let limit = TimeAmount(timeout)
        guard limit > .zero else { throw ProbeExchange.Failure.timedOut }
        let eventLoop = group.any()
        // Completed by whichever comes first: the answer, the end of the connection, the limit, or the
        // cancellation. None of them relies on another, for a probe that never ends holds up the removal of
        // its replica.
        let answer = eventLoop.makePromise(of: (HTTPResponseHead, body: String).self)
        let request = ProbeExchange.Request(endpoint: endpoint, probe: probe, path: path, bodyLimit: bodyLimit)
        let channel = ClientBootstrap(group: eventLoop)
            .connectTimeout(limit)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        // Who is asked by an address is known by it; its name is nobody's to say (RFC 6066, 3).
                        let isAddress = (try? NIOCore.SocketAddress(ipAddress: endpoint.host, port: 0)) != nil
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: tls, serverHostname: isAddress ? nil : endpoint.host))
                    }
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(ProbeExchange(request, answer))
                }
            }
            .connect(host: endpoint.host, port: Int(endpoint.port))
        channel.whenFailure { answer.fail($0) }
        let timer = eventLoop.scheduleTask(in: limit) { answer.fail(ProbeExchange.Failure.timedOut) }
        defer {
            timer.cancel()
            channel.whenSuccess { $0.close(promise: nil) }
        }
        return try await withTaskCancellationHandler {
            try await answer.futureResult.get()
        } onCancel: {
            answer.fail(CancellationError())
        }
    }

    /// The path a redirection leads to, if it stays with the replica.
    private func redirection(_ head: HTTPResponseHead, of endpoint: Endpoint) -> String? {
        guard [301, 302, 303, 307, 308].contains(head.status.code), let location = head.headers.first(name: "location")
        else { return nil }
        if location.hasPrefix("/"), !location.hasPrefix("//") { return location }
        let own = "http://\(endpoint)"
        guard location.hasPrefix(own + "/") else { return nil }
        return String(location.dropFirst(own.count))
    }

    /// - Parameter key: where the time limit is set, in the user's file.
    static func inWords(_ error: any Error, timeoutSeconds: Double, _ key: String = "timeout") -> String {
        switch error {
        case ProbeExchange.Failure.timedOut, ChannelError.connectTimeout:
            return "no answer within \(timeoutSeconds) s (\(key))"
        case ProbeExchange.Failure.closed: return "the connection was closed without an answer"
        case is HTTPParserError: return "the answer is not HTTP"
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: return "its certificate or TLS is not accepted"
        case let error as NIOConnectionError where error.connectionErrors.isEmpty: return "its host cannot be found"
        case let error as NIOConnectionError:
            let refused = error.connectionErrors.contains { ($0.error as? IOError)?.errnoCode == ECONNREFUSED }
            return refused ? Verdict.refused : "cannot connect"
        case let error as IOError where error.errnoCode == ECONNREFUSED: return Verdict.refused
        case let error as IOError where error.errnoCode == ECONNRESET: return "the connection was reset"
        default: return "\(error)"
        }
    }
}

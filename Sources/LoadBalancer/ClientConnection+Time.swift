import Glibc
import NIOCore

// How long anything may take. Each limit is the fault of one side and is answered as such: 408 when the client does not go on
// with its request, 504 when the replica is silent; a client that does not take its answer cannot be told, and is cut off.

extension ClientConnection {
    /// A client that takes nothing, since when, and what it had taken by then.
    struct Stall {
        var since: NIODeadline
        var takenBytes: UInt64
    }

    /// One timer for a connection; it looks how long nothing has happened and sleeps for the rest, but never
    /// longer than the shortest limit: the state, and the limit with it, may change meanwhile.
    func scheduleWatchdog() {
        guard let context, context.channel.isActive else { return }
        let configuration = loop.configuration
        let shortestSeconds = min(
            configuration.headTimeoutSeconds, configuration.bodyTimeoutSeconds, configuration.idleTimeoutSeconds,
            configuration.writeTimeoutSeconds, configuration.rules.streamTimeoutSeconds, configuration.holdSeconds)
        let due = min(deadline, .now() + TimeAmount(seconds: shortestSeconds))
        watchdog = context.eventLoop.assumeIsolated().scheduleTask(deadline: due) {
            self.noteStall()
            if NIODeadline.now() >= self.deadline { self.timedOut() }
            self.scheduleWatchdog()
        }
    }

    /// When this state has lasted, or been silent, for too long.
    private var deadline: NIODeadline {
        let configuration = loop.configuration
        // Nobody else is asked for anything while the client does not take what there is.
        if let stall { return stall.since + TimeAmount(seconds: configuration.writeTimeoutSeconds) }
        let seconds =
            switch state {
            case .awaitingHead where isSurplus: configuration.surplusHeadSeconds
            case .awaitingHead:
                buffer.readableBytes > 0 || isShakingHands
                    ? configuration.headTimeoutSeconds : configuration.idleTimeoutSeconds
            // What is left of it is measured from the first time that it found no replica.
            case .held: configuration.holdSeconds
            // The attempt to connect has a limit of its own, which comes first.
            case .connecting: configuration.connectTimeoutSeconds * 2
            case .exchanging:
                isBodyAwaited ? configuration.bodyTimeoutSeconds : configuration.rules.streamTimeoutSeconds
            case .tunnel: 86_400.0
            case .closing: configuration.writeTimeoutSeconds
            }
        if case .held = state, let givesUpAt = exchange?.givesUpAt { return givesUpAt }
        return lastActivity + TimeAmount(seconds: seconds)
    }

    private func timedOut() {
        lastActivity = .now()
        if stall != nil { return reset() }
        switch state {
        case .awaitingHead where isSurplus: refuse(.tooManyConnections)
        case .awaitingHead where buffer.readableBytes > 0: refuse(.requestTimeout, unread: buffer.readerIndex)
        case .exchanging:
            let seconds = loop.configuration.bodyTimeoutSeconds
            if isBodyAwaited { refuse(.bodyTimeout(seconds: seconds)) } else { exchangeTimedOut() }
        case .held:
            loop.letGo(self)
            heldTooLong()
        case .awaitingHead, .connecting, .tunnel, .closing: close()
        }
    }

    /// Whether it is the client's turn: the replica has all that came of the request's body, and has not answered.
    private var isBodyAwaited: Bool {
        guard let exchange, let upstream = exchange.upstream else { return false }
        return !exchange.requestBody.isFinished && !exchange.hasAnswer && !exchange.awaitsContinue
            && upstream.isWritable
    }

    // MARK: Clients that take nothing

    /// Notes whether the client has taken anything since the last look. Its own machine says so: how much of what was
    /// sent is acknowledged, for with a large send buffer it may be minutes until there is room to write again.
    private func noteStall() {
        guard let channel = context?.channel else { return }
        let left = try? channel.syncOptions?.getOption(.bufferedWritableBytes)
        guard let left, left > 0 else { return stall = nil }
        let taken = channel.acknowledgedBytes
        if stall?.takenBytes != taken { stall = Stall(since: .now(), takenBytes: taken) }
    }

    /// Ends the connection at once. What the client has not taken is let go, here and in the kernel, which would otherwise
    /// go on offering it.
    private func reset() {
        (context?.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
            .assumeIsolated().whenComplete { _ in self.close() }
    }
}

extension TimeAmount {
    /// So many seconds, as settings give them.
    init(seconds: Double) { self = .nanoseconds(Int64(seconds * 1e9)) }
}

extension Channel {
    /// How much of what was sent the other side has acknowledged (Linux 4.1); 0 when the kernel does not say.
    fileprivate var acknowledgedBytes: UInt64 {
        var acknowledged: UInt64 = 0
        (self as? any SocketOptionProvider)?
            .unsafeGetSocketOption(level: .tcp, name: .init(rawValue: CInt(TCP_INFO)))
            .assumeIsolated().whenSuccess { (info: TCPProgress) in acknowledged = info.acknowledgedBytes }
        return acknowledged
    }
}

/// The beginning of the kernel's `struct tcp_info`, of which glibc knows an older one.
private struct TCPProgress {
    // 8 numbers of one byte, 24 of four, 2 rates of eight.
    var before:
        (
            UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64,
            UInt64, UInt64
        )
    var acknowledgedBytes: UInt64
}

import CLinux
import Glibc
import NIOCore

// A client may end its side of the connection once it has asked, and still waits for the answer (RFC 9112, 9.6). On the
// wire that looks like one that has gone, until something is sent to it. The replica works for the one and not for the
// other, so it is looked: a client of this machine is known by its socket, which some process holds or none does. Any other
// is asked by the kernel's keep-alive; the machine of one that has gone forgets the connection after a minute (Linux:
// net.ipv4.tcp_fin_timeout) and then answers with a reset, as it does at once to any part of an answer.

extension ClientConnection {
    /// The client has sent all that it will.
    func clientEnded() {
        guard !hasEnded else { return }
        hasEnded = true
        if isShakingHands { return close() }
        switch state {
        case .awaitingHead: process()
        case .held, .connecting: break
        case .exchanging: passRequestBody()
        case .tunnel(let upstream): upstream.endOutput()
        case .closing: break
        }
        if isUnderWay { lookOut() }
    }

    private var isUnderWay: Bool {
        switch state {
        case .held, .connecting, .exchanging, .tunnel: true
        // More requests that came before the end, for whose answers there is no room yet.
        case .awaitingHead: buffer.readableBytes > 0
        case .closing: false
        }
    }

    /// Looks again and again whether the client is still there.
    private func lookOut() {
        guard let channel = context?.channel else { return }
        for (option, value) in [(TCP_KEEPIDLE, 5), (TCP_KEEPINTVL, 5), (TCP_KEEPCNT, 6)] {
            try? channel.syncOptions?.setOption(.tcpOption(.init(rawValue: option)), value: Int(value))
        }
        try? channel.syncOptions?.setOption(.socketOption(.so_keepalive), value: 1)
        look(then: [.milliseconds(1), .milliseconds(10)])
    }

    /// Looks now, after each of these pauses, and then once a second. Who closes a socket sends the end first and lets go of it
    /// a moment later, and a process that ends closes one after the other; so the first look may come too soon, but who
    /// frees a replica for the next should not wait for the second.
    private func look(then pauses: ArraySlice<TimeAmount>) {
        if hasGone { return close() }
        lookout = context?.eventLoop.assumeIsolated().scheduleTask(in: pauses.first ?? .seconds(1)) {
            self.look(then: pauses.dropFirst())
        }
    }

    /// Whether it is certain that nobody waits for an answer any more.
    private var hasGone: Bool {
        guard let channel = context?.channel, let client = channel.remoteAddress, let own = channel.localAddress else {
            return false
        }
        return client.withSockAddr { client, _ in own.withSockAddr { own, _ in clinux_is_socket_held(client, own) == 0 }
        }
    }
}

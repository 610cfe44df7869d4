import Glibc
import NIOCore

/// The socket of a channel, to give the kernel what is to be sent without a detour: what NIO does to write a few bytes takes
/// as long as the kernel does to send them. Only while the channel itself has nothing to write, and what the kernel
/// does not take is the channel's to write: it knows how to wait.
///
/// NIO does not say which descriptor a channel has, but for its description; that it is the one is known by the
/// socket's cookie, which the kernel gives to one socket only.
struct DirectSocket {
    private let channel: any Channel
    private let descriptor: CInt

    /// Nil where it cannot be told, or the kernel gives no cookies (Linux before 4.12): then everything goes through the
    /// channel.
    init?(_ channel: any Channel) {
        let digits = "\(channel)".split(separator: "fd=", maxSplits: 1).last?.prefix(while: \.isNumber)
        guard let descriptor = digits.flatMap({ CInt($0) }), let cookie = Self.cookie(of: channel),
            cookie == Self.cookie(of: descriptor)
        else { return nil }
        (self.channel, self.descriptor) = (channel, descriptor)
    }

    /// Sends what the kernel takes at once of the two, one after the other.
    ///
    /// - Returns: how many bytes that is; 0 also when it fails: the channel tries it then, and fails too, or waits.
    func send(_ first: ByteBuffer, _ second: ByteBuffer) -> Int {
        // A channel that was closed has let go of its descriptor, which may be another's by now.
        guard channel.isActive else { return 0 }
        return first.withUnsafeReadableBytes { first in
            second.withUnsafeReadableBytes { second in
                withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2) { pieces in
                    pieces.initializeElement(at: 0, to: iovec(first))
                    pieces.initializeElement(at: 1, to: iovec(second))
                    var message = msghdr()
                    message.msg_iov = pieces.baseAddress
                    message.msg_iovlen = 2
                    return max(0, sendmsg(descriptor, &message, CInt(MSG_DONTWAIT | MSG_NOSIGNAL)))
                }
            }
        }
    }

    private static let cookieOption: CInt = 57

    private static func cookie(of channel: any Channel) -> UInt64? {
        var cookie: UInt64?
        (channel as? any SocketOptionProvider)?
            .unsafeGetSocketOption(level: .socket, name: .init(rawValue: cookieOption))
            .assumeIsolated().whenSuccess { cookie = $0 }
        return cookie
    }

    private static func cookie(of descriptor: CInt) -> UInt64? {
        var cookie: UInt64 = 0
        var length = socklen_t(MemoryLayout<UInt64>.size)
        return getsockopt(descriptor, SOL_SOCKET, cookieOption, &cookie, &length) == 0 ? cookie : nil
    }
}

extension iovec {
    fileprivate init(_ bytes: UnsafeRawBufferPointer) {
        self.init(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
    }
}

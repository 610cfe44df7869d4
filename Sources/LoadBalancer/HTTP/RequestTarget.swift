/// What a request asks for (RFC 9112, 3.2). A whole URL, as clients send it to a proxy, is taken apart: a replica gets the
/// path, which every server understands.
struct RequestTarget {
    /// Host and port of a URL.
    var authority: Range<Int>?
    /// Path and query; of a URL it may be empty, or a query only.
    var path: Range<Int>

    init(_ raw: UnsafeRawBufferPointer, _ target: Range<Int>, method: Method, isOptions: Bool) throws(MalformedHead) {
        path = target
        switch raw[target.lowerBound] {
        case UInt8(ascii: "/"): return
        case UInt8(ascii: "*") where isOptions && target.count == 1: return
        // Host and port without a path; it is refused as what it is.
        case _ where method == .connect: return
        default: break
        }
        guard let begin = Self.endOfScheme(raw, target) else {
            throw MalformedHead(reason: "a target that is neither a path nor an http URL")
        }
        let end = raw[begin..<target.upperBound].firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") }
        let host = begin..<(end ?? target.upperBound)
        guard Self.isAuthority(UnsafeRawBufferPointer(rebasing: raw[host])) else {
            throw MalformedHead(reason: "a target whose host is none")
        }
        authority = host
        path = host.upperBound..<target.upperBound
    }

    /// Where the host begins, if this is a URL that we serve.
    private static func endOfScheme(_ raw: UnsafeRawBufferPointer, _ target: Range<Int>) -> Int? {
        for scheme in ["http://", "https://"] as [StaticString] {
            let count = scheme.utf8CodeUnitCount
            guard target.count >= count else { continue }
            let end = target.lowerBound + count
            if UnsafeRawBufferPointer(rebasing: raw[target.lowerBound..<end]).isEqual(scheme) { return end }
        }
        return nil
    }

    /// Whether it has the form of a host and perhaps a port: who builds an address of it gets one, and no other part of it.
    static func isAuthority(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let first = bytes.first, first != UInt8(ascii: ":") else { return false }
        return bytes.allSatisfy(isAuthorityByte)
    }

    /// What may stand in a host and its port. No `@`: what would be before it is a secret, and does not belong here.
    private static func isAuthorityByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: ":"), UInt8(ascii: "("), UInt8(ascii: ")"),
            UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "="):
            true
        case UInt8(ascii: "#"), UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "|"): false
        default: byte.isTokenByte
        }
    }
}

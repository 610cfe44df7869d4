import NIOCore

/// The head of a request or a response, checked. It keeps the bytes it was parsed from, and where its
/// fields are in them, so that forwarding copies what is kept and makes no strings. It is no value: it would be copied, with
/// all that it holds, at every step of the request.
final class MessageHead: Sendable {
    enum Start: Equatable {
        /// `target` is the range of the path and the query. It may be empty, or a query only, where `authority` is known.
        case request(method: Method, name: Range<Int>, target: Range<Int>)
        case response(status: Int)
    }

    /// One header line: ranges of its name and its value, without the white space around the value.
    struct Field {
        var name: Range<Int>
        var value: Range<Int>
        var meaning: FieldName
    }

    /// What a body of unknown length is measured by.
    enum Framing: Equatable {
        case none
        case length(Int)
        case chunked
        /// A response that ends with its connection.
        case untilClose
    }

    /// What a client may ask for before it sends a body.
    enum Expectation: Equatable {
        case none
        /// To be told that it may go on (RFC 9110, 10.1.1).
        case toContinue
        case unknown
    }

    let start: Start
    /// Host and port, where the target is a whole URL: it says more than the Host field (RFC 9112, 3.2.2).
    let authority: Range<Int>?
    /// 0 or 1, of HTTP/1.x.
    let minorVersion: Int
    let fields: [Field]
    /// What the header fields say of the body; requests have `none` where neither says anything,
    /// responses `untilClose`.
    let framing: Framing
    /// Whether the `Connection` field says so, or the version where it says nothing.
    let isPersistent: Bool
    /// Whether it asks for, or agrees to, another protocol.
    let isUpgrade: Bool
    let expectation: Expectation
    /// The head itself, up to and with the empty line.
    let bytes: ByteBuffer

    init(
        _ start: Start, authority: Range<Int>?, minorVersion: Int, fields: [Field], framing: Framing,
        isPersistent: Bool, isUpgrade: Bool, expectation: Expectation, bytes: ByteBuffer
    ) {
        self.start = start
        self.authority = authority
        self.minorVersion = minorVersion
        self.fields = fields
        self.framing = framing
        self.isPersistent = isPersistent
        self.isUpgrade = isUpgrade
        self.expectation = expectation
        self.bytes = bytes
    }

    /// Bytes of a range of the head.
    func withBytes<Result>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        bytes.withUnsafeReadableBytes { body(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    func string(_ range: Range<Int>) -> String {
        withBytes(range) { String(decoding: $0, as: UTF8.self) }
    }
}

/// Request methods, as far as they are treated differently.
enum Method: Equatable {
    case get, head
    /// Any other that may be repeated (RFC 9110, 9.2.2).
    case otherIdempotent
    case connect
    case other

    init(_ name: UnsafeRawBufferPointer) {
        self =
            if name.isExactly("GET") {
                .get
            } else if name.isExactly("HEAD") {
                .head
            } else if name.isExactly("CONNECT") {
                .connect
            } else if (["PUT", "DELETE", "OPTIONS", "TRACE"] as [StaticString]).contains(where: name.isExactly) {
                .otherIdempotent
            } else {
                .other
            }
    }

    var isIdempotent: Bool {
        switch self {
        case .get, .head, .otherIdempotent: true
        case .connect, .other: false
        }
    }
}

/// Header fields that mean something to a proxy.
enum FieldName {
    case connection, contentLength, transferEncoding, upgrade, host, te, keepAlive, expect
    /// It belongs to an upgrade to HTTP/2, which is not done.
    case http2Settings
    /// What is between a client and its proxy (RFC 9110, 11.7), and what old clients told one.
    case proxyConnection, proxyAuthenticate, proxyAuthenticationInfo, proxyAuthorization
    case forwardedFor, forwardedProto, forwardedHost
    /// One of these with an underscore for a hyphen. Nobody here takes it for that; a server that hands fields on as
    /// variables, as WSGI and CGI do, takes both for the same.
    case disguised
    case other

    /// Told apart by length first, so that most fields cost one comparison of a number.
    init(_ name: UnsafeRawBufferPointer) {
        self =
            switch name.count {
            case 2 where name.isEqual("te"): .te
            case 4 where name.isEqual("host"): .host
            case 6 where name.isEqual("expect"): .expect
            case 7 where name.isEqual("upgrade"): .upgrade
            case 10 where name.isEqual("connection"): .connection
            case 10 where name.isEqual("keep-alive"): .keepAlive
            case 14 where name.isEqual("content-length"): .contentLength
            case 14 where name.isEqual("http2-settings"): .http2Settings
            case 15 where name.isEqual("x-forwarded-for"): .forwardedFor
            case 16 where name.isEqual("x-forwarded-host"): .forwardedHost
            case 16 where name.isEqual("proxy-connection"): .proxyConnection
            case 17 where name.isEqual("transfer-encoding"): .transferEncoding
            case 17 where name.isEqual("x-forwarded-proto"): .forwardedProto
            case 18 where name.isEqual("proxy-authenticate"): .proxyAuthenticate
            case 19 where name.isEqual("proxy-authorization"): .proxyAuthorization
            case 25 where name.isEqual("proxy-authentication-info"): .proxyAuthenticationInfo
            default: Self.isDisguised(name) ? .disguised : .other
            }
    }

    private static func isDisguised(_ name: UnsafeRawBufferPointer) -> Bool {
        let (hyphen, underscore) = (UInt8(ascii: "-"), UInt8(ascii: "_"))
        guard name.contains(underscore) else { return false }
        let plain = name.map { $0 == underscore ? hyphen : $0 }
        return plain.withUnsafeBytes { FieldName($0) } != .other
    }
}

extension UnsafeRawBufferPointer {
    /// Compares with a lower-case name, whatever the case of these bytes.
    func isEqual(_ lowercase: StaticString) -> Bool {
        guard count == lowercase.utf8CodeUnitCount else { return false }
        for index in 0..<count {
            let byte = self[index]
            let folded = byte >= 65 && byte <= 90 ? byte | 0x20 : byte
            if folded != lowercase.utf8Start[index] { return false }
        }
        return true
    }
}

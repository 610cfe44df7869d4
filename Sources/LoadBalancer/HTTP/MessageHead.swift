import NIOCore

/// The head of a request or a response, checked. It keeps the bytes it was parsed from, and where its
/// fields are in them, so that forwarding copies what is kept and makes no strings.
struct MessageHead {
    enum Start: Equatable {
        /// `target` is the range of the request target.
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

    let start: Start
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
    /// The head itself, up to and with the empty line.
    let bytes: ByteBuffer

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
            if name.elementsEqual("GET".utf8) {
                .get
            } else if name.elementsEqual("HEAD".utf8) {
                .head
            } else if name.elementsEqual("CONNECT".utf8) {
                .connect
            } else if ["PUT", "DELETE", "OPTIONS", "TRACE"].contains(where: { name.elementsEqual($0.utf8) }) {
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
    case connection, contentLength, transferEncoding, upgrade, host, te, keepAlive, proxyConnection
    case forwardedFor, forwardedProto, forwardedHost
    case other

    /// Told apart by length first, so that most fields cost one comparison of a number.
    init(_ name: UnsafeRawBufferPointer) {
        self =
            switch name.count {
            case 2 where name.isEqual("te"): .te
            case 4 where name.isEqual("host"): .host
            case 7 where name.isEqual("upgrade"): .upgrade
            case 10 where name.isEqual("connection"): .connection
            case 10 where name.isEqual("keep-alive"): .keepAlive
            case 14 where name.isEqual("content-length"): .contentLength
            case 15 where name.isEqual("x-forwarded-for"): .forwardedFor
            case 16 where name.isEqual("x-forwarded-host"): .forwardedHost
            case 16 where name.isEqual("proxy-connection"): .proxyConnection
            case 17 where name.isEqual("transfer-encoding"): .transferEncoding
            case 17 where name.isEqual("x-forwarded-proto"): .forwardedProto
            default: .other
            }
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

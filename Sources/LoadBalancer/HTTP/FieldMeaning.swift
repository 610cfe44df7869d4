import NIOCore

/// What the header fields together say: where the body ends, whether the connection goes on.
struct FieldMeaning {
    let raw: UnsafeRawBufferPointer
    let fields: [MessageHead.Field]
    let kind: HeadParser.Kind
    let minorVersion: Int

    func head(
        _ start: MessageHead.Start, authority: Range<Int>?, _ bytes: ByteBuffer
    ) throws(MalformedHead) -> MessageHead {
        if kind == .request { try checkHost() }
        var (isClosed, isKept, saysUpgrade) = (false, false, false)
        for field in fields where field.meaning == .connection {
            HeaderList.forEach(value(field)) { option in
                if option.isEqual("close") { isClosed = true }
                if option.isEqual("keep-alive") { isKept = true }
                if option.isEqual("upgrade") { saysUpgrade = true }
            }
        }
        // HTTP/1.0 cannot ask for one (RFC 9110, 7.8).
        let asksUpgrade =
            saysUpgrade && (kind == .response || minorVersion == 1) && fields.contains { $0.meaning == .upgrade }
            && !offersHTTP2
        return MessageHead(
            start, authority: authority, minorVersion: minorVersion, fields: fields, framing: try framing(),
            isPersistent: !isClosed && (minorVersion == 1 || isKept), isUpgrade: asksUpgrade, expectation: expectation,
            bytes: bytes)
    }

    /// In a tunnel that speaks HTTP/2 every request after the first would reach the replica unread: without what is refused
    /// and added here, and uncounted. A server may ignore the offer (RFC 9113, 3.2), and so the request goes on as it is.
    private var offersHTTP2: Bool {
        var isOffered = false
        for field in fields where field.meaning == .upgrade {
            HeaderList.forEach(value(field)) { if $0.isEqual("h2c") { isOffered = true } }
        }
        return isOffered
    }

    /// A request names exactly one host, or a server behind could choose another than we do (RFC 9112, 3.2).
    private func checkHost() throws(MalformedHead) {
        let count = fields.count { $0.meaning == .host }
        if count > 1 { throw MalformedHead(reason: "more than one Host field") }
        if count == 0, minorVersion == 1 { throw MalformedHead(reason: "no Host field") }
        // Empty where the target has none (RFC 9112, 3.2).
        guard let host = fields.first(where: { $0.meaning == .host }).map(value), !host.isEmpty else { return }
        guard RequestTarget.isAuthority(host) else { throw MalformedHead(reason: "a Host that is none") }
    }

    /// Where the body ends. Whatever could be read in two ways is refused (RFC 9112, 6.3).
    private func framing() throws(MalformedHead) -> MessageHead.Framing {
        var (length, lengthCount): (MessageHead.Field?, Int) = (nil, 0)
        var (encoding, encodingCount): (MessageHead.Field?, Int) = (nil, 0)
        for field in fields {
            if field.meaning == .contentLength { (length, lengthCount) = (field, lengthCount + 1) }
            if field.meaning == .transferEncoding { (encoding, encodingCount) = (field, encodingCount + 1) }
        }
        if let encoding {
            if lengthCount > 0 { throw MalformedHead(reason: "both Content-Length and Transfer-Encoding") }
            if minorVersion == 0 { throw MalformedHead(reason: "Transfer-Encoding in HTTP/1.0") }
            guard encodingCount == 1, value(encoding).isEqual("chunked") else {
                throw MalformedHead(reason: "a Transfer-Encoding other than chunked")
            }
            return .chunked
        }
        guard let length else { return kind == .request ? .none : .untilClose }
        guard lengthCount == 1 else { throw MalformedHead(reason: "more than one Content-Length") }
        let digits = value(length)
        guard !digits.isEmpty, digits.count <= 18, digits.allSatisfy({ (48...57).contains($0) }) else {
            throw MalformedHead(reason: "a Content-Length that is not a number")
        }
        let count = digits.reduce(0) { $0 * 10 + Int($1 - 48) }
        return count == 0 ? .none : .length(count)
    }

    /// HTTP/1.0 knows no such field (RFC 9110, 10.1.1).
    private var expectation: MessageHead.Expectation {
        guard minorVersion == 1 else { return .none }
        var expectation = MessageHead.Expectation.none
        for field in fields where field.meaning == .expect {
            expectation = value(field).isEqual("100-continue") && expectation == .none ? .toContinue : .unknown
        }
        return expectation
    }

    private func value(_ field: MessageHead.Field) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: raw[field.value])
    }
}

/// Comma-separated header values.
enum HeaderList {
    /// Calls `body` with each element, without white space around it.
    static func forEach(_ value: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) {
        var begin = 0
        while begin < value.count {
            var end = begin
            while end < value.count, value[end] != UInt8(ascii: ",") { end += 1 }
            var (first, last) = (begin, end)
            while first < last, value[first] == 32 || value[first] == 9 { first += 1 }
            while first < last, value[last - 1] == 32 || value[last - 1] == 9 { last -= 1 }
            if first < last { body(UnsafeRawBufferPointer(rebasing: value[first..<last])) }
            begin = end + 1
        }
    }
}

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
        let tokens = connectionTokens
        let isClosed = tokens.contains { $0.isEqual("close") }
        let isKept = tokens.contains { $0.isEqual("keep-alive") }
        // HTTP/1.0 cannot ask for one (RFC 9110, 7.8).
        let asksUpgrade =
            (kind == .response || minorVersion == 1) && tokens.contains { $0.isEqual("upgrade") }
            && fields.contains { $0.meaning == .upgrade }
        return MessageHead(
            start: start, authority: authority, minorVersion: minorVersion, fields: fields, framing: try framing(),
            isPersistent: !isClosed && (minorVersion == 1 || isKept), isUpgrade: asksUpgrade, expectation: expectation,
            bytes: bytes)
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
        let lengths = fields.filter { $0.meaning == .contentLength }
        let encodings = fields.filter { $0.meaning == .transferEncoding }
        guard encodings.isEmpty else {
            if !lengths.isEmpty { throw MalformedHead(reason: "both Content-Length and Transfer-Encoding") }
            if minorVersion == 0 { throw MalformedHead(reason: "Transfer-Encoding in HTTP/1.0") }
            guard encodings.count == 1, let encoding = encodings.first, value(encoding).isEqual("chunked") else {
                throw MalformedHead(reason: "a Transfer-Encoding other than chunked")
            }
            return .chunked
        }
        guard let first = lengths.first else { return kind == .request ? .none : .untilClose }
        guard lengths.count == 1 else { throw MalformedHead(reason: "more than one Content-Length") }
        let digits = value(first)
        guard !digits.isEmpty, digits.count <= 18, digits.allSatisfy({ (48...57).contains($0) }) else {
            throw MalformedHead(reason: "a Content-Length that is not a number")
        }
        let length = digits.reduce(0) { $0 * 10 + Int($1 - 48) }
        return length == 0 ? .none : .length(length)
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

    /// The elements of every `Connection` field.
    private var connectionTokens: [UnsafeRawBufferPointer] {
        fields.filter { $0.meaning == .connection }.flatMap { HeaderList.elements(value($0)) }
    }

    private func value(_ field: MessageHead.Field) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: raw[field.value])
    }
}

/// Comma-separated header values.
enum HeaderList {
    /// The elements, without white space around them.
    static func elements(_ value: UnsafeRawBufferPointer) -> [UnsafeRawBufferPointer] {
        value.split(separator: UInt8(ascii: ",")).compactMap { part in
            var range = part.startIndex..<part.endIndex
            while !range.isEmpty, value[range.lowerBound] == 32 || value[range.lowerBound] == 9 {
                range = range.lowerBound + 1..<range.upperBound
            }
            while !range.isEmpty, value[range.upperBound - 1] == 32 || value[range.upperBound - 1] == 9 {
                range = range.lowerBound..<range.upperBound - 1
            }
            return range.isEmpty ? nil : UnsafeRawBufferPointer(rebasing: value[range])
        }
    }
}

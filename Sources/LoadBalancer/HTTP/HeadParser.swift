import NIOCore

/// Parses the head of an HTTP/1.x message, strictly (RFC 9112): what two programs could read in two ways
/// is refused, for that is how requests are smuggled past a proxy.
struct HeadParser {
    enum Kind { case request, response }

    enum Outcome {
        case incomplete
        case complete(MessageHead)
        case malformed(String)
        case tooLarge
    }

    let kind: Kind
    /// Longest head, in bytes.
    let limit: Int
    /// Bytes already searched for the end of the head.
    private var searched = 0

    init(kind: Kind, limit: Int) {
        self.kind = kind
        self.limit = limit
    }

    /// Looks for a whole head at the beginning of `buffer`, and takes it from there.
    mutating func parse(_ buffer: inout ByteBuffer) -> Outcome {
        if kind == .request { skipEmptyLines(&buffer) }
        let length: Int
        switch findEnd(buffer) {
        case .none: return buffer.readableBytes > limit ? .tooLarge : .incomplete
        case .bareLineFeed: return .malformed("a line that ends without a carriage return")
        case .at(let end): length = end
        }
        guard length <= limit, let bytes = buffer.readSlice(length: length) else { return .tooLarge }
        searched = 0
        do {
            return .complete(try HeadReader(bytes: bytes, kind: kind).read())
        } catch {
            return .malformed(error.reason)
        }
    }

    /// Empty lines before a request are to be passed over (RFC 9112, 2.2), also when the carriage return
    /// has come before the line feed and been searched alone.
    private mutating func skipEmptyLines(_ buffer: inout ByteBuffer) {
        while searched <= 1, buffer.getInteger(at: buffer.readerIndex, as: UInt16.self) == 0x0d0a {
            buffer.moveReaderIndex(forwardBy: 2)
            searched = 0
        }
    }

    private enum End {
        case none
        /// Seen before the end: no need to wait for the rest of what will be refused.
        case bareLineFeed
        /// Length of the head with its empty line.
        case at(Int)
    }

    private mutating func findEnd(_ buffer: ByteBuffer) -> End {
        let end = buffer.withUnsafeReadableBytes { bytes -> End in
            var index = searched
            while index < bytes.count {
                if bytes[index] == 10 {
                    guard index > 0, bytes[index - 1] == 13 else { return .bareLineFeed }
                    if index > 2, bytes[index - 2] == 10, bytes[index - 3] == 13 { return .at(index + 1) }
                }
                index += 1
            }
            return .none
        }
        searched = buffer.readableBytes
        return end
    }
}

/// Why a head is refused.
struct MalformedHead: Error {
    var reason: String
}

/// Reads one whole head.
private struct HeadReader {
    let bytes: ByteBuffer
    let kind: HeadParser.Kind

    func read() throws(MalformedHead) -> MessageHead {
        let result = bytes.withUnsafeReadableBytes { raw -> Result<MessageHead, MalformedHead> in
            do throws(MalformedHead) {
                return .success(try read(raw))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func read(_ raw: UnsafeRawBufferPointer) throws(MalformedHead) -> MessageHead {
        var position = 0
        let firstLine = try line(raw, &position)
        let (start, authority, minorVersion) =
            kind == .request ? try requestLine(raw, firstLine) : try statusLine(raw, firstLine)
        var fields: [MessageHead.Field] = []
        fields.reserveCapacity(16)
        while true {
            let next = try line(raw, &position)
            if next.isEmpty { break }
            fields.append(try field(raw, next))
        }
        return try FieldMeaning(raw: raw, fields: fields, kind: kind, minorVersion: minorVersion)
            .head(start, authority: authority, bytes)
    }

    /// The next line, without its CR LF.
    private func line(_ raw: UnsafeRawBufferPointer, _ position: inout Int) throws(MalformedHead) -> Range<Int> {
        let begin = position
        while position < raw.count {
            let byte = raw[position]
            if byte == 13 {
                guard position + 1 < raw.count, raw[position + 1] == 10 else {
                    throw MalformedHead(reason: "a carriage return that ends no line")
                }
                position += 2
                return begin..<position - 2
            }
            if byte == 10 { throw MalformedHead(reason: "a line that ends without a carriage return") }
            if byte == 0 { throw MalformedHead(reason: "a NUL byte") }
            position += 1
        }
        throw MalformedHead(reason: "a line without an end")
    }

    private func requestLine(
        _ raw: UnsafeRawBufferPointer, _ line: Range<Int>
    ) throws(MalformedHead) -> (MessageHead.Start, authority: Range<Int>?, Int) {
        guard let first = raw[line].firstIndex(of: 32), let last = raw[line].lastIndex(of: 32), first < last else {
            throw MalformedHead(reason: "a request line other than METHOD TARGET VERSION")
        }
        let name = line.lowerBound..<first
        guard !name.isEmpty, raw[name].allSatisfy(\.isTokenByte) else {
            throw MalformedHead(reason: "a method that is not a token")
        }
        let target = first + 1..<last
        guard !target.isEmpty, raw[target].allSatisfy({ $0 > 32 && $0 != 127 }) else {
            throw MalformedHead(reason: "a target with white space or control characters in it")
        }
        let method = Method(UnsafeRawBufferPointer(rebasing: raw[name]))
        let isOptions = method == .otherIdempotent && raw[name].elementsEqual("OPTIONS".utf8)
        let asked = try RequestTarget(raw, target, method: method, isOptions: isOptions)
        return (
            .request(method: method, name: name, target: asked.path), asked.authority,
            try version(raw, last + 1..<line.upperBound)
        )
    }

    private func statusLine(
        _ raw: UnsafeRawBufferPointer, _ line: Range<Int>
    ) throws(MalformedHead) -> (MessageHead.Start, authority: Range<Int>?, Int) {
        guard line.count >= 12, raw[line.lowerBound + 8] == 32, line.count == 12 || raw[line.lowerBound + 12] == 32
        else {
            throw MalformedHead(reason: "a status line other than VERSION STATUS REASON")
        }
        let digits = raw[line.lowerBound + 9..<line.lowerBound + 12]
        guard digits.allSatisfy({ (48...57).contains($0) }) else {
            throw MalformedHead(reason: "a status that is not a number")
        }
        let status = digits.reduce(0) { $0 * 10 + Int($1 - 48) }
        guard (100...599).contains(status) else { throw MalformedHead(reason: "a status that is not from 100 to 599") }
        return (.response(status: status), nil, try version(raw, line.lowerBound..<line.lowerBound + 8))
    }

    private func version(_ raw: UnsafeRawBufferPointer, _ range: Range<Int>) throws(MalformedHead) -> Int {
        let text = UnsafeRawBufferPointer(rebasing: raw[range])
        if text.elementsEqual("HTTP/1.1".utf8) { return 1 }
        if text.elementsEqual("HTTP/1.0".utf8) { return 0 }
        throw MalformedHead(reason: "a version other than HTTP/1.1 and HTTP/1.0")
    }

    private func field(_ raw: UnsafeRawBufferPointer, _ line: Range<Int>) throws(MalformedHead) -> MessageHead.Field {
        guard let colon = raw[line].firstIndex(of: UInt8(ascii: ":")) else {
            throw MalformedHead(reason: "a header line without a colon")
        }
        // A line that begins with white space would be a folded one; its name is no token either.
        let name = line.lowerBound..<colon
        guard !name.isEmpty, raw[name].allSatisfy(\.isTokenByte) else {
            throw MalformedHead(reason: "a header name that is not a token, or white space around it")
        }
        var value = colon + 1..<line.upperBound
        while let byte = raw[value].first, byte == 32 || byte == 9 { value = value.lowerBound + 1..<value.upperBound }
        while let byte = raw[value].last, byte == 32 || byte == 9 { value = value.lowerBound..<value.upperBound - 1 }
        guard raw[value].allSatisfy(\.isFieldByte) else {
            throw MalformedHead(reason: "a header value with control characters in it")
        }
        return MessageHead.Field(
            name: name, value: value, meaning: FieldName(UnsafeRawBufferPointer(rebasing: raw[name])))
    }
}

extension UInt8 {
    /// `tchar` of RFC 9110, 5.6.2.
    var isTokenByte: Bool { Self.tokenBytes[Int(self)] }

    /// What may stand in a field's value: no control characters but the tab.
    var isFieldByte: Bool { self >= 32 && self != 127 || self == 9 }

    private static let tokenBytes: [Bool] = {
        var table = [Bool](repeating: false, count: 256)
        for byte in "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8 {
            table[Int(byte)] = true
        }
        return table
    }()
}

import Glibc
import NIOCore

/// Reads one whole head.
struct HeadReader {
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

    /// The next line, without its CR LF. What stands in it and may not is for those to find who read it byte by byte anyway.
    private func line(_ raw: UnsafeRawBufferPointer, _ position: inout Int) throws(MalformedHead) -> Range<Int> {
        let begin = position
        guard let feed = raw.lineFeed(from: begin) else { throw MalformedHead(reason: "a line without an end") }
        guard feed > begin, raw[feed - 1] == 13 else {
            throw Self.strayByte(raw, begin..<feed)
                ?? MalformedHead(reason: "a line that ends without a carriage return")
        }
        position = feed + 1
        return begin..<feed - 1
    }

    /// What no line may have anywhere, in its own words; nil when `line` has none of it.
    private static func strayByte(_ raw: UnsafeRawBufferPointer, _ line: Range<Int>) -> MalformedHead? {
        switch raw[line].first(where: { $0 == 13 || $0 == 0 }) {
        case 13: MalformedHead(reason: "a carriage return that ends no line")
        case 0: MalformedHead(reason: "a NUL byte")
        default: nil
        }
    }

    /// Why `line` is refused: for what it may not have anywhere, or else for `reason`.
    private static func refusal(
        _ reason: String, _ raw: UnsafeRawBufferPointer, _ line: Range<Int>
    ) -> MalformedHead {
        strayByte(raw, line) ?? MalformedHead(reason: reason)
    }

    private func requestLine(
        _ raw: UnsafeRawBufferPointer, _ line: Range<Int>
    ) throws(MalformedHead) -> (MessageHead.Start, authority: Range<Int>?, Int) {
        guard let first = raw[line].firstIndex(of: 32), let last = raw[line].lastIndex(of: 32), first < last else {
            throw Self.refusal("a request line other than METHOD TARGET VERSION", raw, line)
        }
        let name = line.lowerBound..<first
        guard !name.isEmpty, raw[name].allSatisfy(\.isTokenByte) else {
            throw Self.refusal("a method that is not a token", raw, line)
        }
        let target = first + 1..<last
        guard !target.isEmpty, raw[target].allSatisfy({ $0 > 32 && $0 != 127 }) else {
            throw Self.refusal("a target with white space or control characters in it", raw, line)
        }
        let method = Method(UnsafeRawBufferPointer(rebasing: raw[name]))
        let isOptions = method == .otherIdempotent && raw[name].elementsEqual("OPTIONS".utf8)
        let minorVersion = try version(raw, last + 1..<line.upperBound, line)
        let asked = try RequestTarget(raw, target, method: method, isOptions: isOptions)
        return (.request(method: method, name: name, target: asked.path), asked.authority, minorVersion)
    }

    private func statusLine(
        _ raw: UnsafeRawBufferPointer, _ line: Range<Int>
    ) throws(MalformedHead) -> (MessageHead.Start, authority: Range<Int>?, Int) {
        if let stray = Self.strayByte(raw, line) { throw stray }
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
        let minorVersion = try version(raw, line.lowerBound..<line.lowerBound + 8, line)
        return (.response(status: status), nil, minorVersion)
    }

    private func version(
        _ raw: UnsafeRawBufferPointer, _ range: Range<Int>, _ line: Range<Int>
    ) throws(MalformedHead) -> Int {
        let text = UnsafeRawBufferPointer(rebasing: raw[range])
        if text.isExactly("HTTP/1.1") { return 1 }
        if text.isExactly("HTTP/1.0") { return 0 }
        throw Self.refusal("a version other than HTTP/1.1 and HTTP/1.0", raw, line)
    }

    private func field(_ raw: UnsafeRawBufferPointer, _ line: Range<Int>) throws(MalformedHead) -> MessageHead.Field {
        // A line that begins with white space would be a folded one; its name is no token either.
        var colon = line.lowerBound
        while colon < line.upperBound, raw[colon].isTokenByte { colon += 1 }
        guard colon > line.lowerBound, colon < line.upperBound, raw[colon] == UInt8(ascii: ":") else {
            let hasColon = raw[line].contains(UInt8(ascii: ":"))
            throw Self.refusal(
                hasColon
                    ? "a header name that is not a token, or white space around it" : "a header line without a colon",
                raw, line)
        }
        var (begin, end) = (colon + 1, line.upperBound)
        while begin < end, raw[begin] == 32 || raw[begin] == 9 { begin += 1 }
        while begin < end, raw[end - 1] == 32 || raw[end - 1] == 9 { end -= 1 }
        guard raw.areFieldBytes(begin..<end) else {
            throw Self.refusal("a header value with control characters in it", raw, line)
        }
        let name = line.lowerBound..<colon
        return MessageHead.Field(
            name: name, value: begin..<end, meaning: FieldName(UnsafeRawBufferPointer(rebasing: raw[name])))
    }
}

extension UInt8 {
    /// `tchar` of RFC 9110, 5.6.2: letters, digits and ``!#$%&'*+-.^_`|~``, a bit for each.
    var isTokenByte: Bool {
        guard self < 128 else { return false }
        return (self < 64 ? 0x03ff_6cfa_0000_0000 : 0x57ff_ffff_c7ff_fffe as UInt64) >> UInt64(self & 63) & 1 == 1
    }

    /// What may stand in a field's value: no control characters but the tab.
    var isFieldByte: Bool { self >= 32 && self != 127 || self == 9 }
}

extension UnsafeRawBufferPointer {
    /// Where the next line feed is.
    func lineFeed(from begin: Int) -> Int? {
        guard begin < count, let base = baseAddress, let found = memchr(base + begin, 10, count - begin) else {
            return nil
        }
        return UnsafeRawPointer(found) - base
    }

    /// Whether all of these may stand in a field's value. Eight are looked at together, and one by one where one of them is
    /// below 32 or is 127: each byte of a word tells by its highest bit.
    func areFieldBytes(_ range: Range<Int>) -> Bool {
        var begin = range.lowerBound
        while range.upperBound - begin >= 8 {
            let word = loadUnaligned(fromByteOffset: begin, as: UInt64.self)
            let control = (word &- 0x2020_2020_2020_2020) & ~word
            let flipped = word ^ 0x7f7f_7f7f_7f7f_7f7f
            let delete = (flipped &- 0x0101_0101_0101_0101) & ~flipped
            if (control | delete) & 0x8080_8080_8080_8080 != 0,
                !self[begin..<begin + 8].allSatisfy(\.isFieldByte)
            {
                return false
            }
            begin += 8
        }
        return self[begin..<range.upperBound].allSatisfy(\.isFieldByte)
    }

    /// Compares with these bytes, case and all.
    func isExactly(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount, let base = baseAddress else { return false }
        return memcmp(base, text.utf8Start, count) == 0
    }
}

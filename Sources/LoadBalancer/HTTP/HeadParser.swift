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
            var from = searched
            while let feed = bytes.lineFeed(from: from) {
                guard feed > 0, bytes[feed - 1] == 13 else { return .bareLineFeed }
                if feed > 2, bytes[feed - 2] == 10, bytes[feed - 3] == 13 { return .at(feed + 1) }
                from = feed + 1
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

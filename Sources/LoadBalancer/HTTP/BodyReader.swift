import NIOCore

/// Takes the bytes of one body off a buffer, and knows where the body ends. Chunked bodies are checked
/// and passed on as they are, with the trailers that may be one, so nothing but the name of a trailer is ever held back; or
/// taken apart, for those who know none.
struct BodyReader {
    private enum State {
        case length(Int)
        case untilClose
        case chunkSize(value: Int, digits: Int)
        /// White space after a size: an extension follows, or the end of the line, and no second number.
        case chunkSizePadding(value: Int)
        case chunkExtension(value: Int)
        case chunkSizeLF(value: Int)
        case chunkData(Int)
        case chunkDataCR
        case chunkDataLF
        case trailerStart
        case trailerName
        case trailerValue
        case trailerLF
        case endLF
        case finished
    }

    private var state: State
    /// Whether only what is in chunks is passed on, without sizes and trailers.
    let isUnchunked: Bool
    /// What of the last bytes came before the one that ``read(_:)`` threw over, as it is to be passed on.
    private(set) var beforeFault: ByteBuffer?
    /// Bytes of the trailers, or of the extensions of one chunk: nobody's body, which must not grow for
    /// ever. Begun anew with every chunk that holds data, for a stream of chunks may go on for days.
    private var overhead = 0
    /// The trailers as they are passed on.
    private var trailers = TrailerFilter()
    private static let overheadLimit = 65_536

    init(_ framing: MessageHead.Framing, isUnchunked: Bool = false) {
        self.isUnchunked = isUnchunked
        state =
            switch framing {
            case .none: .finished
            case .length(let length): .length(length)
            case .chunked: .chunkSize(value: 0, digits: 0)
            case .untilClose: .untilClose
            }
    }

    var isFinished: Bool {
        if case .finished = state { true } else { false }
    }

    /// Whether the end of the connection is the end of the body.
    var endsWithConnection: Bool {
        if case .untilClose = state { true } else { false }
    }

    /// Takes what belongs to the body from the beginning of `buffer`.
    ///
    /// - Returns: what of them is to be passed on; nil when there is nothing.
    mutating func read(_ buffer: inout ByteBuffer) throws(MalformedHead) -> ByteBuffer? {
        let available = buffer.readableBytes
        guard available > 0 else { return nil }
        switch state {
        case .finished: return nil
        case .untilClose: return buffer.readSlice(length: available)
        case .length(let left):
            let count = min(left, available)
            state = left == count ? .finished : .length(left - count)
            return buffer.readSlice(length: count)
        default:
            var data: ByteBuffer? = isUnchunked ? ByteBuffer() : nil
            trailers.begin()
            let (count, fault) = scan(buffer, &data)
            let bytes = buffer.readSlice(length: count)
            let passed = data ?? trailers.filtered(bytes)
            if let fault {
                beforeFault = passed
                throw fault
            }
            return passed?.readableBytes == 0 ? nil : passed
        }
    }

    /// Goes through the chunks at the beginning of `buffer`, and appends what is in them to `data`, if it is wanted.
    ///
    /// - Returns: how many bytes belong to the body, and what is wrong with the one behind them.
    private mutating func scan(_ buffer: ByteBuffer, _ data: inout ByteBuffer?) -> (count: Int, fault: MalformedHead?) {
        buffer.withUnsafeReadableBytes { bytes in
            var index = 0
            do throws(MalformedHead) {
                while index < bytes.count {
                    if case .finished = state { break }
                    if case .chunkData(let left) = state {
                        let count = min(left, bytes.count - index)
                        state = left == count ? .chunkDataCR : .chunkData(left - count)
                        data?.writeBytes(bytes[index..<index + count])
                        index += count
                    } else {
                        let byte = bytes[index]
                        switch state {
                        case .trailerStart where byte != 13, .trailerName:
                            try step(byte)
                            trailers.takeName(byte, at: index)
                        case .trailerStart, .trailerValue, .trailerLF, .endLF:
                            try step(byte)
                            trailers.take(byte)
                        default: try step(byte)
                        }
                        if case .trailerStart = state { trailers.endLine() }
                        index += 1
                    }
                }
                return (index, nil)
            } catch {
                return (index, error)
            }
        }
    }

    /// One byte outside of chunk data.
    private mutating func step(_ byte: UInt8) throws(MalformedHead) {
        switch state {
        case .chunkSize(let value, let digits):
            if let digit = byte.hexDigit {
                guard digits < 15 else { throw MalformedHead(reason: "a chunk size that is too long") }
                state = .chunkSize(value: value << 4 | digit, digits: digits + 1)
            } else if digits == 0 {
                throw MalformedHead(reason: "a chunk size that is not a number")
            } else {
                try endChunkSize(byte, value)
            }
        case .chunkSizePadding(let value): try endChunkSize(byte, value)
        case .chunkExtension(let value):
            try countOverhead()
            if byte == 13 { return state = .chunkSizeLF(value: value) }
            if byte == 10 { throw MalformedHead(reason: "a chunk size line that ends without a carriage return") }
            guard byte.isFieldByte else {
                throw MalformedHead(reason: "a chunk extension with control characters in it")
            }
        case .chunkSizeLF(let value):
            try expect(byte, 10)
            overhead = 0
            state = value == 0 ? .trailerStart : .chunkData(value)
        case .chunkDataCR:
            try expect(byte, 13)
            state = .chunkDataLF
        case .chunkDataLF:
            try expect(byte, 10)
            state = .chunkSize(value: 0, digits: 0)
        case .trailerStart:
            try countOverhead()
            if byte == 13 {
                state = .endLF
            } else {
                guard byte.isTokenByte else { throw MalformedHead(reason: "a trailer that is not a header line") }
                state = .trailerName
            }
        case .trailerName:
            try countOverhead()
            if byte == UInt8(ascii: ":") { return state = .trailerValue }
            guard byte.isTokenByte else { throw MalformedHead(reason: "a trailer that is not a header line") }
        case .trailerValue:
            try countOverhead()
            if byte == 13 { return state = .trailerLF }
            guard byte.isFieldByte else { throw MalformedHead(reason: "a trailer with control characters in it") }
        case .trailerLF:
            try expect(byte, 10)
            state = .trailerStart
        case .endLF:
            try expect(byte, 10)
            state = .finished
        case .length, .untilClose, .chunkData, .finished: break
        }
    }

    private mutating func endChunkSize(_ byte: UInt8, _ value: Int) throws(MalformedHead) {
        try countOverhead()
        switch byte {
        case 13: state = .chunkSizeLF(value: value)
        case 10: throw MalformedHead(reason: "a chunk size line that ends without a carriage return")
        case UInt8(ascii: ";"): state = .chunkExtension(value: value)
        case 32, 9: state = .chunkSizePadding(value: value)
        default: throw MalformedHead(reason: "a chunk size that is not a number")
        }
    }

    private mutating func countOverhead() throws(MalformedHead) {
        overhead += 1
        if overhead > Self.overheadLimit { throw MalformedHead(reason: "too many trailers or chunk extensions") }
    }

    private func expect(_ byte: UInt8, _ expected: UInt8) throws(MalformedHead) {
        guard byte == expected else { throw MalformedHead(reason: "a chunk that does not end where it says") }
    }
}

extension UInt8 {
    fileprivate var hexDigit: Int? {
        switch self {
        case 48...57: Int(self) - 48
        case 65...70: Int(self) - 55
        case 97...102: Int(self) - 87
        default: nil
        }
    }
}

import NIOCore

/// Takes trailers out of a body that say what a trailer must not say (RFC 9110, 6.5.1): where a message ends, whose it is, for
/// whom it is. Who puts trailers and header together, as some servers do, would believe them, after they were dropped from
/// the header or refused there.
///
/// Only the name of a trailer is held back, until it is known. A body without trailers costs nothing.
struct TrailerFilter {
    /// What has come of the name of the line that is being read.
    private var name: [UInt8] = []
    private var isInLine = false
    private var isDropped = false
    /// Where in the bytes that are being read the first trailer begins; nil while there was none.
    private var first: Int?
    private var kept = ByteBuffer()

    /// To be called before more bytes are read.
    mutating func begin() {
        first = isInLine ? 0 : nil
        kept = ByteBuffer()
    }

    /// A byte of a name, or the colon behind it.
    mutating func takeName(_ byte: UInt8, at index: Int) {
        first = first ?? index
        isInLine = true
        name.append(byte)
        guard byte == UInt8(ascii: ":") else { return }
        isDropped = Self.isForbidden(name.dropLast())
        if !isDropped { kept.writeBytes(name) }
        name = []
    }

    /// A byte behind that, or of the empty line that ends all.
    mutating func take(_ byte: UInt8) {
        if first != nil, !isDropped { kept.writeInteger(byte) }
    }

    mutating func endLine() {
        isInLine = false
        isDropped = false
    }

    /// What of the bytes that were read is to be passed on.
    func filtered(_ bytes: ByteBuffer?) -> ByteBuffer? {
        guard let first, var passed = bytes?.getSlice(at: bytes?.readerIndex ?? 0, length: first) else { return bytes }
        passed.writeImmutableBuffer(kept)
        return passed
    }

    private static func isForbidden(_ name: ArraySlice<UInt8>) -> Bool {
        // Servers that hand fields on as variables take an underscore for a hyphen.
        let plain = name.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : $0 }
        if plain.withUnsafeBytes({ FieldName($0) }) != .other { return true }
        let text = String(decoding: plain, as: UTF8.self).lowercased()
        return forbidden.contains(text) || ["x-forwarded-", "if-", "proxy-"].contains(where: text.hasPrefix)
    }

    /// Those that mean something to a proxy are not told again.
    private static let forbidden: Set<String> = [
        "age", "authorization", "cache-control", "content-encoding", "content-range", "content-type", "cookie", "date",
        "expires", "forwarded", "location", "max-forwards", "pragma", "range", "retry-after", "set-cookie", "trailer",
        "vary", "warning", "www-authenticate", "x-real-ip",
    ]
}

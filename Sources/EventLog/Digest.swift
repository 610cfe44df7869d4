import Crypto
import Foundation

/// The SHA-256 that chains an event to the one before it.
///
/// It covers the digest before it, then each column in the order of the table, each as its length in
/// bytes (8 bytes, big endian) and its bytes; integers as decimal text; NULL as length 2^64 - 1.
/// Whoever changes, removes or inserts a row by going around the triggers breaks the chain there.
struct Digest: Hashable, Sendable {
    static let byteCount = 32
    let bytes: Data

    /// What the first event is chained to.
    static let zero = Digest(bytes: Data(count: byteCount))

    init(bytes: Data) { self.bytes = bytes }

    /// Nil for what is not 64 hexadecimal digits.
    init?(hexadecimal text: Substring) {
        let digits = text.compactMap(\.hexDigitValue)
        guard digits.count == 2 * Self.byteCount, digits.count == text.count else { return nil }
        bytes = Data(stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) })
    }

    var hexadecimal: String { bytes.hexadecimal }

    init(after previous: Digest, row: EventRow) {
        var columns = ChainedColumns(after: previous)
        columns.add(String(row.position))
        columns.add(row.stream)
        columns.add(String(row.version))
        columns.add(row.type)
        columns.add(String(row.schemaVersion))
        columns.add(String(row.atMicroseconds))
        columns.add(row.service)
        columns.add(row.replica.map(String.init))
        columns.add(row.actor)
        columns.add(row.component)
        columns.add(row.commandID)
        columns.add(row.cause.map(String.init))
        columns.add(row.payload)
        self = columns.digest
    }

    /// The same of a row as it is stored, to the last byte of each text; nil when one of its columns holds a value of
    /// another kind than was ever written there.
    ///
    /// - Parameter row: the columns of `events` in the order of the table.
    init?(after previous: Digest, stored row: QuickStatement.Columns) {
        var columns = ChainedColumns(after: previous)
        for (index, (kind, mayBeNull)) in Self.kinds.enumerated() {
            let index = CInt(index)
            switch row.kind(index) {
            case .null where mayBeNull: columns.add(nil)
            case .integer where kind == .integer: columns.add(String(row.int(index)))
            case .text where kind == .text: columns.add(row.bytes(index))
            case .null, .integer, .real, .text, .blob: return nil
            }
        }
        self = columns.digest
    }

    /// What each column of `events` holds, in the order of the table.
    private static let kinds: [(StoredKind, mayBeNull: Bool)] = [
        (.integer, false), (.text, false), (.integer, false), (.text, false), (.integer, false), (.integer, false),
        (.text, true), (.integer, true), (.text, false), (.text, false), (.text, true), (.integer, true),
        (.text, false),
    ]
}

/// The columns of an event, gathered: to hash a few bytes takes nearly as long as to hash many.
private struct ChainedColumns {
    private var bytes: [UInt8]

    init(after previous: Digest) {
        bytes = Array(previous.bytes)
        bytes.reserveCapacity(1024)
    }

    mutating func add(_ text: String?) {
        guard var text else { return withUnsafeBytes(of: UInt64.max) { bytes.append(contentsOf: $0) } }
        text.withUTF8 { add(UnsafeRawBufferPointer($0)) }
    }

    mutating func add(_ text: UnsafeRawBufferPointer) {
        withUnsafeBytes(of: UInt64(text.count).bigEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: text)
    }

    var digest: Digest { Digest(bytes: SHA256.hash(data: bytes).withUnsafeBytes { Data($0) }) }
}

extension Data {
    /// Two small digits for each byte.
    var hexadecimal: String {
        withUnsafeBytes { bytes in
            String(unsafeUninitializedCapacity: 2 * bytes.count) { digits in
                for (index, byte) in bytes.enumerated() {
                    digits[2 * index] = Self.digit(byte >> 4)
                    digits[2 * index + 1] = Self.digit(byte & 15)
                }
                return 2 * bytes.count
            }
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 87 + value }
}

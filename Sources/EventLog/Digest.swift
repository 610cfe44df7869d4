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

    init(after previous: Digest, row: EventRow) {
        // Gathered first: to hash a few bytes takes nearly as long as to hash many.
        var hashed = Array(previous.bytes)
        hashed.reserveCapacity(1024)
        func add(_ text: String?) {
            guard var text else { return withUnsafeBytes(of: UInt64.max) { hashed.append(contentsOf: $0) } }
            text.withUTF8 { utf8 in
                withUnsafeBytes(of: UInt64(utf8.count).bigEndian) { hashed.append(contentsOf: $0) }
                hashed.append(contentsOf: utf8)
            }
        }
        add(String(row.position))
        add(row.stream)
        add(String(row.version))
        add(row.type)
        add(String(row.schemaVersion))
        add(String(row.atMicroseconds))
        add(row.service)
        add(row.replica.map(String.init))
        add(row.actor)
        add(row.component)
        add(row.commandID)
        add(row.cause.map(String.init))
        add(row.payload)
        bytes = Data(SHA256.hash(data: hashed))
    }
}

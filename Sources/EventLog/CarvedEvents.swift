import Foundation

/// Events found in the bytes of a log's files by the form of their rows alone, whatever leads to them: neither the
/// schema, nor the page that says where a table begins, nor the header of the page that they are in is needed.
///
/// What is found may be old or half overwritten. Whoever takes one holds it against the chain of digests, which tells an
/// event that was recorded from everything else.
///
/// Frames of the WAL count up to the last one that ended a transaction: of what comes after it nothing was acknowledged.
struct CarvedEvents {
    /// An event's row with the digest that is stored beside it.
    struct Event: Hashable {
        var row: EventRow
        var digest: Digest
    }

    private var found: [Int: [Event]] = [:]

    /// The last position of which anything was found; 0 when nothing was.
    var lastPosition: Int { found.keys.max() ?? 0 }

    /// - Parameter position: events up to it are passed over.
    init(database path: String, after position: Int) {
        let sizes = PageSizes(database: path)
        for pageBytes in Set(sizes.ofDatabase + [sizes.ofWAL]) {
            let files = LogPages(database: path, pageBytes: pageBytes, sizes)
            for page in files.images {
                page.withUnsafeBytes { bytes in
                    for offset in bytes.indices {
                        guard let record = EventRecord(bytes, at: offset), record.position > position,
                            let event = record.event(bytes, overflow: files.page)
                        else { continue }
                        keep(event)
                    }
                }
            }
        }
    }

    private mutating func keep(_ event: Event) {
        let others = found[event.row.position] ?? []
        if !others.contains(event) { found[event.row.position] = others + [event] }
    }

    /// The event at a position that follows the one with this digest, exactly as it was recorded.
    func event(at position: Int, after previous: Digest) -> Event? {
        found[position]?.first { Digest(after: previous, row: $0.row) == $0.digest }
    }
}

/// A cell of a table's leaf page that has the form of a row of `events`: the length of what follows, the row's number,
/// then a type for each column, then the columns (<https://www.sqlite.org/fileformat2.html>, 1.6 and 2.1).
private struct EventRecord {
    let position: Int
    private let start: Int
    private let byteCount: Int
    private let types: [Column]

    private enum Column {
        case null
        case integer(byteCount: Int)
        case constant(Int)
        case text(byteCount: Int)
        case blob(byteCount: Int)

        init?(type: Int) {
            switch type {
            case 0: self = .null
            case 1...4: self = .integer(byteCount: type)
            case 5: self = .integer(byteCount: 6)
            case 6: self = .integer(byteCount: 8)
            case 8, 9: self = .constant(type - 8)
            case 12...1 << 31:
                self = type % 2 == 0 ? .blob(byteCount: (type - 12) / 2) : .text(byteCount: (type - 13) / 2)
            default: return nil
            }
        }

        var byteCount: Int {
            switch self {
            case .null, .constant: 0
            case .integer(let count), .text(let count), .blob(let count): count
            }
        }

        var isInteger: Bool {
            switch self {
            case .integer, .constant: true
            case .null, .text, .blob: false
            }
        }

        var isText: Bool { if case .text = self { true } else { false } }
        var isNull: Bool { if case .null = self { true } else { false } }
    }

    /// Nil when no such cell begins there. Most offsets are told by the first few bytes.
    init?(_ page: UnsafeRawBufferPointer, at offset: Int) {
        var reader = VarintReader(page, at: offset)
        guard let byteCount = reader.next(), byteCount > Digest.byteCount, byteCount < 1 << 30,
            let position = reader.next(), position > 0
        else { return nil }
        start = reader.offset
        // Fourteen types, of which three may take more than a byte.
        guard let headerBytes = reader.next(), (15...30).contains(headerBytes) else { return nil }
        var types: [Column] = []
        while reader.offset < start + headerBytes {
            guard let type = reader.next(), let column = Column(type: type) else { return nil }
            // A row's number is its position, which is not stored twice.
            if types.isEmpty, !column.isNull { return nil }
            types.append(column)
        }
        guard reader.offset == start + headerBytes, types.count == 14, Self.areThoseOfAnEvent(types),
            headerBytes + types.reduce(0, { $0 + $1.byteCount }) == byteCount
        else { return nil }
        (self.position, self.byteCount, self.types) = (position, byteCount, types)
    }

    private static func areThoseOfAnEvent(_ types: [Column]) -> Bool {
        guard case .blob(Digest.byteCount) = types[13] else { return false }
        return [1, 3, 8, 9, 12].allSatisfy { types[$0].isText } && [2, 4, 5].allSatisfy { types[$0].isInteger }
            && [6, 10].allSatisfy { types[$0].isText || types[$0].isNull }
            && [7, 11].allSatisfy { types[$0].isInteger || types[$0].isNull }
    }

    /// The event, with what of it lies on other pages; nil when it is not all there.
    func event(_ page: UnsafeRawBufferPointer, overflow: (UInt32) -> Data?) -> CarvedEvents.Event? {
        guard let bytes = content(page, overflow) else { return nil }
        var offset = Int(bytes[0])
        let columns: [ArraySlice<UInt8>] = types.map { type in
            defer { offset += type.byteCount }
            return bytes[offset..<offset + type.byteCount]
        }
        func text(_ column: Int) -> String? {
            types[column].isText ? String(validating: columns[column], as: UTF8.self) : nil
        }
        func integer(_ column: Int) -> Int64? {
            switch types[column] {
            case .constant(let value): Int64(value)
            case .integer(let count):
                // Two's complement, so the first bit is that of all those before it.
                (columns[column].reduce(0 as Int64) { $0 << 8 | Int64($1) } << (64 - 8 * count)) >> (64 - 8 * count)
            case .null, .text, .blob: nil
            }
        }
        guard let stream = text(1), let version = integer(2), let type = text(3), let schemaVersion = integer(4),
            let at = integer(5), let actor = text(8), let component = text(9), let payload = text(12)
        else { return nil }
        let row = EventRow(
            position: position, stream: stream, version: Int(version), type: type, schemaVersion: Int(schemaVersion),
            atMicroseconds: at, service: text(6), replica: integer(7).map(Int.init), actor: actor,
            component: component, commandID: text(10), cause: integer(11).map(Int.init), payload: payload)
        return CarvedEvents.Event(row: row, digest: Digest(bytes: Data(columns[13])))
    }

    /// The record's bytes: so many of them are in the page itself, and the rest in a list of others.
    private func content(_ page: UnsafeRawBufferPointer, _ overflow: (UInt32) -> Data?) -> [UInt8]? {
        let usable = page.count
        let most = usable - 35
        let least = (usable - 12) * 32 / 255 - 23
        let fitting = least + (byteCount - least) % (usable - 4)
        let local = byteCount <= most ? byteCount : fitting <= most ? fitting : least
        guard start + local <= page.count else { return nil }
        var bytes = [UInt8](page[start..<start + local])
        guard local < byteCount else { return bytes }
        guard start + local + 4 <= page.count else { return nil }
        bytes.reserveCapacity(byteCount)
        var next = page[start + local..<start + local + 4].reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
        // Each page adds to it, so a list that is damaged into a ring ends as well.
        while bytes.count < byteCount {
            guard let data = overflow(next) else { return nil }
            next = data.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
            bytes += data.dropFirst(4).prefix(byteCount - bytes.count)
        }
        return bytes
    }
}

/// Reads SQLite's integers of one to nine bytes.
private struct VarintReader {
    private let page: UnsafeRawBufferPointer
    private(set) var offset: Int

    init(_ page: UnsafeRawBufferPointer, at offset: Int) {
        self.page = page
        self.offset = offset
    }

    mutating func next() -> Int? {
        var value: UInt64 = 0
        for index in 0..<9 {
            guard offset < page.count else { return nil }
            let byte = page[offset]
            offset += 1
            if index == 8 { return Int(truncatingIfNeeded: value << 8 | UInt64(byte)) }
            value = value << 7 | UInt64(byte & 0x7F)
            if byte < 0x80 { break }
        }
        return Int(truncatingIfNeeded: value)
    }
}

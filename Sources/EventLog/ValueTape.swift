import Foundation

/// What values are handed to, one parameter after the other.
protocol ParameterBinding {
    mutating func bind(_ text: String?)
    mutating func bind(_ number: Int64?)
    mutating func bind(_ number: Double?)
}

extension ParameterBinding {
    mutating func bind(_ number: Int?) { bind(number.map(Int64.init)) }

    mutating func bind(_ flag: Bool) { bind(flag ? 1 : 0 as Int64) }
}

/// Values of SQLite's kinds as bytes, one after the other: how one process tells another what is to be written.
struct ValueTape: ParameterBinding {
    fileprivate enum Tag: UInt8 { case null, integer, real, text }

    private(set) var bytes: [UInt8] = []

    init() { bytes.reserveCapacity(2_048) }

    mutating func bind(_ text: String?) {
        guard var text else { return bytes.append(Tag.null.rawValue) }
        text.withUTF8 { utf8 in
            add(.text, UInt64(utf8.count))
            bytes.append(contentsOf: utf8)
        }
    }

    mutating func bind(_ number: Int64?) {
        guard let number else { return bytes.append(Tag.null.rawValue) }
        add(.integer, UInt64(bitPattern: number))
    }

    mutating func bind(_ number: Double?) {
        guard let number else { return bytes.append(Tag.null.rawValue) }
        add(.real, number.bitPattern)
    }

    private mutating func add(_ tag: Tag, _ bits: UInt64) {
        bytes.append(tag.rawValue)
        withUnsafeBytes(of: bits) { bytes.append(contentsOf: $0) }
    }
}

/// Reads a ``ValueTape``. Whatever is on it, nothing is read that is not there.
struct TapeReader {
    /// It ends too early, or holds another kind of value than was asked for.
    struct Malformed: Error {}

    enum Value {
        case null
        case integer(Int64)
        case real(Double)
        /// Valid for as long as the bytes are that are read.
        case text(UnsafeRawBufferPointer)
    }

    /// What has not been read yet.
    private(set) var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func next() throws(Malformed) -> Value {
        guard let first = rest.first, let tag = ValueTape.Tag(rawValue: first) else { throw Malformed() }
        if tag == .null {
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
            return .null
        }
        guard rest.count >= 9 else { throw Malformed() }
        let bits = rest.loadUnaligned(fromByteOffset: 1, as: UInt64.self)
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(9))
        switch tag {
        case .integer: return .integer(Int64(bitPattern: bits))
        case .real: return .real(Double(bitPattern: bits))
        case .null, .text:
            guard let count = Int(exactly: bits), count <= rest.count else { throw Malformed() }
            let text = UnsafeRawBufferPointer(rebasing: rest.prefix(count))
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            return .text(text)
        }
    }

    mutating func integer() throws(Malformed) -> Int {
        guard let integer = try optionalInteger() else { throw Malformed() }
        return integer
    }

    mutating func optionalInteger() throws(Malformed) -> Int? {
        switch try next() {
        case .integer(let number): Int(number)
        case .null: nil
        case .real, .text: throw Malformed()
        }
    }

    mutating func text() throws(Malformed) -> String {
        guard let text = try optionalText() else { throw Malformed() }
        return text
    }

    mutating func optionalText() throws(Malformed) -> String? {
        switch try next() {
        case .text(let bytes): String(decoding: bytes, as: UTF8.self)
        case .null: nil
        case .integer, .real: throw Malformed()
        }
    }
}

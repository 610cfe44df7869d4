/// A name that is safe as a path component, as a column value and on a command line.
///
/// The form is SkyServe's for service names, `[a-z]([-a-z0-9]*[a-z0-9])?`, at most 63 bytes long
/// (a DNS label), so that no name can climb out of a folder, hide in a shell, or need quoting.
public protocol Name: RawRepresentable, Hashable, Comparable, Sendable, Codable, CodingKeyRepresentable,
    CustomStringConvertible
where RawValue == String {
    /// Wraps a string that is already known to be valid, or fails.
    init?(rawValue: String)
}

extension Name {
    public var description: String { rawValue }

    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let name = Self(rawValue: text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not a valid name: \(text)"))
        }
        self = name
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

/// The rule every ``Name`` obeys, in words for people who broke it.
public enum NameRule {
    /// Longest name, in bytes.
    public static let maximumLength = 63

    public static let inWords =
        "lower-case letters, digits and dashes, starting with a letter, ending with a letter or digit, at most 63"

    public static func accepts(_ text: String) -> Bool {
        let bytes = text.utf8
        guard let first = bytes.first, let last = bytes.last, bytes.count <= maximumLength else {
            return false
        }
        return isLetter(first) && last != dash && bytes.allSatisfy { isLetter($0) || isDigit($0) || $0 == dash }
    }

    private static let dash = UInt8(ascii: "-")
    private static func isLetter(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z") }
    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}

/// Names a controller, and with it the controller's stream of events.
public struct ControllerName: Name {
    public let rawValue: String
    public init?(rawValue: String) {
        guard NameRule.accepts(rawValue) else { return nil }
        self.rawValue = rawValue
    }
}

/// Names a service; unique on its controller.
public struct ServiceName: Name {
    public let rawValue: String
    public init?(rawValue: String) {
        guard NameRule.accepts(rawValue) else { return nil }
        self.rawValue = rawValue
    }
}

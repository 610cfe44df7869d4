/// What a plain (unquoted) scalar means, by the rules of YAML 1.1 as PyYAML applies them: they are what
/// SkyPilot reads files with. `yes` and `off` are true and false, `0x1f`, `017` and `1:30` are numbers,
/// `1e3` is a text (it has no point), and `~` is nothing. A date stays a text.
enum PlainScalar {
    static func content(_ text: String) -> YAMLNode.Content {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON": return .bool(true)
        case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF": return .bool(false)
        default: break
        }
        // No number is longer, and most texts are.
        guard text.utf8.count <= 400 else { return .string(text) }
        let bytes = Array(text.utf8)
        if let value = integer(bytes) ?? float(bytes) { return .number(value, written: text) }
        return .string(text)
    }

    /// What PyYAML makes a date of: `2024-01-01`, and with a time of day.
    static func isDate(_ text: String) -> Bool {
        guard text.utf8.count <= 64, let first = text.utf8.first, isDigit(first), text.utf8.contains(UInt8(ascii: "-"))
        else { return false }
        return text.wholeMatch(of: /[0-9]{4}-[0-9]{2}-[0-9]{2}/) != nil
            || text.wholeMatch(
                of:
                    /[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?/
            ) != nil
    }

    private static func integer(_ bytes: [UInt8]) -> Double? {
        let (sign, digits) = signed(bytes[...])
        guard let first = digits.first, isDigit(first) else { return nil }
        if first == zero, digits.count > 1 {
            switch digits[digits.startIndex + 1] {
            case UInt8(ascii: "x"): return number(digits.dropFirst(2), radix: 16).map { sign * $0 }
            case UInt8(ascii: "b"): return number(digits.dropFirst(2), radix: 2).map { sign * $0 }
            default: return number(digits.dropFirst(), radix: 8).map { sign * $0 }
            }
        }
        if digits.contains(colon) { return first == zero ? nil : sexagesimal(digits).map { sign * $0 } }
        return number(digits, radix: 10).map { sign * $0 }
    }

    private static func float(_ bytes: [UInt8]) -> Double? {
        let (sign, digits) = signed(bytes[...])
        switch String(decoding: digits, as: UTF8.self) {
        case ".inf", ".Inf", ".INF": return sign * .infinity
        case ".nan", ".NaN", ".NAN": return bytes.count == 4 ? .nan : nil
        default: break
        }
        guard let point = digits.firstIndex(of: UInt8(ascii: ".")) else { return nil }
        let whole = digits[..<point]
        let rest = digits[(point + 1)...]
        let mantissaEnd = rest.firstIndex { $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "E") } ?? rest.endIndex
        let fraction = rest[..<mantissaEnd]
        let exponent = rest[mantissaEnd...]
        guard fraction.allSatisfy({ isDigit($0) || $0 == underscore }) else { return nil }
        if whole.contains(colon) {
            guard exponent.isEmpty, let first = whole.first, isDigit(first), let minutes = sexagesimal(whole) else {
                return nil
            }
            return decimal([], fraction, []).map { sign * (minutes + $0) }
        }
        if whole.isEmpty {
            // `.5`, but not `-.5`, which PyYAML takes for a text.
            guard digits.count == bytes.count, fraction.first.map(isDigit) == true else { return nil }
        } else {
            guard isDigit(whole[whole.startIndex]), whole.allSatisfy({ isDigit($0) || $0 == underscore }) else {
                return nil
            }
        }
        guard exponent.isEmpty || isExponent(exponent.dropFirst()) else { return nil }
        return decimal(whole, fraction, exponent).map { sign * $0 }
    }

    private static func signed(_ bytes: ArraySlice<UInt8>) -> (Double, ArraySlice<UInt8>) {
        switch bytes.first {
        case UInt8(ascii: "-"): (-1, bytes.dropFirst())
        case UInt8(ascii: "+"): (1, bytes.dropFirst())
        default: (1, bytes)
        }
    }

    /// Digits of one radix with `_` between them; nil when there is anything else.
    private static func number(_ digits: ArraySlice<UInt8>, radix: Double) -> Double? {
        var value = 0.0
        var any = false
        for digit in digits where digit != underscore {
            guard let next = hexadecimal(digit), next < radix else { return nil }
            value = value * radix + next
            any = true
        }
        return any ? value : nil
    }

    /// `1:30:00`; PyYAML wants 0 to 59 after each colon.
    private static func sexagesimal(_ digits: ArraySlice<UInt8>) -> Double? {
        let parts = digits.split(separator: colon, omittingEmptySubsequences: false)
        guard let first = parts.first, var value = number(first, radix: 10) else { return nil }
        for part in parts.dropFirst() {
            guard part.count <= 2, let next = number(part, radix: 10), next < 60, !part.contains(underscore) else {
                return nil
            }
            value = value * 60 + next
        }
        return value
    }

    private static func isExponent(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let sign = bytes.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else { return false }
        return bytes.count > 1 && bytes.dropFirst().allSatisfy(isDigit)
    }

    private static func decimal(
        _ whole: ArraySlice<UInt8>, _ fraction: ArraySlice<UInt8>, _ exponent: ArraySlice<UInt8>
    ) -> Double? {
        let text = "0" + text(whole) + "." + text(fraction) + "0" + text(exponent)
        return Double(text)
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.filter { $0 != underscore }, as: UTF8.self)
    }

    private static let zero = UInt8(ascii: "0")
    private static let colon = UInt8(ascii: ":")
    private static let underscore = UInt8(ascii: "_")

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= zero && byte <= UInt8(ascii: "9") }

    private static func hexadecimal(_ byte: UInt8) -> Double? {
        switch byte {
        case zero...UInt8(ascii: "9"): Double(byte - zero)
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Double(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Double(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}

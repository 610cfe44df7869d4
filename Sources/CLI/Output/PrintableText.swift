/// Texts that others have written (reasons, answers of probes, the last lines of a log) on their way to a terminal, which
/// takes some characters for orders: to move, to recolour, to turn what follows around.
extension String {
    /// With such characters written as `\x1b`, and as many lines as before.
    var printable: String {
        guard unicodeScalars.contains(where: { $0.isTakenForAnOrder && $0 != "\n" }) else { return self }
        var text = ""
        for scalar in replacing("\r\n", with: "\n").unicodeScalars {
            if scalar.isTakenForAnOrder, scalar != "\n" {
                let number = String(scalar.value, radix: 16)
                text += number.count > 2 ? "\\u{\(number)}" : "\\x" + (number.count < 2 ? "0" : "") + number
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    /// The same with newlines written as `\n`: nothing can look like a line of its own.
    var oneLine: String { printable.replacing("\n", with: "\\n") }

    /// The same in one line.
    var printableLine: String { printable.split(whereSeparator: \.isNewline).joined(separator: " / ") }
}

extension Unicode.Scalar {
    fileprivate var isTakenForAnOrder: Bool {
        switch value {
        case 0x09: false
        case 0x00..<0x20, 0x7F..<0xA0: true
        // What turns the direction of writing around.
        case 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}

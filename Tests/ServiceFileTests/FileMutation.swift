import TestKit

/// Changes a file that somebody could have written into one that nobody would have: bytes, values, lines, and pieces of
/// another file.
struct FileMutation {
    var random: SeededGenerator

    private static let bytes =
        Array("{}[]:,-|>&*!%@`\"'#?=~\\/.$\n\r\t 019aezAZ\u{0}\u{7f}".utf8) + [0xC3, 0xE2, 0xF0, 0xFF]

    /// Numbers at their ends, times, texts that are something else in YAML, and what programs come to harm by.
    private static let values =
        [
            ".inf", "-.inf", ".nan", "1e308", "1e400", "-1", "-0", "0", "0.5", "1e-320", "255", "65535", "65536",
            "9223372036854775807", "9223372036854775808", "-9223372036854775808", "0x7fffffffffffffff", "1_000", "0o17",
            "190:20:30", "true", "no", "~", "null", "''", "[]", "{}", "[[[]]]", "{a: {b: [c]}}", "*p", "*q", "&q 1",
            "!!str 1",
            "!!binary aGk=", "!!python/object:os.system x", "2001-01-01", "2001-12-14t21:59:43.10-05:00", "<<",
            "1e-300s", "0s", "1s", "9999999999w", "99999999999999999999d", "1h-1m", "1d 2h 3m 4.5s", "10m", "-5m",
            "\"\\u0000\"", "\"\\ud800\"", "\"\\n\"", "\"\\e[2J\"", "\u{202e}x", "e\u{301}", "8080-8079", "1-65535",
            "0-0", "[1-2, 3]",
            "../../x", "/", "~root", "~/x", "http://[", "https://u:p@h/x", "file:///x", "git@h:x", "$HOME", "${A}",
            "$(x)",
            "${A:-${B}}", "Mon-Sun 00:00-24:00", "Mon 99:99", "25:00", "Fri 10:00 Europe/Nowhere", "\"A100:1\"",
            "\"A100:0.5\"",
            "{\"A100:1\": 1e308}", "|\n  x", ">-\n\n\n", "'", "\"", "- ", "? x", "# x",
        ] + [String(repeating: "a", count: 5_000), String(repeating: "[", count: 300)]

    /// One to three changes of `text`; of `other` it may get pieces.
    mutating func mutated(_ text: String, with other: String) -> [UInt8] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { Array($0.utf8) }
        for _ in 0...random.below(3) { change(&lines, other) }
        return Array(lines.joined(separator: [UInt8(ascii: "\n")]))
    }

    private mutating func change(_ lines: inout [[UInt8]], _ other: String) {
        let at = random.below(lines.count)
        switch random.below(10) {
        case 0...3: replaceValue(&lines[at])
        case 4, 5: changeByte(&lines[at])
        case 6: lines.insert(lines[at], at: random.below(lines.count + 1))
        case 7 where lines.count > 1: lines.remove(at: at)
        case 8: lines[at].insert(contentsOf: repeatElement(UInt8(ascii: " "), count: 1 + random.below(4)), at: 0)
        default: lines.insert(Array(random.pick(other.split(separator: "\n")).utf8), at: at)
        }
    }

    /// What stands after a colon, to the next comma, brace or end of the line.
    private mutating func replaceValue(_ line: inout [UInt8]) {
        let starts = line.indices.filter { line[$0] == UInt8(ascii: ":") || line[$0] == UInt8(ascii: "[") }
        guard let start = starts.isEmpty ? nil : random.pick(starts) + 1 else { return line += Array(": 1".utf8) }
        let end = line[start...].firstIndex { ",}]".utf8.contains($0) } ?? line.endIndex
        line.replaceSubrange(start..<end, with: Array((" " + random.pick(Self.values)).utf8))
    }

    private mutating func changeByte(_ line: inout [UInt8]) {
        let byte = random.pick(Self.bytes)
        guard !line.isEmpty else { return line.append(byte) }
        let at = random.below(line.count)
        switch random.below(3) {
        case 0: line[at] = byte
        case 1: line.insert(byte, at: at)
        default: line.remove(at: at)
        }
    }
}

/// The patterns of a `.skyignore`: what is left out of a copy of the folder that it lies in.
///
/// They mean what they mean to SkyPilot, which hands the file to rsync as a list of excludes: a pattern holds at any
/// depth unless it begins with `/`; one that ends with `/` is for folders only; `*`, `?` and `[…]` do not match a `/`,
/// `**` does; what is below a folder that is left out is left out. A line that begins with `#` or `;` says nothing.
struct SkyIgnore: Sendable {
    static let fileName = ".skyignore"

    private var patterns: [Pattern] = []

    init(_ bytes: some Collection<UInt8>) {
        for line in bytes.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) {
            guard let first = line.first, first != UInt8(ascii: "#"), first != UInt8(ascii: ";") else { continue }
            if let pattern = Pattern(line) { patterns.append(pattern) }
        }
    }

    /// - Parameter path: relative to the folder the file lies in.
    func leavesOut(_ path: some Collection<UInt8>, isFolder: Bool) -> Bool {
        patterns.contains { $0.matches(Array(path), isFolder: isFolder) }
    }
}

extension SkyIgnore {
    private struct Pattern: Sendable {
        private enum Token: Sendable {
            case byte(UInt8)
            case one
            case any
            case anyWithSlashes
            case oneOf(ranges: [ClosedRange<UInt8>], isNegated: Bool)
        }

        private var tokens: [Token] = []
        private var isAnchored = false
        private var isForFolders = false

        /// Nil for a pattern of nothing.
        init?(_ line: some Collection<UInt8>) {
            var text = Array(line)
            while text.last == UInt8(ascii: " ") || text.last == UInt8(ascii: "\t") { text.removeLast() }
            if text.first == UInt8(ascii: "/") {
                isAnchored = true
                text.removeFirst()
            }
            // `folder/***` is the folder and all that is in it.
            if text.suffix(4).elementsEqual("/***".utf8) { text.removeLast(3) }
            if text.last == UInt8(ascii: "/") {
                isForFolders = true
                text.removeLast()
            }
            guard !text.isEmpty else { return nil }
            var at = 0
            while at < text.count {
                switch text[at] {
                case UInt8(ascii: "?"): tokens.append(.one)
                case UInt8(ascii: "*"):
                    var stars = 1
                    while at + 1 < text.count, text[at + 1] == UInt8(ascii: "*") {
                        at += 1
                        stars += 1
                    }
                    tokens.append(stars > 1 ? .anyWithSlashes : .any)
                case UInt8(ascii: "["):
                    if let (token, end) = Self.oneOf(text, from: at) {
                        tokens.append(token)
                        at = end
                    } else {
                        tokens.append(.byte(text[at]))
                    }
                case UInt8(ascii: "\\") where at + 1 < text.count:
                    at += 1
                    tokens.append(.byte(text[at]))
                default: tokens.append(.byte(text[at]))
                }
                at += 1
            }
        }

        /// `[a-z]` at `begin`, and where its `]` is; nil when it has none.
        private static func oneOf(_ text: [UInt8], from begin: Int) -> (Token, end: Int)? {
            var at = begin + 1
            var isNegated = false
            if at < text.count, text[at] == UInt8(ascii: "!") || text[at] == UInt8(ascii: "^") {
                isNegated = true
                at += 1
            }
            var ranges: [ClosedRange<UInt8>] = []
            while at < text.count {
                if text[at] == UInt8(ascii: "]"), !ranges.isEmpty {
                    return (.oneOf(ranges: ranges, isNegated: isNegated), at)
                }
                let low = text[at]
                if at + 2 < text.count, text[at + 1] == UInt8(ascii: "-"), text[at + 2] != UInt8(ascii: "]") {
                    ranges.append(low...max(low, text[at + 2]))
                    at += 3
                } else {
                    ranges.append(low...low)
                    at += 1
                }
            }
            return nil
        }

        func matches(_ path: [UInt8], isFolder: Bool) -> Bool {
            if isForFolders, !isFolder { return false }
            if isAnchored { return matches(path[...]) }
            var begin = path.startIndex
            while true {
                if matches(path[begin...]) { return true }
                guard let slash = path[begin...].firstIndex(of: UInt8(ascii: "/")) else { return false }
                begin = slash + 1
            }
        }

        /// By all the places in the pattern where one may be at once, so that no pattern takes long.
        private func matches(_ text: ArraySlice<UInt8>) -> Bool {
            var places = [Bool](repeating: false, count: tokens.count + 1)
            places[0] = true
            skipStars(&places)
            for byte in text {
                var next = [Bool](repeating: false, count: tokens.count + 1)
                for (place, token) in tokens.enumerated() where places[place] {
                    switch token {
                    case .byte(let wanted): if byte == wanted { next[place + 1] = true }
                    case .one: if byte != UInt8(ascii: "/") { next[place + 1] = true }
                    case .any: if byte != UInt8(ascii: "/") { next[place] = true }
                    case .anyWithSlashes: next[place] = true
                    case .oneOf(let ranges, let isNegated):
                        if byte != UInt8(ascii: "/"), ranges.contains(where: { $0.contains(byte) }) != isNegated {
                            next[place + 1] = true
                        }
                    }
                }
                skipStars(&next)
                places = next
            }
            return places[tokens.count]
        }

        /// A star may stand for nothing.
        private func skipStars(_ places: inout [Bool]) {
            for (place, token) in tokens.enumerated() where places[place] {
                switch token {
                case .any, .anyWithSlashes: places[place + 1] = true
                case .byte, .one, .oneOf: break
                }
            }
        }
    }
}

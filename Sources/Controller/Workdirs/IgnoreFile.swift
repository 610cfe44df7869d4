/// The patterns of a file that says what is left out of a copy of the folder that it lies in.
///
/// Those of a `.skyignore` mean what they mean to SkyPilot, which hands the file to rsync as a list of excludes: a pattern
/// holds at any depth unless it begins with `/`; one that ends with `/` is for folders only; `*`, `?` and `[…]` do not
/// match a `/`, `**` does; what is below a folder that is left out is left out. A line that begins with `#` or `;` says
/// nothing.
///
/// Those of a `.gitignore` mean what they mean to git: one with a `/` within is of this folder only, `**` is for whole
/// names, and of several that match the last counts, which may begin with `!` to take in what one before it leaves out.
/// (SkyPilot hands this file to rsync as well, which takes `!` for a part of a name.)
struct IgnoreFile: Sendable {
    enum Kind: String, Sendable {
        case sky = ".skyignore"
        case git = ".gitignore"
    }

    private var patterns: [Pattern] = []

    init(_ bytes: some Collection<UInt8>, _ kind: Kind) {
        for line in bytes.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) {
            guard let first = line.first, first != UInt8(ascii: "#") else { continue }
            if kind == .sky, first == UInt8(ascii: ";") { continue }
            if let pattern = Pattern(line, kind) { patterns.append(pattern) }
        }
    }

    /// Whether a path is left out; nil when the file says nothing of it.
    ///
    /// - Parameter path: relative to the folder the file lies in.
    func leavesOut(_ path: some Collection<UInt8>, isFolder: Bool) -> Bool? {
        let path = Array(path)
        return patterns.last { $0.matches(path, isFolder: isFolder) }.map { !$0.takesIn }
    }
}

extension IgnoreFile {
    private struct Pattern: Sendable {
        private enum Token: Sendable {
            case byte(UInt8)
            case one
            case any
            case anyWithSlashes
            /// Nothing, or what ``throughSlash`` after it stands for.
            case perhaps
            case throughSlash
            case oneOf(ranges: [ClosedRange<UInt8>], isNegated: Bool)
        }

        private var tokens: [Token] = []
        private var isAnchored = false
        private var isForFolders = false
        private(set) var takesIn = false

        /// Nil for a pattern of nothing.
        init?(_ line: some Collection<UInt8>, _ kind: Kind) {
            var text = Array(line)
            while text.last == UInt8(ascii: " ") || text.last == UInt8(ascii: "\t") {
                if kind == .git, text.dropLast().last == UInt8(ascii: "\\") { break }
                text.removeLast()
            }
            if kind == .git, text.first == UInt8(ascii: "!") {
                takesIn = true
                text.removeFirst()
            }
            if text.first == UInt8(ascii: "/") {
                isAnchored = true
                text.removeFirst()
            }
            // `folder/***` is the folder and all that is in it.
            if kind == .sky, text.suffix(4).elementsEqual("/***".utf8) { text.removeLast(3) }
            if text.last == UInt8(ascii: "/") {
                isForFolders = true
                text.removeLast()
            }
            if kind == .git, !isAnchored {
                if text.starts(with: "**/".utf8) {
                    text.removeFirst(3)
                } else {
                    isAnchored = text.contains(UInt8(ascii: "/"))
                }
            }
            guard !text.isEmpty else { return nil }
            var at = 0
            while at < text.count {
                switch text[at] {
                case UInt8(ascii: "?"): tokens.append(.one)
                case UInt8(ascii: "*"):
                    let begin = at
                    while at + 1 < text.count, text[at + 1] == UInt8(ascii: "*") { at += 1 }
                    tokens += Self.stars(text, begin...at, kind)
                    // The slash after `**` in `a/**/b` belongs to it.
                    if case .throughSlash? = tokens.last { at += 1 }
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

        /// What stars stand for.
        private static func stars(_ text: [UInt8], _ place: ClosedRange<Int>, _ kind: Kind) -> [Token] {
            guard place.count > 1 else { return [.any] }
            guard kind == .git else { return [.anyWithSlashes] }
            let slash = UInt8(ascii: "/")
            let beginsName = place.lowerBound == 0 || text[place.lowerBound - 1] == slash
            guard beginsName else { return [.any] }
            guard place.upperBound + 1 < text.count else { return [.anyWithSlashes] }
            return text[place.upperBound + 1] == slash ? [.perhaps, .throughSlash] : [.any]
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
                    case .perhaps: break
                    case .throughSlash:
                        next[place] = true
                        if byte == UInt8(ascii: "/") { next[place + 1] = true }
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
                case .perhaps: (places[place + 1], places[place + 2]) = (true, true)
                case .byte, .one, .oneOf, .throughSlash: break
                }
            }
        }
    }
}

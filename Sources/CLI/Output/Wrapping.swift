extension String {
    /// Its words in lines of so many columns, those after the first two further in than it is; the line itself where
    /// it fits, or no width is known. A word that is longer than a line is broken.
    func wrapped(to width: Int?) -> [String] {
        let indent = String(prefix { $0 == " " })
        guard let width, width > 8, count > width, indent.count < width / 2 else { return [self] }
        let further = String(repeating: " ", count: min(indent.count + 2, width / 2))
        var lines: [String] = []
        var line = indent
        // Whether nothing but its indent is in the line.
        var isEmpty = true
        for word in dropFirst(indent.count).split(separator: " ", omittingEmptySubsequences: false) {
            if !isEmpty, line.count + 1 + word.count <= width {
                line += " \(word)"
                continue
            }
            if !isEmpty {
                lines.append(line)
                line = further
            }
            var rest = word
            while line.count + rest.count > width {
                let room = width - line.count
                lines.append(line + rest.prefix(room))
                rest = rest.dropFirst(room)
                line = further
            }
            line += rest
            isEmpty = false
        }
        return lines + [line]
    }
}

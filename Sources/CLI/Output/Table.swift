/// A table of text: columns as wide as their widest cell, two spaces between.
struct Table {
    private var rows: [[String]]

    init(_ header: [String]) { rows = [header] }

    mutating func add(_ cells: [String]) { rows.append(cells) }

    /// The table, a line each row, without spaces at the ends of lines.
    var lines: [String] {
        let widths = (rows.first ?? []).indices.map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { cells in
            let padded = zip(cells, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.count)
            }
            var line = padded.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
    }

    /// The same, for so many columns; nil for as many as it takes. A table that does not fit is turned: of each row the
    /// first cell, and below it what it says, a line each.
    func lines(fitting width: Int?) -> [String] {
        let lines = self.lines
        guard let width, lines.contains(where: { $0.count > width }), let header = rows.first else { return lines }
        let longest = header.dropFirst().map(\.count).max() ?? 0
        var turned: [String] = []
        for cells in rows.dropFirst() {
            turned.append("\(header[0]) \(cells.first ?? "")")
            for (name, value) in zip(header, cells).dropFirst() where value != "-" && !value.isEmpty {
                let spaces = String(repeating: " ", count: longest + 2 - name.count)
                turned.append("  " + name + spaces + value)
            }
        }
        return turned
    }
}

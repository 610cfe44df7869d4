import EventLog
import Foundation

/// Prints events as they come: as JSON, or as a table. Rows are printed while others are read, so columns have
/// fixed widths. At a terminal a row that is longer than a line goes on in the next ones: who did it and what it follows
/// from are there at any width.
struct EventPrinter {
    private let json: Bool
    private let source: EventSource
    private let width: Int?

    init(json: Bool, source: EventSource) {
        self.json = json
        self.source = source
        width = Terminal.width
    }

    func print(_ rows: [AuditRow]) {
        var text = ""
        for row in rows { text += (json ? CloudEvent(row, source: source).line : line(row)) + "\n" }
        write(Array(text.utf8), to: STDOUT_FILENO)
    }

    private func line(_ row: AuditRow) -> String {
        let subject = [row.service, row.replica.map(String.init)].compactMap { $0 }.joined(separator: "/")
        let place = row.controller + (subject.isEmpty ? "" : "/" + subject)
        let position = pad(String(row.position), 6, right: true)
        let head = [position, row.time, pad(place, 18), pad(row.event, 22)].joined(separator: "  ")
        let (what, who) = (row.what.printableLine, who(row).printableLine)
        let whole = "\(head)  \(what)  \(who)"
        guard let width, whole.count > width else { return whole }
        let rest = cut(what, width * Self.mostLinesOfWhat)
        if head.count <= width { return lines([trimmed(head)], rest, who, width) }
        // Without the year and the thousandths.
        let time = row.time.dropFirst(5).prefix(14)
        let short = "\(position)  \(time)"
        let fits = short.count + 2 + row.event.count <= width
        let heads = fits ? ["\(short)  \(row.event)"] : [short, Self.indent + row.event]
        return lines(heads, "\(place): \(rest)", who, width)
    }

    /// Further in than positions are, so that rows are told apart.
    private static let indent = String(repeating: " ", count: 8)
    /// What a replica wrote may be long.
    private static let mostLinesOfWhat = 4

    private func lines(_ heads: [String], _ rest: String, _ who: String, _ width: Int) -> String {
        var lines = heads + (Self.indent + rest).wrapped(to: width)
        if let last = lines.last, last.count + 2 + who.count <= width {
            lines[lines.count - 1] = "\(last)  \(who)"
        } else {
            lines += "\(Self.indent)  \(who)".wrapped(to: width)
        }
        return lines.joined(separator: "\n")
    }

    private func trimmed(_ text: String) -> String {
        var text = text
        while text.last == " " { text.removeLast() }
        return text
    }

    private func who(_ row: AuditRow) -> String {
        "[\(row.actor), \(row.component)]" + (row.cause.map { " <- \($0)" } ?? "")
    }

    private func cut(_ text: String, _ length: Int) -> String {
        text.count > length ? text.prefix(max(1, length - 1)) + "…" : text
    }

    private func pad(_ text: String, _ width: Int, right: Bool = false) -> String {
        let spaces = String(repeating: " ", count: max(0, width - text.count))
        return right ? spaces + text : text + spaces
    }
}

/// What standard output is.
enum Terminal {
    /// Columns of the terminal; nil when it is none, for what reads then wants all of it.
    static var width: Int? {
        guard isatty(STDOUT_FILENO) == 1 else { return nil }
        if let size, size.ws_col > 0 { return Int(size.ws_col) }
        return ProcessInfo.processInfo.environment["COLUMNS"].flatMap { Int($0) }.map { max(20, $0) }
    }

    /// Lines of the terminal; nil when it is none, or does not say.
    static var height: Int? {
        guard isatty(STDOUT_FILENO) == 1, let size, size.ws_row > 1 else { return nil }
        return Int(size.ws_row)
    }

    private static var size: winsize? {
        var size = winsize()
        return ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 ? size : nil
    }
}

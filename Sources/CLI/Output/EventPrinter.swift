import EventLog
import Foundation

/// Prints events as they come: as JSON, or as a table. Rows are printed while others are read, so columns have
/// fixed widths; at a terminal a row that does not fit is cut, elsewhere it is whole. A narrow terminal shows each in two
/// lines, so that its type and what happened are there at any width.
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
        if let width, width < Self.narrow { return twoLines(row, place, width) }
        let columns = [
            pad(String(row.position), 6, right: true), row.time, pad(place, 18), pad(row.event, 22), row.what,
        ]
        return cut((columns + [who(row)]).joined(separator: "  "))
    }

    /// A terminal with fewer columns than this is narrow.
    private static let narrow = 80

    private func twoLines(_ row: AuditRow, _ place: String, _ width: Int) -> String {
        // Without the year and the thousandths; where there is no room, without the day.
        let time = row.time.dropFirst(5).prefix(14).suffix(width < 50 ? 8 : 14)
        let head = "\(pad(String(row.position), 6, right: true))  \(time)  \(row.event)"
        return cut(head) + "\n" + cut("        \(place): \(row.what)  \(who(row))")
    }

    private func who(_ row: AuditRow) -> String {
        "[\(row.actor), \(row.component)]" + (row.cause.map { " <- \($0)" } ?? "")
    }

    /// One line, whatever a replica wrote, and no longer than there is room.
    private func cut(_ text: String) -> String {
        let line = text.printableLine
        guard let width, line.count > width else { return line }
        return line.prefix(max(1, width - 1)) + "…"
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

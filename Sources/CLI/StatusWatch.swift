import Controller
import EventLog
import Foundation

/// `dwell status --watch`: at a terminal drawn in place, at each commit and once a second for what is counted down;
/// elsewhere written anew when something has changed.
struct StatusWatch {
    private let session: Session
    private let name: String?
    private let all: Bool
    /// Whether there is one that can be drawn on in place.
    private let isTerminal =
        isatty(STDOUT_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"

    init(_ session: Session, name: String?, all: Bool) {
        self.session = session
        self.name = name
        self.all = all
    }

    func run() async throws(CommandFailure) {
        if isTerminal { Self.restoreTerminalAtTheEnd() }
        var lastPosition = -1
        for await _ in Commits.ticks(session.log.bell, safetyPollSeconds: 1) {
            let position = try session.read { (log) throws(LogFailure) in try log.lastPosition() }
            if !isTerminal, position == lastPosition { continue }
            let report = try session.read { (log) throws(LogFailure) in try log.status() }
            var view = try StatusView(report, name: name, all: all)
            try view.look(session, isNow: true)
            // Asked each time: a window changes its size.
            let lines = StatusTables(view, width: Terminal.width).lines
            try session.ensureAllRunning()
            if isTerminal {
                draw(lines)
            } else {
                if lastPosition >= 0 { print("") }
                for line in lines { print(line) }
            }
            lastPosition = position
        }
    }

    /// Over what was there: each line is ended by clearing what is right of it, so that nothing flickers.
    private func draw(_ lines: [String]) {
        var shown = lines.flatMap { $0.wrapped(to: Terminal.width) }
        if let height = Terminal.height, shown.count >= height {
            let room = max(0, height - 2)
            let rest = "… and \(shown.count - room) more lines: dwell status"
            shown = Array(shown.prefix(room)) + [String(rest.prefix(Terminal.width ?? .max))]
        }
        let text = shown.map { StatusColours.paint($0) + "\u{1b}[K\r\n" }
        write(Array(("\u{1b}[H" + text.joined() + "\u{1b}[J").utf8), to: STDOUT_FILENO)
    }

    /// On the other screen, without a cursor; both as they were when it ends.
    private static func restoreTerminalAtTheEnd() {
        write(Array("\u{1b}[?1049h\u{1b}[?25l\u{1b}[2J".utf8), to: STDOUT_FILENO)
        for number in [SIGINT, SIGTERM] {
            Signals.handle(number) {
                write(Array("\u{1b}[?25h\u{1b}[?1049l".utf8), to: STDOUT_FILENO)
                exit(number == SIGINT ? 0 : 128 + number)
            }
        }
    }
}

import Lifecycle

/// Controllers and their services over time as an SVG picture (1.1, no scripts, nothing fetched).
public struct Timeline: Sendable {
    /// A row of the picture.
    public struct Lane: Sendable {
        public var name: String
        public var stretches: [ControllerHistory.Stretch]
        public var marks: [Int64]
        /// Whether it is a service's, drawn smaller beneath its controller's.
        public var isService: Bool

        public init(name: String, stretches: [ControllerHistory.Stretch], marks: [Int64] = [], isService: Bool) {
            self.name = name
            self.stretches = stretches
            self.marks = marks
            self.isService = isService
        }
    }

    private let lanes: [Lane]
    private let span: Range<Int64>
    /// What each line of the time axis says, by where it is.
    private let axis: [(at: Int64, text: String)]

    public init(_ lanes: [Lane], span: Range<Int64>, axis: [(at: Int64, text: String)]) {
        self.lanes = lanes
        self.span = span
        self.axis = axis
    }

    private static let (left, width, top) = (170, 1_000, 46)

    public var svg: String {
        var body = ""
        var y = Self.top
        for (at, text) in axis where span.contains(at) {
            let x = self.x(at)
            body += "<line class=\"grid\" x1=\"\(x)\" y1=\"\(Self.top - 8)\" x2=\"\(x)\" y2=\"\(height - 30)\"/>\n"
            body += "<text class=\"axis\" x=\"\(x)\" y=\"\(Self.top - 14)\">\(Self.escaped(text))</text>\n"
        }
        for lane in lanes {
            let rowHeight = lane.isService ? 12 : 18
            // Room for the marks, which stand above their lane.
            if !lane.isService { y += 9 }
            let style = lane.isService ? " class=\"service\"" : ""
            body +=
                "<text\(style) x=\"\(Self.left - 8)\" y=\"\(y + rowHeight - 4)\" text-anchor=\"end\">\(Self.escaped(lane.name))</text>\n"
            for stretch in lane.stretches {
                let (a, b) = (max(stretch.began, span.lowerBound), min(stretch.ended, span.upperBound))
                guard a < b, stretch.condition != .stopped else { continue }
                let kind = lane.isService ? "ready" : stretch.condition.rawValue
                let length = max(0.5, x(b) - x(a))
                body +=
                    "<rect class=\"\(kind)\" x=\"\(x(a))\" y=\"\(y)\" width=\"\(length)\" height=\"\(rowHeight - 3)\"/>\n"
            }
            for mark in lane.marks where span.contains(mark) {
                body += "<path class=\"crash\" d=\"M \(x(mark)) \(y - 3) l 4 -6 l -8 0 z\"/>\n"
            }
            y += rowHeight + (lane.isService ? 3 : 8)
        }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(Self.left + Self.width + 30)" height="\(height)" \
            font-family="sans-serif" font-size="12">
            <style>
            .busy{fill:#2f7d4f}.idle{fill:#e8b33c}.starting{fill:#6d8fc9}.ready{fill:#7fb894}.crash{fill:#c0392b}
            .grid{stroke:#ddd}.axis{fill:#666;font-size:10px;text-anchor:middle}.service{fill:#555;font-size:10px}
            </style>
            <rect width="100%" height="100%" fill="#fff"/>
            \(body)\(legend)</svg>

            """
    }

    private var height: Int {
        Self.top + lanes.reduce(0) { $0 + ($1.isService ? 15 : 35) } + 40
    }

    private var legend: String {
        var text = ""
        var x = Self.left
        for (kind, name) in [
            ("busy", "serving"), ("idle", "idle and warm"), ("starting", "starting"), ("ready", "service READY"),
        ] {
            text += "<rect class=\"\(kind)\" x=\"\(x)\" y=\"\(height - 22)\" width=\"12\" height=\"12\"/>"
            text += "<text x=\"\(x + 17)\" y=\"\(height - 12)\">\(name)</text>\n"
            x += 130
        }
        text += "<path class=\"crash\" d=\"M \(x + 6) \(height - 11) l 5 -8 l -10 0 z\"/>"
        text += "<text x=\"\(x + 17)\" y=\"\(height - 12)\">crash, taken over</text>\n"
        return text
    }

    private func x(_ at: Int64) -> Double {
        let share = Double(at - span.lowerBound) / Double(max(1, span.upperBound - span.lowerBound))
        return ((Double(Self.left) + share * Double(Self.width)) * 100).rounded() / 100
    }

    private static func escaped(_ text: String) -> String {
        text.map { character in
            switch character {
            case "<": "&lt;"
            case ">": "&gt;"
            case "&": "&amp;"
            case "\"": "&quot;"
            default: String(character)
            }
        }.joined()
    }
}

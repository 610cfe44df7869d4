import NIOCore

@testable import LoadBalancer

/// What parsing came to, in a form that can be compared and printed.
enum ParsedHead: Equatable, CustomStringConvertible {
    case incomplete
    /// The head, and what was left in the buffer behind it.
    case complete(Summary, rest: String)
    case malformed(String)
    case tooLarge

    struct Summary: Equatable {
        var startLine: String
        var fields: [String]
        var framing: MessageHead.Framing
        var isPersistent: Bool
        var isUpgrade: Bool
    }

    var description: String {
        switch self {
        case .incomplete: "incomplete"
        case .complete(let summary, let rest): "complete(\(summary), rest: \(rest.debugDescription))"
        case .malformed(let reason): "malformed(\(reason))"
        case .tooLarge: "tooLarge"
        }
    }

    /// Parses `pieces` as they would come from a socket, until the parser has made up its mind.
    init(_ kind: HeadParser.Kind, _ pieces: [ArraySlice<UInt8>], limit: Int = 65_536) {
        var parser = HeadParser(kind: kind, limit: limit)
        var buffer = ByteBuffer()
        var result = ParsedHead.incomplete
        for piece in pieces {
            buffer.writeBytes(piece)
            guard result == .incomplete else { continue }
            switch parser.parse(&buffer) {
            case .incomplete: break
            case .complete(let head): result = .complete(Summary(head), rest: "")
            case .malformed(let reason): result = .malformed(reason)
            case .tooLarge: result = .tooLarge
            }
        }
        if case .complete(let summary, _) = result {
            result = .complete(summary, rest: String(buffer: buffer))
        }
        self = result
    }

    init(_ kind: HeadParser.Kind, _ text: String, limit: Int = 65_536) {
        self.init(kind, [ArraySlice(text.utf8)], limit: limit)
    }

    /// What the text comes to in one piece, and cut in two at every place, and byte by byte: each way of
    /// cutting that came to something else than the whole did.
    static func differences(_ kind: HeadParser.Kind, _ text: String, limit: Int = 65_536) -> [String] {
        let bytes = Array(text.utf8)
        let whole = ParsedHead(kind, [bytes[...]], limit: limit)
        var differences: [String] = []
        for cut in 1..<max(1, bytes.count) {
            let parsed = ParsedHead(kind, [bytes[..<cut], bytes[cut...]], limit: limit)
            if parsed != whole { differences.append("cut at \(cut): \(parsed)") }
        }
        let parsed = ParsedHead(kind, bytes.indices.map { bytes[$0...$0] }, limit: limit)
        if parsed != whole { differences.append("byte by byte: \(parsed)") }
        return differences
    }
}

extension ParsedHead.Summary {
    init(_ head: MessageHead) {
        startLine =
            switch head.start {
            case .request(let method, let name, let target):
                "\(head.string(name)) \(head.string(target)) 1.\(head.minorVersion) \(method)"
            case .response(let status): "\(status) 1.\(head.minorVersion)"
            }
        fields = head.fields.map { "\(head.string($0.name))=\(head.string($0.value))" }
        framing = head.framing
        isPersistent = head.isPersistent
        isUpgrade = head.isUpgrade
    }
}

import Lifecycle
import Testing

/// A table of transitions as it is read: one line for each pair, `given | when | then`. What follows is
/// the types of the events in order, `nothing`, or `refused:` and the rejection's name.
struct TransitionTable<Given, When>: Sendable
where
    Given: RawRepresentable & CaseIterable & Hashable & Sendable, Given.RawValue == String,
    When: RawRepresentable & CaseIterable & Hashable & Sendable, When.RawValue == String
{
    struct Row: Sendable, CustomTestStringConvertible {
        var given: Given
        var when: When
        var then: String
        var testDescription: String { "\(given.rawValue) | \(when.rawValue) | \(then)" }
    }

    struct Pair: Hashable {
        var given: Given
        var when: When
    }

    var rows: [Row] = []
    /// Lines that name no state or command there is.
    var unreadable: [String] = []

    init(_ text: String) {
        for line in text.split(separator: "\n") {
            let cells = line.split(separator: "|").map { cell in
                cell.split(separator: " ").joined(separator: " ")
            }
            if cells.count == 3, let given = Given(rawValue: cells[0]), let when = When(rawValue: cells[1]) {
                rows.append(Row(given: given, when: when, then: cells[2]))
            } else {
                unreadable.append(String(line))
            }
        }
    }

    /// Whether every pair is there once, and nothing else.
    func checkComplete(sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(unreadable.isEmpty, sourceLocation: sourceLocation)
        var lines: [Pair: Int] = [:]
        for row in rows { lines[Pair(given: row.given, when: row.when), default: 0] += 1 }
        for given in Given.allCases {
            for when in When.allCases {
                let count = lines[Pair(given: given, when: when)] ?? 0
                #expect(count == 1, "\(given.rawValue) | \(when.rawValue)", sourceLocation: sourceLocation)
            }
        }
    }
}

/// What a command led to, in the words of a table.
func outcome(_ body: () throws(Rejection) -> [Event]) -> String {
    do {
        let events = try body()
        return events.isEmpty ? "nothing" : events.map(\.type.rawValue).joined(separator: " ")
    } catch {
        return "refused: \(error.caseName)"
    }
}

extension Rejection {
    /// The case alone, without what it carries.
    var caseName: String {
        switch self {
        case .noSuchController: "noSuchController"
        case .noSuchService: "noSuchService"
        case .serviceExists: "serviceExists"
        case .serviceSuspended: "serviceSuspended"
        case .noSuchReplica: "noSuchReplica"
        case .liveServices: "liveServices"
        case .terminating: "terminating"
        case .noPortLeft: "noPortLeft"
        case .nothingToRun: "nothingToRun"
        case .serviceEnding: "serviceEnding"
        case .nothingToRollBackTo: "nothingToRollBackTo"
        }
    }
}

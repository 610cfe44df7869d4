/// One thing that is wrong in a file, and where.
public struct Problem: Hashable, Sendable {
    /// From 1; nil when it is about the whole file.
    public var line: Int?
    /// The key it is about, with those above it: `service.readiness_probe.path`.
    public var key: String?
    /// What is wrong and what would be right.
    public var message: String

    public init(line: Int? = nil, key: String? = nil, message: String) {
        self.line = line
        self.key = key
        self.message = message
    }
}

/// A file that cannot be used: everything that is wrong in it, in the order of its lines.
public struct FileProblems: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file, as the user wrote its path.
    public var file: String
    public var problems: [Problem]

    public init(file: String, problems: [Problem]) {
        self.file = file
        self.problems = problems.sorted { ($0.line ?? 0) < ($1.line ?? 0) }
    }

    /// One line for each problem: `service.yaml:7: service.replicas: must be …`.
    public var lines: [String] {
        problems.map { problem in
            let place = problem.line.map { "\(file):\($0)" } ?? file
            return [place, problem.key, problem.message].compactMap { $0 }.joined(separator: ": ")
        }
    }

    public var description: String { lines.joined(separator: "\n") }
}

/// What was found while a file was read. Reading goes on after a problem, so that one run tells all.
final class Findings {
    private(set) var problems: [Problem] = []
    /// Sentences about what is accepted and does nothing here.
    private(set) var notes: [String] = []

    func problem(_ message: String, at line: Int? = nil, key: String? = nil) {
        problems.append(Problem(line: line, key: key, message: message))
    }

    func note(_ sentence: String) { notes.append(sentence) }
}

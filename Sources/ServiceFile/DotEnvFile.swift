/// A file of `NAME=VALUE` lines, as `--env-file` and `--secret-file` take it: what python-dotenv reads,
/// and with it SkyPilot.
///
/// A value is bare (up to a ` #` or the line's end), in single quotes (as it is, but for `\\` and `\'`), or
/// in double quotes (with `\n`, `\"` and the like); quoted ones may run over lines. `export` may stand
/// before a name. `${NAME}` and `${NAME:-default}` are filled in from the lines above, else from the
/// environment of the command, else with nothing.
public enum DotEnvFile {
    /// - Throws: ``FileProblems``, with each line that cannot be read. No value is in what it says.
    public static func read(_ path: String, here: [String: String]) throws(FileProblems) -> [String: String] {
        let text: String
        do throws(ReadFailure) {
            text = try FileText.read(path)
        } catch {
            throw FileProblems(file: path, problems: [Problem(line: error.line, message: error.message)])
        }
        var reader = DotEnvReader(text: text, here: here)
        reader.readAll()
        guard reader.problems.isEmpty else { throw FileProblems(file: path, problems: reader.problems) }
        return reader.values
    }
}

private struct DotEnvReader {
    private let text: [Character]
    private let here: [String: String]
    private var position = 0
    private var line = 1
    private(set) var values: [String: String] = [:]
    private(set) var problems: [Problem] = []

    init(text: String, here: [String: String]) {
        self.text = Array(text)
        self.here = here
    }

    mutating func readAll() {
        while position < text.count {
            skip { $0.isWhitespace || $0.isNewline }
            guard let next = peek else { return }
            if next == "#" {
                skip { !$0.isNewline }
            } else {
                readBinding()
            }
        }
    }

    private mutating func readBinding() {
        let begun = line
        var name = take { $0 != "=" && $0 != "#" && !$0.isWhitespace && !$0.isNewline }
        if name == "export", isBlank(peek) {
            skip(isBlank)
            name = take { $0 != "=" && $0 != "#" && !$0.isWhitespace && !$0.isNewline }
        }
        if name.count > 2, name.first == "'", name.last == "'" { name = String(name.dropFirst().dropLast()) }
        skip(isBlank)
        guard EnvironmentVariables.isName(name) else {
            return refuse("does not begin with the name of a variable", begun)
        }
        guard peek == "=" else { return refuse("\(name) has no = after it", begun) }
        advance()
        skip(isBlank)
        guard let value = readValue() else { return refuse("\(name) has a quote that is not closed", begun) }
        skip(isBlank)
        if peek == "#" { skip { !$0.isNewline } }
        guard peek?.isNewline ?? true else { return refuse("\(name) has something after its closing quote", begun) }
        values[name] = filled(value)
        if let problem = values[name].flatMap({ VariableLength.problem(name, $0) }) {
            problems.append(Problem(line: begun, message: "\(name) \(problem)"))
        }
    }

    /// Nil when a quote is not closed.
    private mutating func readValue() -> String? {
        switch peek {
        case "'": return readQuoted("'", escapes: ["\\": "\\", "'": "'"])
        case "\"":
            return readQuoted(
                "\"",
                escapes: [
                    "\\": "\\", "'": "'", "\"": "\"", "a": "\u{7}", "b": "\u{8}", "f": "\u{c}", "n": "\n", "r": "\r",
                    "t": "\t", "v": "\u{b}",
                ])
        default:
            let bare = take { !$0.isNewline }
            // A # begins a comment only after a space; one that begins the value is part of it no more.
            let value = bare.firstRange(of: /(^|\s+)#.*/).map { bare[..<$0.lowerBound] } ?? bare[...]
            return String(value.reversed().drop { $0.isWhitespace }.reversed())
        }
    }

    private mutating func readQuoted(_ quote: Character, escapes: [Character: Character]) -> String? {
        advance()
        var value = ""
        while let next = peek, next != quote {
            advance()
            if next == "\\", let escaped = peek, let meaning = escapes[escaped] {
                value.append(meaning)
                advance()
            } else {
                value.append(next)
            }
        }
        guard peek == quote else { return nil }
        advance()
        return value
    }

    private func filled(_ value: String) -> String {
        guard value.contains("${") else { return value }
        return value.replacing(/\$\{([^}:]*)(?::-([^}]*))?\}/) { match in
            let name = String(match.1)
            return values[name] ?? here[name] ?? match.2.map(String.init) ?? ""
        }
    }

    private mutating func refuse(_ message: String, _ line: Int) {
        problems.append(Problem(line: line, message: message))
        skip { !$0.isNewline }
    }

    // MARK: Characters

    private var peek: Character? { position < text.count ? text[position] : nil }

    private mutating func advance() {
        if text[position].isNewline { line += 1 }
        position += 1
    }

    private mutating func skip(_ isSkipped: (Character) -> Bool) {
        while let next = peek, isSkipped(next) { advance() }
    }

    private mutating func take(_ isTaken: (Character) -> Bool) -> String {
        let begun = position
        skip(isTaken)
        return String(text[begun..<position])
    }

    private func isBlank(_ character: Character) -> Bool { character.isWhitespace && !character.isNewline }
    private func isBlank(_ character: Character?) -> Bool { character.map { isBlank($0) } ?? false }
}

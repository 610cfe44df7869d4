import ArgumentParser
import Controller
import EventLog
import Foundation
import ServiceFile

struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Look for what is wrong, and say what to do.",
        discussion: """
            Looks at the home and its config.yaml, the disk, the kernel, every part of the log, and whether what runs is \
            what the log says. Changes nothing. Exit code 1 when something is wrong.

            Examples:
              dwell doctor
            """)

    func run() throws {
        let environment = ProcessInfo.processInfo.environment
        let home = Home(environment: environment)
        let findings = HomeExamination(home, environment: environment).findings + Self.configuration(of: home)
        let wrong = findings.filter(\.isWrong)
        for finding in findings {
            print("\(finding.isWrong ? "WRONG" : "ok   ")  \(finding.line)".oneLine)
        }
        guard wrong.isEmpty else {
            throw CommandFailure(wrong.count == 1 ? "one thing is wrong" : "\(wrong.count) things are wrong")
        }
    }

    /// What of `config.yaml` keeps every `up` and `start` from being done; nothing where there is none.
    private static func configuration(of home: Home) -> [HomeExamination.Finding] {
        guard access(home.path, X_OK) == 0, access(home.configuration, F_OK) == 0 || errno != ENOENT else { return [] }
        do {
            let notes = try Configuration.load(path: home.configuration).notes
            let said = notes.isEmpty ? "" : " (\(notes.joined(separator: "; ")))"
            return [HomeExamination.Finding(isWrong: false, line: "\(home.configuration) says what can be done\(said)")]
        } catch {
            return error.lines.map {
                HomeExamination.Finding(
                    isWrong: true, line: "\($0); until it is mended every `dwell up`, `update` and `start` is refused")
            }
        }
    }
}

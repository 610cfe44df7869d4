import ArgumentParser
import Controller
import EventLog
import Foundation

struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Look for what is wrong, and say what to do.",
        discussion: """
            Looks at the home, the disk, the kernel, every part of the log, and whether what runs is what the log \
            says. Changes nothing. Exit code 1 when something is wrong.

            Examples:
              dwell doctor
            """)

    func run() throws {
        let environment = ProcessInfo.processInfo.environment
        let examination = HomeExamination(Home(environment: environment), environment: environment)
        let wrong = examination.findings.filter(\.isWrong)
        for finding in examination.findings { print("\(finding.isWrong ? "WRONG" : "ok   ")  \(finding.line)") }
        guard wrong.isEmpty else {
            throw CommandFailure(wrong.count == 1 ? "one thing is wrong" : "\(wrong.count) things are wrong")
        }
    }
}

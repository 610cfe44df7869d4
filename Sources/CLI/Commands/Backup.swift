import ArgumentParser
import EventLog
import Foundation

struct Backup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Write a copy of the whole log to a file, while it is used.",
        discussion: """
            The copy is of one moment, is checked before it gets its name, and is for nobody else to read.

            Examples:
              dwell backup ~/dwell-$(date +%F).db
            """)

    @Argument(help: "The file to write. It must not exist.", completion: .file())
    var file: String

    func run() throws {
        let path = URL(fileURLWithPath: file).path
        try OutputFile.requireNone(path)
        let session = try Session.toAsk()
        let examination = try session.read { (log) throws(LogFailure) in try log.backUp(to: path) }
        let checked = examination.schemaProblems.isEmpty ? ", checked" : ""
        print("\(path): \(examination.wholeEvents) events of \(examination.controllers) controllers\(checked).")
        print("  put it back: dwell restore \(file)")
        if let note = examination.schemaNote { print("note: \(note)", to: .error) }
        try session.ensureAllRunning()
    }
}

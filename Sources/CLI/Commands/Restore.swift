import ArgumentParser
import Controller
import EventLog
import Foundation

struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Put a backup in the place of the log.",
        discussion: """
            Refused while anything of dwell runs in this home: stop the controllers first, or use --stop. The \
            backup is checked first, and the log that is replaced is kept beside it. What the backup says should \
            run is started again.

            Examples:
              dwell restore ~/dwell-2026-01-31.db
            """)

    @Argument(help: "A file that `dwell backup` wrote.", completion: .file())
    var file: String

    @Flag(help: "End every replica, load balancer and controller of this home first.")
    var stop = false

    func run() async throws {
        let home = Home(environment: ProcessInfo.processInfo.environment)
        let examination = LogExamination(path: URL(fileURLWithPath: file).path)
        if let problem = examination.problems.first {
            let isWrongFile = examination.failure?.isOfTheWrongFile == true
            throw CommandFailure("nothing was restored: \(problem)", exitCode: isWrongFile ? 2 : 1)
        }
        if examination.isArchive {
            throw CommandFailure(
                "nothing was restored: \(file) is an archive and no backup: a log goes on from where it ends; ask it with --log",
                exitCode: 2)
        }
        var prepared: PreparedRestore?
        let locks = try await Upkeep.takeHome(home, stop: stop) { (_) throws(LogFailure) in
            prepared = try PreparedRestore(home, from: URL(fileURLWithPath: file).path)
        }
        guard let prepared else { throw CommandFailure("nothing was restored") }
        let before = LogExamination(path: home.database).logID
        let kept: String?
        do {
            kept = try prepared.takePlace()
        } catch {
            throw CommandFailure(error)
        }
        locks.release()
        let restored = prepared.examination
        print("\(restored.wholeEvents) events of \(restored.controllers) controllers are restored.")
        if let kept { print("  the log that was there is kept: \(kept)") }
        if let note = restored.schemaNote { print("note: \(note)", to: .error) }
        if let before, before != restored.logID {
            print("note: the backup is of another log than the one that was there", to: .error)
        }
        try Upkeep.startWhatIsWanted()
    }
}

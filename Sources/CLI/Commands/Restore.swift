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
        let locks = try await Upkeep.takeHome(home, stop: stop)
        let before = LogExamination(path: home.database).logID
        let restored: (examination: LogExamination, kept: String?)
        do {
            restored = try EventLog.restore(home, from: URL(fileURLWithPath: file).path)
        } catch {
            throw CommandFailure(error)
        }
        locks.release()
        print(
            "\(restored.examination.wholeEvents) events of \(restored.examination.controllers) controllers are restored."
        )
        if let kept = restored.kept { print("  the log that was there is kept: \(kept)") }
        if let before, before != restored.examination.logID {
            print("note: the backup is of another log than the one that was there", to: .error)
        }
        try Upkeep.startWhatIsWanted()
    }
}

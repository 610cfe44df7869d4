import ArgumentParser
import EventLog
import Foundation

struct Archive: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "archive",
        abstract: "Move old events into a file of their own.",
        discussion: """
            The file is a whole log that ends where the home's log begins from then on: the commands that ask take it \
            with --log. Nothing is lost and nothing stops; whatever runs goes on. What the events led to stays in the \
            home's log, and its chain of digests goes on from the last of them.

            Examples:
              dwell archive --before 2026-10-01 events-until-october.db
              dwell archive --before 4w old.db --shrink
              dwell events --log old.db --type 'controller.*'
              dwell verify --archive old.db
            """)

    @Option(help: ArgumentHelp("Move what happened before this.", valueName: "time"), completion: .times)
    var before: String

    @Argument(help: "The file to write. It must not exist.", completion: .file())
    var file: String

    @Flag(help: "Give the room it frees back to the disk; whoever writes waits meanwhile.")
    var shrink = false

    func run() throws {
        let moment = try TimeArgument.parse(before, for: "--before")
        // A time that was mistyped would move every event.
        guard moment <= Int64(Date().timeIntervalSince1970 * 1e6) + 1_000_000 else {
            throw CommandFailure("--before: \"\(before)\" is in the future", exitCode: 2)
        }
        let path = URL(fileURLWithPath: file).path
        try OutputFile.requireNone(path)
        let session = try Session()
        let progress = ProgressLine("archive")
        let report = try session.read { (log) throws(LogFailure) in
            try log.archive(beforeMicroseconds: moment, to: path, by: session.author) { progress.show($0) }
        }
        if shrink {
            progress.show("shrinking the log")
            try session.read { (log) throws(LogFailure) in try log.shrink() }
        }
        progress.clear()
        let events = "\(report.movedEvents) event\(report.movedEvents == 1 ? "" : "s")"
        print("\(path): \(events), up to position \(report.position), checked. \(report.remainingEvents) remain.")
        print("  ask it: dwell events --log \(file)")
        let megabytes = report.freeBytes / 1_000_000
        if !shrink, megabytes > 0 {
            print("  \(megabytes) MB of the log's file are free for what comes; --shrink would give them to the disk")
        }
        try session.ensureAllRunning()
    }
}

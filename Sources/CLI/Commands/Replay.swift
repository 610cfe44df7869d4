import ArgumentParser
import EventLog
import Lifecycle

struct Replay: ParsableCommand, LogQuestion {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Fold the whole log anew and compare with what the tables say, row by row.",
        discussion: """
            Nothing is changed. What differs can be written anew: dwell rebuild.

            Examples:
              dwell replay
            """)

    @OptionGroup var source: LogOption

    func run() throws {
        let session = try source.session()
        let progress = ProgressLine("folding")
        let report = try session.read { (log) throws(LogFailure) in try log.replay { progress.show($0, of: $1) } }
        progress.clear()
        guard report.differences.isEmpty else {
            throw CommandFailure(differences: report)
        }
        print(
            "\(report.events) events of \(report.controllers) controllers folded in \(TimeText.seconds(report.seconds)): the tables say what the log says."
        )
        try session.ensureAllRunning()
    }
}

struct Rebuild: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Write the tables of what is true now anew from the log.",
        discussion: """
            Controllers may run meanwhile; what they have to record waits until it is done. A log that is not as it \
            was recorded is not built upon.

            Examples:
              dwell rebuild
            """)

    func run() throws {
        let session = try Session()
        let begun = ContinuousClock.now
        let last = try session.read { (log) throws(LogFailure) in try log.lastPosition() }
        let (checking, writing) = (ProgressLine("checking the chain"), ProgressLine("writing the tables"))
        let events: Int
        do {
            defer { writing.clear() }
            events = try session.read { (log) throws(LogFailure) in
                try log.rebuild {
                    checking.show($0, of: last)
                } progress: {
                    writing.show($0, of: $1)
                }
            }
        }
        print("The tables are written anew from \(events) events (\(TimeText.seconds(since: begun))).")
        try session.ensureAllRunning()
        try session.requireNothingElseChanged()
    }
}

extension CommandFailure {
    /// Says what of the tables is not as the log has it.
    init(differences report: ReplayReport) {
        let advice =
            report.missing == nil
            ? "the tables say something else than the log; write them anew: dwell rebuild"
            : "restore a backup that holds more (dwell restore FILE), or go on with what is there (dwell repair)"
        self.init(lines: report.differences + [advice], exitCode: 1)
    }
}

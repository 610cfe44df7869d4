import ArgumentParser
import Foundation

/// Which log a command asks: that of the home, or a file.
struct LogOption: ParsableArguments {
    @Option(
        name: .customLong("log"),
        help: ArgumentHelp("Ask this file, such as a backup, in place of the home's log.", valueName: "file"),
        completion: .file(extensions: ["db"]))
    var file: String?

    func session() throws(CommandFailure) -> Session {
        try Session(reading: file.map { URL(fileURLWithPath: $0).path })
    }
}

/// A command that only asks. When it asks a file, it starts nothing and makes no home.
protocol LogQuestion: ParsableCommand {
    var source: LogOption { get }
}

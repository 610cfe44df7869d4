import ArgumentParser
import EventLog
import Foundation

/// Which log a command asks: that of the home, or a file.
struct LogOption: ParsableArguments {
    @Option(
        name: .customLong("log"),
        help: ArgumentHelp("Ask this file, such as a backup, in place of the home's log.", valueName: "file"),
        completion: .file(extensions: ["db"]))
    var file: String?

    func session() throws(CommandFailure) -> Session {
        if let file { return try Session(reading: URL(fileURLWithPath: file).path) }
        return try Session.toAsk()
    }
}

extension Session {
    /// For a command that only reads the home's log. A home that cannot be written is answered from all the same, if what
    /// is in it can be read.
    static func toAsk() throws(CommandFailure) -> Session {
        do {
            return try Session()
        } catch {
            let home = Home(environment: ProcessInfo.processInfo.environment)
            guard access(home.database, R_OK) == 0, access(home.run, W_OK) != 0 || !home.isWritable,
                let session = try? Session(reading: home.database)
            else { throw error }
            print("note: \(error.lines.joined(separator: "; ")); nothing is brought back", to: .error)
            return session
        }
    }
}

/// A command that only asks. When it asks a file, it starts nothing and makes no home.
protocol LogQuestion: ParsableCommand {
    var source: LogOption { get }
}

import EventLog
import Foundation
import Lifecycle
import ServiceFile
import Synchronization

/// A command that did not succeed: what to say, and the exit code.
struct CommandFailure: Error {
    /// One line for each thing that is wrong, without a newline at the end.
    var lines: [String]
    /// 2 for usage and bad files, 1 for failures.
    var exitCode: Int32

    init(_ line: String, exitCode: Int32 = 1) {
        lines = [line]
        self.exitCode = exitCode
    }

    init(lines: [String], exitCode: Int32) {
        self.lines = lines
        self.exitCode = exitCode
    }

    init(_ problems: FileProblems) { self.init(lines: problems.lines, exitCode: 2) }

    init(_ error: OptionFailure) { self.init(error.description, exitCode: 2) }
    init(_ error: LogFailure) { self.init(error.description) }
    /// Of a file that somebody named: that it is none of ours is how the command was given, and no failure of it.
    init(named error: LogFailure) { self.init(error.description, exitCode: error.isOfTheWrongFile ? 2 : 1) }
    init(_ error: Rejection) { self.init(error.description) }

    init(_ error: SubmitError) {
        switch error {
        case .rejected(let rejection): self.init(rejection)
        case .failed(let failure): self.init(failure)
        }
    }

    func report() {
        for line in lines { print("dwell: \(line.oneLine)", to: .error) }
    }
}

/// Where a line is printed.
enum OutputChannel { case output, error }

/// Prints a line. Unbuffered, so that what is piped is read as it comes, and both channels keep their
/// order.
///
/// What is said on standard error is of files, names and options that anybody may have written, so none of it is an order
/// to the terminal.
func print(_ line: String, to channel: OutputChannel = .output) {
    let line = channel == .error ? line.printable : line
    let descriptor = channel == .output ? STDOUT_FILENO : STDERR_FILENO
    write(Array((line + "\n").utf8), to: descriptor)
}

/// Writes all bytes; gives up when nobody reads any more, or they cannot be written, which ``OutputFailure`` keeps.
func write(_ bytes: some Collection<UInt8>, to descriptor: CInt) {
    var left = Array(bytes)[...]
    while !left.isEmpty {
        let count = left.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
        if count > 0 {
            left = left.dropFirst(count)
        } else if errno != EINTR {
            if descriptor == STDOUT_FILENO { OutputFailure.note(errno) }
            return
        }
    }
}

/// Why standard output could not be written to: a command whose answer was lost has not succeeded.
enum OutputFailure {
    private static let first = Mutex<CInt?>(nil)

    static func note(_ code: CInt) {
        // A reader that has seen enough, such as `head`, is no failure.
        guard code != EPIPE else { return }
        first.withLock { $0 = $0 ?? code }
    }

    /// - Throws: ``CommandFailure`` when something was lost.
    static func check() throws(CommandFailure) {
        guard let code = first.withLock({ $0 }) else { return }
        throw CommandFailure("standard output: \(String(cString: strerror(code)))")
    }
}

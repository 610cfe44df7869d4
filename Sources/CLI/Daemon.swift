import CLinux
import Controller
import Dispatch
import Foundation
import Logging

/// What every process that stays has in common.
enum Daemon {
    /// The number under which a parent hands over a lock or a socket.
    static let inheritedDescriptor: CInt = 3

    /// Names the process for `ps`, and turns signals that would end it by accident into errors.
    static func prepare(name: String) {
        // Not prctl, which names the thread that calls it. Only for people's eyes: failing is no matter.
        try? Data(name.utf8).write(to: URL(fileURLWithPath: "/proc/self/comm"))
        // A client that went away, or a file-size limit, is an error of one write and no more.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        // Nobody waits for children: how they ended is read from a file, so that it outlives this process.
        signal(SIGCHLD, SIG_IGN)
        // What daemons make is for nobody else to read.
        umask(0o077)
        releaseMemoryOfStarting()
    }

    /// A process that stays needs little of what it took to start: most of its memory is pages of the program that ran
    /// once.
    private static func releaseMemoryOfStarting() {
        DispatchQueue.global().asyncAfter(deadline: .now() + 3) { clinux_release_clean_pages() }
    }

    /// Writes to standard error, which the parent has led to the log file.
    static func logger(_ label: String) -> Logger {
        Logger(label: label) { StreamLogHandler.standardError(label: $0) }
    }
}

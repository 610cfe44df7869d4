import CLinux
import Foundation

/// What a process has to be allowed to, looked at before it begins: what is missed in the middle of something is told in
/// the words of whatever missed it, and a thread that cannot be started is waited for without end.
enum ProcessLimits {
    /// The log's files, its bell and locks, clocks, a socket and what a child gets; by measuring, with room to spare.
    private static let descriptors: CInt = 24
    /// Of those that run what is asynchronous, at least one has to be had, and they have helpers.
    private static let threads: CInt = 3
    /// A command that starts what it asks for is followed by the keeper and the controller's process, each with threads of
    /// its own, by a load balancer and a replica; and a process that stays has as many as there are processors.
    private static func wanted(isDaemon: Bool) -> CInt { isDaemon ? 6 : 24 }
    /// Few users have so many that a higher limit is reached; to try out threads takes as long as an answer does.
    private static let lowLimit: UInt = 512

    static func check(needsThreads: Bool, isDaemon: Bool) throws(CommandFailure) {
        let noFile = clinux_try_descriptors(descriptors)
        if noFile != 0 {
            throw CommandFailure(
                "\(words(noFile)): dwell needs \(descriptors) more, and \(clinux_open_file_limit(0)) may be open; raise that: ulimit -n 1024"
            )
        }
        let wanted: CInt =
            switch (needsThreads, isLimitLow) {
            case (true, true): wanted(isDaemon: isDaemon)
            // Also what runs here and now has a helper now and then.
            case (true, false), (false, true): threads
            case (false, false): 0
            }
        let noThread = wanted > 0 ? clinux_try_threads(wanted) : 0
        if noThread != 0 {
            throw CommandFailure(
                "no thread can be started: \(words(noThread)); raise the limit of processes (ulimit -u, or the container's pids limit)"
            )
        }
    }

    /// Root is not held to it (setrlimit(2)).
    private static var isLimitLow: Bool {
        geteuid() != 0 && clinux_process_limit() < lowLimit
    }

    private static func words(_ code: CInt) -> String { String(cString: strerror(code)) }
}

import CLinux
import Foundation

/// What a process has to be allowed to, looked at before it begins: what is missed in the middle of something is told in
/// the words of whatever missed it, and a thread that cannot be started is waited for without end.
enum ProcessLimits {
    /// The log's files, its bell and locks, clocks, a socket and what a child gets; by measuring, with room to spare.
    private static let descriptors: CInt = 24
    /// Of those that run what is asynchronous, at least one has to be had, and they have helpers.
    private static let threads: CInt = 3

    static func check(needsThreads: Bool) throws(CommandFailure) {
        let noFile = clinux_try_descriptors(descriptors)
        if noFile != 0 {
            throw CommandFailure(
                "\(words(noFile)): dwell needs \(descriptors) more, and \(clinux_open_file_limit(0)) may be open; raise that: ulimit -n 1024"
            )
        }
        let noThread = needsThreads ? clinux_try_threads(threads) : 0
        if noThread != 0 {
            throw CommandFailure(
                "no thread can be started: \(words(noThread)); raise the limit of processes (ulimit -u, or the container's pids limit)"
            )
        }
    }

    private static func words(_ code: CInt) -> String { String(cString: strerror(code)) }
}

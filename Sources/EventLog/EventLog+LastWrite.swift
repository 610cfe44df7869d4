import Foundation

extension EventLog {
    /// What the files of the log looked like when they were written to last.
    public struct Write: Hashable, Sendable {
        private var files: [Stamp]

        private struct Stamp: Hashable, Sendable {
            var inode: UInt
            var bytes: Int
            var seconds: Int
            var nanoseconds: Int

            init?(_ path: String) {
                var status = stat()
                guard stat(path, &status) == 0 else { return nil }
                inode = UInt(status.st_ino)
                bytes = Int(status.st_size)
                seconds = status.st_mtim.tv_sec
                nanoseconds = status.st_mtim.tv_nsec
            }
        }

        /// Nil when that was so short a time ago that the next write might look the same, or a file is not there.
        fileprivate init?(_ paths: [String]) {
            var now = timespec()
            clock_gettime(CLOCK_REALTIME_COARSE, &now)
            files = []
            for path in paths {
                guard let stamp = Stamp(path), now.tv_sec - stamp.seconds > 1 else { return nil }
                files.append(stamp)
            }
        }
    }

    /// The last write to the log by anybody, without asking SQLite: what is committed is written to the WAL first.
    /// Nil when it is better to look.
    public var lastWrite: Write? { Write([queue.path + "-wal", queue.path]) }
}

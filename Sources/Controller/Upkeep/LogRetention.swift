import CLinux
import Foundation

/// Keeps what replicas write from filling the disk: of a log file that has grown large, the beginning is given back.
///
/// A hole is made in it (fallocate(2)), so the file is neither moved nor cut: whoever writes it, through a descriptor
/// that outlives this process, and whoever follows it go on where they are. The file's length still tells how much was
/// ever written. File systems that make no holes keep everything; ext4, XFS, Btrfs and tmpfs do.
public struct LogRetention: Sendable {
    private let directory: String
    /// Bytes at the end of a file that are kept; there may be twice as many.
    private let keptBytes: Int64

    /// The time between two looks while something is written, and the longest when nothing is: what is written within it
    /// is on disk besides.
    private static let intervalSeconds = 5.0...30.0

    public init(directory: String, keptBytes: Int64 = 64 << 20) {
        self.directory = directory
        self.keptBytes = keptBytes
    }

    /// Where what is left of a log file begins.
    public static func beginning(of descriptor: CInt) -> Int64 { max(0, clinux_first_data(descriptor)) }

    /// Looks after the files until cancelled.
    func run() async {
        var (seconds, last) = (Self.intervalSeconds.lowerBound, Int64(0))
        while !Task.isCancelled {
            let written = trim()
            seconds =
                written == last ? min(seconds * 2, Self.intervalSeconds.upperBound) : Self.intervalSeconds.lowerBound
            last = written
            try? await Task.sleep(for: .seconds(seconds), tolerance: .seconds(1))
        }
    }

    /// Looks at every file once.
    ///
    /// - Returns: how many bytes were ever written to all of them.
    @discardableResult
    public func trim() -> Int64 {
        guard let files = FileManager.default.enumerator(atPath: directory) else { return 0 }
        var written: Int64 = 0
        for case let file as String in files where file.contains(".log") { written += trim("\(directory)/\(file)") }
        return written
    }

    private func trim(_ path: String) -> Int64 {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return 0 }
        let written = Int64(status.st_size)
        guard Int64(status.st_blocks) * 512 > 2 * keptBytes else { return written }
        let file = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { return written }
        defer { close(file) }
        let block = Int64(max(1, status.st_blksize))
        let end = (Int64(status.st_size) - keptBytes) / block * block
        if end > 0 { _ = clinux_punch_hole(file, end) }
        return written
    }
}

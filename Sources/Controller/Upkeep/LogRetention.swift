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

    /// The longest time between two looks: what is written within it is on disk besides.
    private static let interval = Duration.seconds(5)

    public init(directory: String, keptBytes: Int64 = 64 << 20) {
        self.directory = directory
        self.keptBytes = keptBytes
    }

    /// Where what is left of a log file begins.
    public static func beginning(of descriptor: CInt) -> Int64 { max(0, clinux_first_data(descriptor)) }

    /// Looks after the files until cancelled.
    func run() async {
        while !Task.isCancelled {
            trim()
            try? await Task.sleep(for: Self.interval, tolerance: .seconds(1))
        }
    }

    /// Looks at every file once.
    public func trim() {
        guard let files = FileManager.default.enumerator(atPath: directory) else { return }
        for case let file as String in files where file.contains(".log") { trim("\(directory)/\(file)") }
    }

    private func trim(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            Int64(status.st_blocks) * 512 > 2 * keptBytes
        else { return }
        let file = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { return }
        defer { close(file) }
        let block = Int64(max(1, status.st_blksize))
        let end = (Int64(status.st_size) - keptBytes) / block * block
        guard end > 0 else { return }
        _ = clinux_punch_hole(file, end)
    }
}

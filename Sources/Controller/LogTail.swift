import EventLog
import Foundation

/// The last lines of a log file.
public enum LogTail {
    /// At most `lines` lines and `bytes` bytes from the end of the file; nil when it is empty or cannot
    /// be read. What is not UTF-8 is replaced.
    public static func read(_ path: String, lines: Int = 20, bytes: Int = 4096) -> String? {
        guard let descriptor = try? HomeFile.open(path, O_RDONLY) else { return nil }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
        defer { try? file.close() }
        guard let end = try? file.seekToEnd(), end > 0 else { return nil }
        let start = end > UInt64(bytes) ? end - UInt64(bytes) : 0
        guard (try? file.seek(toOffset: start)) != nil, let data = try? file.readToEnd() else { return nil }
        var kept = String(decoding: data, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        if kept.last?.isEmpty == true { kept.removeLast() }
        // The first is cut off when reading began in its middle.
        if start > 0, kept.count > 1 { kept.removeFirst() }
        return kept.suffix(lines).joined(separator: "\n")
    }
}

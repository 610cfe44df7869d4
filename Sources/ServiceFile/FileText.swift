import Foundation

/// The text of a file a user named, or the reason why there is none, in words.
enum FileText {
    static func read(_ path: String) throws(ReadFailure) -> String {
        guard !path.isEmpty else { throw ReadFailure("no file is named") }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure(path) }
        guard status.st_mode & S_IFMT != S_IFDIR else { throw ReadFailure("is a folder, not a file") }
        // A pipe is fine: `dwell up <(generate)`. It is read to its end, within the same limit.
        _ = fcntl(descriptor, F_SETFL, 0)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Foundation.read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failure(path) }
            if count == 0 { break }
            bytes += buffer[..<count]
            guard bytes.count <= YAMLReader.maximumBytes else {
                throw ReadFailure("is larger than \(YAMLReader.maximumBytes >> 20) MiB")
            }
        }
        // Some editors put a byte-order mark before everything else.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw ReadFailure("is not UTF-8 text") }
        guard !text.unicodeScalars.contains("\0") else { throw ReadFailure("is not a text file: it has a zero byte") }
        return text
    }

    private static func failure(_ path: String) -> ReadFailure {
        switch errno {
        case ENOENT, ENOTDIR: ReadFailure("does not exist")
        case EACCES: ReadFailure("may not be read by you")
        case ENAMETOOLONG: ReadFailure("has a name that is too long")
        default: ReadFailure("cannot be read: \(String(cString: strerror(errno)))")
        }
    }
}

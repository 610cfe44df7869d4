import Foundation

/// Reads a log file from where it stopped reading, and from its beginning again when it was replaced.
struct LogReader {
    let path: String
    private var offset: UInt64 = 0
    private var identity: UInt64 = 0

    init(path: String) { self.path = path }

    var name: String { URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent }
    var folder: String { URL(fileURLWithPath: path).deletingLastPathComponent().path }

    /// Prints the file, or its last lines.
    mutating func printAll(tail: Int?) {
        let data = readNew()
        guard let tail else { return write(data, to: STDOUT_FILENO) }
        let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let whole = lines.last?.isEmpty == true ? lines.dropLast() : lines[...]
        for line in whole.suffix(tail) { write(line + [UInt8(ascii: "\n")], to: STDOUT_FILENO) }
    }

    /// Prints what was added.
    ///
    /// - Parameter prefix: say which file it is from.
    mutating func printNew(prefix: Bool) {
        let data = readNew()
        guard !data.isEmpty else { return }
        if prefix { print("==> \(name) <==") }
        write(data, to: STDOUT_FILENO)
    }

    private mutating func readNew() -> Data {
        guard let file = FileHandle(forReadingAtPath: path) else { return Data() }
        defer { try? file.close() }
        var status = stat()
        fstat(file.fileDescriptor, &status)
        if UInt64(status.st_ino) != identity || UInt64(status.st_size) < offset { offset = 0 }
        identity = UInt64(status.st_ino)
        guard (try? file.seek(toOffset: offset)) != nil, let data = try? file.readToEnd() else { return Data() }
        offset += UInt64(data.count)
        return data
    }
}

import Controller
import EventLog
import Foundation

/// Reads a log file from where it stopped reading, and from its beginning again when it was replaced. In pieces:
/// a log may be larger than memory.
struct LogReader {
    let path: String
    private var offset: Int64 = 0
    private var identity: UInt64 = 0

    private static let pieceSize = 65_536

    init(path: String) { self.path = path }

    var name: String { URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent }
    var folder: String { URL(fileURLWithPath: path).deletingLastPathComponent().path }

    /// Prints the file, or its last lines.
    mutating func printAll(tail: Int?) {
        withFile { reader, file, size in
            if let tail { reader.offset = Self.start(ofLast: tail, file, size) }
            reader.printRest(of: file) {}
        }
    }

    /// Prints what was added.
    ///
    /// - Parameter prefix: say which file it is from.
    mutating func printNew(prefix: Bool) {
        let name = name
        withFile { reader, file, _ in
            reader.printRest(of: file) { if prefix { print("==> \(name) <==") } }
        }
    }

    /// - Parameter begin: called before the first piece, if there is one.
    private mutating func printRest(of file: CInt, begin: () -> Void) {
        var hasBegun = false
        while let piece = Self.read(file, at: offset), !piece.isEmpty {
            if !hasBegun { begin() }
            hasBegun = true
            write(piece, to: STDOUT_FILENO)
            offset += Int64(piece.count)
        }
    }

    private mutating func withFile(_ body: (inout Self, CInt, Int64) -> Void) {
        guard let file = try? HomeFile.open(path, O_RDONLY) else { return }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { return }
        if UInt64(status.st_ino) != identity || Int64(status.st_size) < offset { offset = 0 }
        identity = UInt64(status.st_ino)
        offset = max(offset, Self.firstWhole(file))
        body(&self, file, Int64(status.st_size))
    }

    /// Where the last `count` lines begin, found from the end.
    private static func start(ofLast count: Int, _ file: CInt, _ size: Int64) -> Int64 {
        guard count > 0 else { return size }
        let first = firstWhole(file)
        var left = count
        var end = size
        while end > first {
            let begin = max(first, end - Int64(pieceSize))
            guard let piece = read(file, at: begin, count: Int(end - begin)), !piece.isEmpty else { return begin }
            // The newline that ends the file ends its last line and begins none.
            for index in piece.indices.reversed()
            where piece[index] == UInt8(ascii: "\n") && begin + Int64(index) != size - 1 {
                left -= 1
                if left == 0 { return begin + Int64(index) + 1 }
            }
            end = begin
        }
        return first
    }

    /// Where the first whole line begins: of a large file the beginning was given back to the disk (`LogRetention`), and
    /// what is left begins in the middle of a line.
    private static func firstWhole(_ file: CInt) -> Int64 {
        let data = LogRetention.beginning(of: file)
        guard data > 0 else { return 0 }
        let newline = read(file, at: data)?.firstIndex(of: UInt8(ascii: "\n"))
        return newline.map { data + Int64($0) + 1 } ?? data
    }

    private static func read(_ file: CInt, at offset: Int64, count: Int = pieceSize) -> [UInt8]? {
        var count = count
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            count = pread(file, buffer.baseAddress, count, off_t(offset))
            filled = max(0, count)
        }
        return count < 0 ? nil : bytes
    }
}

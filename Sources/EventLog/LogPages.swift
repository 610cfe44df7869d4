import Foundation

/// How long the pages of a log are: as this dwell begins one, or SQLite's default, with which earlier ones began theirs.
struct PageSizes {
    private static let possible = [EventLog.pageBytes, 4_096]

    /// More than one where neither its header nor the WAL tells.
    let ofDatabase: [Int]
    /// Of the WAL there is one: read at another length, what was never committed would look as if it had been.
    let ofWAL: Int

    init(database path: String) {
        let wal = ReadFile(path + "-wal")
        let said = [(ReadFile(path), 16, 2), (wal, 8, 4)].map { file, offset, count in
            file.bytes(at: offset, count).map { Int(number($0)) }.flatMap { Self.possible.contains($0) ? $0 : nil }
        }
        ofWAL =
            said[1] ?? said[0]
            ?? Self.possible.max { Self.neighbours(wal, $0) < Self.neighbours(wal, $1) } ?? EventLog.pageBytes
        ofDatabase = said[0].map { [$0] } ?? said[1].map { [$0] } ?? Self.possible
    }

    /// How many frames of the WAL are of the same turn as the one before them: where no frame begins, next to none are.
    private static func neighbours(_ wal: ReadFile, _ pageBytes: Int) -> Int {
        let turns: [Data?] = stride(
            from: LogPages.walHeaderBytes, to: wal.byteCount, by: LogPages.frameHeaderBytes + pageBytes
        )
        .map { wal.bytes(at: $0 + 8, 8) }
        // A turn is two numbers drawn at random. Where none is, there is often room in a page, which is zeros.
        let room = Data(count: 8)
        return zip(turns, turns.dropFirst()).count { before, turn in turn != nil && turn != room && turn == before }
    }
}

private func number(_ bytes: Data) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }

/// The pages of a database's file and of its WAL, as they lie there: those of one length.
struct LogPages {
    static let walHeaderBytes = 32
    static let frameHeaderBytes = 24

    private let pageBytes: Int
    private let database: ReadFile
    private let wal: ReadFile
    private let hasDatabase: Bool
    /// Where in the WAL each page lies that was committed there: the frames in their order.
    private var frames: [(page: UInt32, offset: Int)] = []
    private var newest: [UInt32: Int] = [:]

    init(database path: String, pageBytes: Int, _ sizes: PageSizes) {
        self.pageBytes = pageBytes
        database = ReadFile(path)
        wal = ReadFile(path + "-wal")
        hasDatabase = sizes.ofDatabase.contains(pageBytes)
        if sizes.ofWAL == pageBytes { readFrames() }
    }

    private mutating func readFrames() {
        let frameBytes = Self.frameHeaderBytes + pageBytes
        let starts = stride(from: Self.walHeaderBytes, through: wal.byteCount - frameBytes, by: frameBytes)
        // From the end, for a frame counts when one after it, of the same turn of the WAL, ends a transaction.
        var committed: Set<Data> = []
        for start in starts.reversed() {
            guard let header = wal.bytes(at: start, Self.frameHeaderBytes) else { continue }
            let turn = header[8..<16]
            if number(header[4..<8]) != 0 { committed.insert(turn) }
            guard committed.contains(turn) else { continue }
            let (page, offset) = (number(header[0..<4]), start + Self.frameHeaderBytes)
            frames.append((page, offset))
            if newest[page] == nil { newest[page] = offset }
        }
    }

    /// Every page there is, older ones too.
    var images: some Sequence<Data> {
        let end = hasDatabase ? database.byteCount : 0
        let inDatabase = stride(from: 0, through: end - pageBytes, by: pageBytes).lazy
            .compactMap { database.bytes(at: $0, pageBytes) }
        let inWAL = frames.lazy.compactMap { wal.bytes(at: $0.offset, pageBytes) }
        return [AnySequence(inDatabase), AnySequence(inWAL)].lazy.joined()
    }

    /// The newest of a number.
    func page(_ number: UInt32) -> Data? {
        if let offset = newest[number] { return wal.bytes(at: offset, pageBytes) }
        guard number > 0 else { return nil }
        return database.bytes(at: (Int(number) - 1) * pageBytes, pageBytes)
    }
}

/// A file that is read in parts. Not mapped: where the disk fails, or somebody cuts the file meanwhile, only that part
/// is missing, and nobody ends of it.
private final class ReadFile {
    let byteCount: Int
    private let descriptor: CInt

    init(_ path: String) {
        // Neither a pipe nor a device has anything that could be saved.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        var status = stat()
        let isFile = descriptor >= 0 && fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        self.descriptor = descriptor
        byteCount = isFile ? Int(status.st_size) : 0
    }

    /// Nil when not all of them can be read.
    func bytes(at offset: Int, _ count: Int) -> Data? {
        guard offset >= 0, offset + count <= byteCount else { return nil }
        var data = Data(count: count)
        let read = data.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, count, off_t(offset)) }
        return read == count ? data : nil
    }

    deinit { if descriptor >= 0 { close(descriptor) } }
}

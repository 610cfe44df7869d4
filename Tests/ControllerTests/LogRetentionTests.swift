import Foundation
import TestKit
import Testing

@testable import Controller

/// Of a log that has grown large the beginning is given back to the disk, and nobody who has it open notices.
@Suite struct LogRetentionTests {
    private let temporary = TemporaryHome()

    private func status(_ path: String) -> (size: Int, allocated: Int) {
        var status = stat()
        stat(path, &status)
        return (Int(status.st_size), Int(status.st_blocks) * 512)
    }

    @Test func theBeginningIsGivenBackAndTheEndStays() throws {
        let folder = temporary.home.path + "/logs/hello"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let retention = LogRetention(directory: temporary.home.path + "/logs", keptBytes: 1 << 20)
        let path = folder + "/replica-1.log"
        let writer = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        try #require(writer >= 0)
        defer { close(writer) }
        let line = Array("a line that says where it is: 0123456789\n".utf8)
        var written = 0
        func write(_ bytes: Int) {
            let many = Array(repeating: line, count: bytes / line.count).flatMap { $0 }
            written += Foundation.write(writer, many, many.count)
        }
        write(1_500_000)
        retention.trim()
        #expect(status(path).allocated >= 1_400_000, "less than twice what is kept is left alone")
        for _ in 0..<5 {
            write(1_500_000)
            retention.trim()
            let (size, allocated) = status(path)
            #expect(size == written, "who follows it goes on where it was")
            #expect(allocated < 3_700_000)
        }
        let end = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        try end.seek(toOffset: UInt64(written - (1 << 20)))
        let kept = try #require(try end.readToEnd())
        #expect(kept.count == 1 << 20 && !kept.contains(0), "the end is whole")
    }

    @Test func aLinkIsNotFollowed() throws {
        let folder = temporary.home.path + "/logs"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let other = temporary.home.path + "/mine"
        try Data(repeating: 1, count: 5 << 20).write(to: URL(fileURLWithPath: other))
        symlink(other, folder + "/replica-1.log")
        LogRetention(directory: folder, keptBytes: 1 << 20).trim()
        #expect(try Data(contentsOf: URL(fileURLWithPath: other)) == Data(repeating: 1, count: 5 << 20))
    }
}

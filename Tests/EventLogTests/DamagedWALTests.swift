import Foundation
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// SQLite reads a WAL as far as its first damaged frame, and who closes a database last removes it. What is behind that
/// frame is for `repair`, whoever opens the log before.
@Suite struct DamagedWALTests {
    @Test(arguments: [2, 40, 95]) func itStaysAsItIs(damagedAtPercent percent: Int) throws {
        let temporary = TemporaryHome()
        let crashed = TemporaryHome()
        let log = try EventLog(home: temporary.home)
        for _ in 0..<3 {
            try log.given(.up(.api, replicas: 2))
            try log.given(.down([.api]))
        }
        // As they are while somebody has them open, and as a machine that stops leaves them.
        try FileManager.default.copyItem(atPath: temporary.home.path, toPath: crashed.home.path)
        let wal = crashed.home.database + "-wal"
        try FileManager.default.removeItem(atPath: crashed.home.database + "-shm")
        var bytes = try Data(contentsOf: URL(fileURLWithPath: wal))
        bytes[bytes.count * percent / 100] ^= 65
        try bytes.write(to: URL(fileURLWithPath: wal))
        for _ in 0..<2 {
            #expect(throws: LogFailure.self) { try EventLog(home: crashed.home) }
            #expect(try Data(contentsOf: URL(fileURLWithPath: wal)) == bytes)
        }
    }
}

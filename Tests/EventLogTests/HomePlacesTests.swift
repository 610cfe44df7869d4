import EventLog
import Foundation
import TestKit
import Testing

/// What is dwell's own to write: whoever mistypes a name must not put something in the place of the log.
@Suite struct HomePlacesTests {
    private let temporary = TemporaryHome()
    private var path: String { temporary.home.path }

    private func elsewhere() throws -> String {
        let folder = path + "-elsewhere"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return folder
    }

    @Test func whatIsInTheHomeIsKept() throws {
        let home = temporary.home
        _ = try EventLog(home: home)
        for name in [
            "", "/dwell.db", "/new.svg", "/logs/x", "/../" + URL(fileURLWithPath: path).lastPathComponent + "/x",
        ] {
            #expect(home.keeps(path + name), "\(name)")
        }
        for other in [path + ".svg", path + "-x/a", "/", "/tmp", NSTemporaryDirectory() + "report.svg"] {
            #expect(!home.keeps(other), "\(other)")
        }
    }

    @Test func linksAreFollowedBothWays() throws {
        let (home, folder) = (temporary.home, try elsewhere())
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try EventLog(home: home)
        let link: (String, String) throws -> Void = {
            try FileManager.default.createSymbolicLink(atPath: $0, withDestinationPath: $1)
        }
        try link(folder + "/in", path)
        #expect(home.keeps(folder + "/in/report.svg"))
        // A link to what is not there yet leads there all the same, and one that leads to itself nowhere.
        try link(folder + "/later", path + "/later.svg")
        #expect(home.keeps(folder + "/later"))
        try link(folder + "/relative", "../" + URL(fileURLWithPath: path).lastPathComponent + "/x")
        #expect(home.keeps(folder + "/relative"))
        try link(folder + "/loop", folder + "/loop")
        #expect(!home.keeps(folder + "/loop"))
        // Another name of the same file.
        #expect(Foundation.link(home.database, folder + "/hard") == 0)
        #expect(home.keeps(folder + "/hard"))
        // A folder of the home that is on another disk is the home's too.
        try FileManager.default.createDirectory(atPath: folder + "/disk", withIntermediateDirectories: true)
        try link(home.logs, folder + "/disk")
        #expect(home.keeps(folder + "/disk/x"))
        #expect(!home.keeps(folder + "/x"))
    }

    /// SQLite has its WAL beside what a link leads to.
    @Test func soIsWhatSQLiteTakesForPartOfTheLog() throws {
        let (home, folder) = (temporary.home, try elsewhere())
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try EventLog(home: home)
        try FileManager.default.moveItem(atPath: home.database, toPath: folder + "/real.db")
        try FileManager.default.createSymbolicLink(atPath: home.database, withDestinationPath: folder + "/real.db")
        for suffix in ["", "-wal", "-shm", "-journal"] {
            #expect(home.keeps(folder + "/real.db" + suffix), "\(suffix)")
        }
        #expect(!home.keeps(folder + "/real.db-x"))
    }
}

import Foundation
import TestKit
import Testing

@testable import EventLog

/// Which folder is a home, and whose what is in it must be. What another user's does is tried with the real program
/// (`Ownership` of the end-to-end tests).
@Suite struct HomeOwnershipTests {
    private let temporary = TemporaryHome()
    private var path: String { temporary.home.path }

    private func make(_ mode: mode_t = 0o700) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        #expect(chmod(path, mode) == 0)
    }

    private func refusal() -> String? {
        do throws(HomeFailure) {
            try temporary.home.prepare()
            return nil
        } catch {
            return error.reason
        }
    }

    private func mode(_ name: String = "") throws -> mode_t {
        var status = stat()
        try #require(stat(path + name, &status) == 0)
        return status.st_mode & 0o7777
    }

    @Test func aNewOneIsMadeForNobodyElse() throws {
        #expect(try temporary.home.prepare() == [])
        #expect(try mode() == 0o700)
        for (name, wanted) in [("/run", 0o700), ("/dwell.db", 0o600), ("/run/commits", 0o600)] as [(String, mode_t)] {
            #expect(try mode(name) == wanted, "\(name)")
        }
        #expect(temporary.home.problemsOfOwnership.isEmpty)
    }

    @Test func aFolderForEverybodyIsNone() throws {
        try make(0o1777)
        #expect(refusal()?.contains("a folder for everybody") == true)
        #expect(try mode() == 0o1777, "it is left as it was")
        #expect(temporary.home.problemsOfOwnership.count == 1)
    }

    @Test(arguments: ["/", "/tmp/..", "/usr/local", "/etc"]) func aFolderOfTheSystemIsNone(_ path: String) throws {
        let home = Home(path: path)
        let failure = #expect(throws: HomeFailure.self) { try HomeOwnership(home).mustBeAHome() }
        let reason = try #require(failure?.reason)
        #expect(reason.contains("set DWELL_HOME to a folder of your own"), "\(reason)")
    }

    @Test func aFolderThatHoldsSomethingElseIsNone() throws {
        try make()
        _ = FileManager.default.createFile(atPath: path + "/thesis.tex", contents: nil)
        #expect(refusal()?.contains("it holds thesis.tex, which is none of dwell's") == true)
        // With settings for it, somebody has made it one.
        _ = FileManager.default.createFile(atPath: path + "/config.yaml", contents: Data("{}".utf8))
        #expect(refusal() == nil)
    }

    @Test func oneThatWasOpenIsClosedAndSaidSo() throws {
        try make(0o755)
        let said = try temporary.home.prepare()
        #expect(
            said.count == 1 && said[0].contains("was open to others (mode 755); it is closed now (mode 700)"), "\(said)"
        )
        #expect(chmod(path, 0o777) == 0)
        #expect(chmod(temporary.home.run, 0o777) == 0)
        let more = try temporary.home.prepare()
        #expect(more.count == 2, "\(more)")
        #expect(more.first?.contains("others could write in") == true, "\(more)")
        #expect(try mode("/run") == 0o755)
        #expect(try temporary.home.prepare() == [])
    }

    @Test(.enabled(if: geteuid() == 0, "giving files away takes root"), arguments: ["dwell.db", "config.yaml", "run"])
    func whatIsAnothersIsRefused(_ name: String) throws {
        _ = try EventLog(home: temporary.home)
        _ = FileManager.default.createFile(atPath: temporary.home.configuration, contents: Data("{}".utf8))
        #expect(chown(path + "/" + name, 65_534, 65_534) == 0)
        #expect(refusal()?.contains("look at it, then remove") == true)
        #expect(temporary.home.problemsOfOwnership.map(\.path) == [path + "/" + name])
        // A link of another's making is no better, whatever it leads to.
        #expect(chown(path + "/" + name, 0, 0) == 0)
        #expect(refusal() == nil)
        try FileManager.default.createSymbolicLink(
            atPath: temporary.home.secrets, withDestinationPath: NSTemporaryDirectory())
        #expect(lchown(temporary.home.secrets, 65_534, 65_534) == 0)
        #expect(refusal()?.contains("take it over: chown") == true)
    }

    /// Who could put files there may have done so, also in a folder whose owner is right.
    @Test(.enabled(if: geteuid() == 0, "giving files away takes root"))
    func whatAnotherPutIntoAnOpenFolderIsRefused() throws {
        try temporary.home.prepare()
        let planted = temporary.home.run + "/config.last-read.yaml"
        _ = FileManager.default.createFile(atPath: planted, contents: nil)
        #expect(chown(planted, 65_534, 65_534) == 0)
        #expect(chmod(temporary.home.run, 0o777) == 0)
        #expect(refusal()?.contains("belongs to") == true)
        #expect(try mode("/run") == 0o777, "the next look has to find it as this one did")
        unlink(planted)
        #expect(refusal() == nil)
    }

    @Test func oneThatIsReadOnlyStaysSo() throws {
        try make(0o500)
        #expect(refusal()?.contains("it is read-only (mode 500); to allow it: chmod u+rwx") == true)
        #expect(!temporary.home.isWritable)
        #expect(chmod(path, 0o700) == 0)
        #expect(temporary.home.isWritable)
    }

    @Test func whatIsNoFolderAndWhatLeadsElsewhere() throws {
        try FileManager.default.createDirectory(
            atPath: NSTemporaryDirectory(), withIntermediateDirectories: true)
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        #expect(refusal() == "it is not a folder")
        unlink(path)
        let home = temporary.home
        try home.prepare()
        try FileManager.default.createDirectory(atPath: home.logs, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: home.logs + "/local", withDestinationPath: NSTemporaryDirectory())
        let failure = #expect(throws: HomeFailure.self) { try home.makeDirectory(home.logs + "/local/api") }
        #expect(failure?.reason.contains("a symbolic link, which is not followed") == true)
        try home.makeDirectory(home.logs + "/prod/api")
        #expect(try mode("/logs/prod/api") == 0o700)
    }

    @Test func whatIsNoFileIsCalledWhatItIs() throws {
        try temporary.home.prepare()
        let path = temporary.home.run + "/x"
        func reason() -> String? {
            do throws(HomeFailure) {
                close(try HomeFile.open(path, O_RDONLY))
                return nil
            } catch {
                return error.reason
            }
        }
        #expect(mkfifo(path, 0o600) == 0)
        #expect(reason() == "it is a pipe; remove it")
        #expect(HomeFile.text(path) == nil)
        unlink(path)
        #expect(mkdir(path, 0o700) == 0)
        #expect(reason() == "it is a folder; remove it")
        rmdir(path)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/null")
        #expect(reason() == "it is a symbolic link; remove it")
        unlink(path)
        #expect(reason() == "No such file or directory")
        for (kind, there) in [("a device", "/dev/null"), ("a folder", "/")] {
            let failure = #expect(throws: HomeFailure.self) { try HomeFile.mustBeAFile(there) }
            #expect(failure?.reason == "it is \(kind)")
        }
    }

    @Test func theHomeIsWhatTheEnvironmentSays() {
        #expect(Home(environment: ["DWELL_HOME": "/a/b/../c", "HOME": "/h"]).path == "/a/c")
        #expect(Home(environment: ["DWELL_HOME": "", "HOME": "/h"]).path == "/h/.dwell")
        #expect(Home(environment: [:]).path.hasSuffix("/.dwell"))
    }
}

import EventLog
import Foundation
import Lifecycle
import TestKit
import Testing

@testable import Controller

/// Copies of folders: what they hold, what they are called, and when they go.
@Suite struct WorkdirCopyTests {
    /// A home, and a folder that is copied.
    private final class Stage: Sendable {
        let home = TemporaryHome()
        let folder: String
        var copies: WorkdirCopies { WorkdirCopies(home: home.home, controller: .dev) }

        init() throws {
            folder = home.home.path + "-app"
            try FileManager.default.createDirectory(atPath: folder + "/deep/er", withIntermediateDirectories: true)
            try write("one", "server.py")
            try write("two", "deep/er/file")
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        func write(_ text: String, _ name: String) throws {
            try text.write(toFile: folder + "/" + name, atomically: false, encoding: .utf8)
        }

        func keep() throws -> KeptCopy { try copies.keep(folder) { _, _ in } }
        /// Of what is in the folder; the copy is let go.
        func digest() throws -> String { String(try keep().name.prefix { $0 != "-" }) }

        var sources: String { home.home.path + "/sources/dev" }
        /// What is in the folder of copies.
        var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: sources)) ?? []).sorted() }

        func shell(_ commands: String) -> String { ControllerTests.shell(commands, in: folder).output }
    }

    @Test func aCopyIsAsTheFolderWas() throws {
        let stage = try Stage()
        try stage.write("run", "tool")
        _ = stage.shell(
            """
            chmod 751 tool; chmod 500 deep/er; ln -s tool link; ln -s /nowhere dangling; touch -d 2001-02-03 tool
            mkfifo pipe; truncate -s 10M holes; printf end >> holes; touch $'not\\xfftext'
            """)
        let copy = try stage.keep()
        let listing =
            "find . ! -name pipe -printf '%P %y %m %s %l %T@\\n' | LC_ALL=C grep -av ' d ' | LC_ALL=C sort; md5sum holes tool"
        let original = stage.shell(listing)
        let copied = stage.shell("cd '\(stage.copies.path(copy.name))' && \(listing)")
        // But for what others than its owner may do.
        #expect(original.replacing(#/ f ([0-7])[0-7]{2} /#) { " f \($0.1)00 " } == copied)
        #expect(copied.contains("tool f 700 "))
        #expect(stage.shell("cd '\(stage.copies.path(copy.name))'; ls -d pipe").contains("No such file"))
        #expect(
            stage.shell("stat -c %a '\(stage.copies.path(copy.name))/deep/er' '\(stage.sources)'") == "500\n700\n"
        )
        #expect(stage.shell("du -m '\(stage.copies.path(copy.name))/holes'").hasPrefix("1\t"), "a hole stays one")
    }

    @Test func equalContentsHaveEqualNamesAndOthersDoNot() throws {
        let stage = try Stage()
        let first = try stage.digest()
        #expect(first.utf8.count == 32)
        #expect(try stage.digest() == first)
        _ = stage.shell("touch server.py")
        #expect(try stage.digest() == first, "times are not in it")
        var seen: Set = [first]
        for change in [
            "printf ONE > server.py", "chmod 700 server.py", "mv server.py other.py", "mkdir empty",
            "ln -s a link", "ln -sfn b link", "mv deep/er/file deep/file", "rm other.py",
        ] {
            _ = stage.shell(change)
            #expect(seen.insert(try stage.digest()).inserted, "\(change)")
        }
    }

    /// Replicas may write in a copy, so it is nobody else's, but for a version that does the same.
    @Test func whoWantsACopyHasOneOfItsOwn() throws {
        let stage = try Stage()
        let (one, two) = (try stage.keep(), try stage.keep())
        #expect(one.name != two.name && Set(stage.names) == [one.name, two.name])
        let same = try stage.copies.keep(stage.folder, orElse: one.name) { _, _ in }
        #expect(same.name == one.name && stage.names.count == 2)
        try stage.write("other", "server.py")
        let other = try stage.copies.keep(stage.folder, orElse: one.name) { _, _ in }
        #expect(other.name != one.name && stage.names.count == 3)
        withExtendedLifetime((one, two, same, other)) {}
    }

    @Test func aLinkThatLeadsOutLeadsToTheSameFromTheCopy() throws {
        let stage = try Stage()
        let name = (stage.folder as NSString).lastPathComponent
        _ = stage.shell("ln -s ../../\(name)/server.py deep/out; ln -s ../server.py deep/in")
        let copy = try stage.keep()
        let path = stage.copies.path(copy.name)
        #expect(stage.shell("cat '\(path)/deep/out' '\(path)/deep/in'") == "oneone")
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path + "/deep/in") == "../server.py")
    }

    @Test func whatSkyignoreSaysAndTheHomeAreLeftOut() throws {
        let stage = try Stage()
        try stage.write("# ours\n*.log\n/deep/er/\n", ".skyignore")
        _ = stage.shell("touch a.log deep/b.log deep/c; mkdir nested; echo c > nested/.skyignore; touch nested/c")
        let home = Home(path: stage.folder + "/home")
        let copies = WorkdirCopies(home: home, controller: .dev)
        let copy = try copies.keep(stage.folder) { _, _ in }
        let found = stage.shell("cd '\(copies.path(copy.name))' && find . -type f | sort")
        #expect(found == "./.skyignore\n./deep/c\n./nested/.skyignore\n./server.py\n")
    }

    /// As SkyPilot does.
    @Test func withoutASkyignoreGitignoreCounts() throws {
        let stage = try Stage()
        func found() throws -> String {
            let copy = try stage.keep()
            return stage.shell("cd '\(stage.copies.path(copy.name))' && find . -type f ! -name '.*ignore' | sort")
        }
        try stage.write("*.log\n!keep.log\n/deep/er/\n", ".gitignore")
        _ = stage.shell("touch a.log keep.log deep/b.log; echo '!b.log' > deep/.gitignore")
        #expect(try found() == "./deep/b.log\n./keep.log\n./server.py\n")
        try stage.write("", ".skyignore")
        #expect(try found() == "./a.log\n./deep/b.log\n./deep/er/file\n./keep.log\n./server.py\n")
    }

    /// More than this and the stack would end, or the files that may be open.
    @Test func aFolderThatLiesTooDeepIsRefusedInALine() throws {
        let stage = try Stage()
        defer { _ = stage.shell("rm -rf nested") }
        _ = stage.shell("python3 -c \"import os\nfor i in range(3000): os.mkdir('nested'); os.chdir('nested')\"")
        let words = #expect(throws: LaunchFailure.self) { try stage.keep() }?.description ?? ""
        #expect(words.contains("/nested/…/nested (") && words.contains("lies deeper than 400 folders"), "\(words)")
        #expect(words.count < 500 && stage.names.isEmpty, "\(words)")
    }

    @Test func whatIsCancelledLeavesNothing() throws {
        let stage = try Stage()
        let cancellation = Cancellation()
        #expect(throws: LaunchFailure.self) {
            try stage.copies.keep(stage.folder, cancellation: cancellation) { _, _ in cancellation.cancel() }
        }
        #expect(stage.names.isEmpty)
    }

    @Test(.enabled(if: geteuid() != 0, "root reads everything"))
    func whatCannotBeReadIsNamed() throws {
        let stage = try Stage()
        _ = stage.shell("chmod 0 deep/er/file")
        let failure = #expect(throws: LaunchFailure.self) { try stage.keep() }
        #expect(
            failure?.description.contains("deep/er/file: Permission denied") == true, "\(String(describing: failure))")
        #expect(stage.names.isEmpty)
    }

    @Test func aFolderThatIsGoneLeavesNothing() throws {
        let stage = try Stage()
        let failure = #expect(throws: LaunchFailure.self) { try stage.copies.keep(stage.folder + "/no") { _, _ in } }
        #expect(failure?.description.contains("No such file") == true)
        #expect(stage.names.isEmpty)
    }

    /// A file that somebody writes to all the time is copied as it is at some moment.
    @Test func aFolderThatChangesIsCopiedAllTheSame() throws {
        let stage = try Stage()
        let writer = Task.detached {
            while !Task.isCancelled {
                try stage.write(String(repeating: "line", count: .random(in: 1...10_000)), "log")
                try stage.write("", "passing")
                unlink(stage.folder + "/passing")
                await Task.yield()
            }
        }
        defer { writer.cancel() }
        for _ in 1...20 {
            let copy = try stage.keep()
            #expect(stage.shell("cat '\(stage.copies.path(copy.name))/server.py'") == "one")
        }
    }

    // MARK: When they go

    @Test func aCopyGoesOnceNobodyHoldsOrNeedsIt() throws {
        let stage = try Stage()
        var kept: KeptCopy? = try stage.keep()
        let name = try #require(kept?.name)
        stage.copies.unheld().remove(except: [])
        #expect(stage.names == [name], "it is held")
        withExtendedLifetime(kept) {}
        kept = nil
        stage.copies.unheld().remove(except: [name])
        #expect(stage.names == [name], "it is needed")
        // A program that another test is just starting has its locks for a moment.
        let limit = ContinuousClock.now + .seconds(10)
        while FileManager.default.fileExists(atPath: stage.sources), ContinuousClock.now < limit {
            stage.copies.unheld().remove(except: [])
        }
        #expect(!FileManager.default.fileExists(atPath: stage.sources))
    }

    @Test func whatIsHalfMadeOrHalfRemovedGoes() throws {
        let stage = try Stage()
        let name = try stage.keep().name
        for half in ["a.new", "b.old"] {
            try FileManager.default.createDirectory(
                atPath: stage.sources + "/" + half + "/in", withIntermediateDirectories: true)
        }
        stage.copies.unheld().remove(except: [name])
        #expect(stage.names == [name])
    }

    /// Many want the same copy while others remove what nobody holds: whoever was given one has it.
    @Test func whoeverIsGivenACopyHasIt() async throws {
        let stage = try Stage()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 1...4 {
                group.addTask {
                    for _ in 1...25 {
                        let copy = try stage.keep()
                        let there = FileManager.default.contents(atPath: stage.copies.path(copy.name) + "/server.py")
                        #expect(there == Data("one".utf8))
                        withExtendedLifetime(copy) {}
                    }
                }
                group.addTask { for _ in 1...100 { stage.copies.unheld().remove(except: []) } }
            }
            try await group.waitForAll()
        }
        stage.copies.unheld().remove(except: [])
        #expect(!FileManager.default.fileExists(atPath: stage.sources))
    }
}

import Foundation
import Testing

@testable import Controller

/// A folder is removed with all that is in it, and nothing that is not.
@Suite struct FolderRemovalTests {
    /// Runs `body` with two folders: one that is removed, and one outside that nothing may happen to.
    private func stage(_ body: (_ doomed: String, _ outside: String) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "/dwell-removal-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for name in ["doomed/deep/er", "outside/kept"] {
            try FileManager.default.createDirectory(atPath: folder + "/" + name, withIntermediateDirectories: true)
        }
        try "precious".write(toFile: folder + "/outside/kept/file", atomically: false, encoding: .utf8)
        try body(folder + "/doomed", folder + "/outside")
        #expect(try String(contentsOfFile: folder + "/outside/kept/file", encoding: .utf8) == "precious")
    }

    private func make(_ commands: String) throws {
        let code = shell(commands).code
        try #require(code == 0)
    }

    @Test func linksAreNotFollowed() throws {
        try stage { doomed, outside in
            try make("cd '\(doomed)'; ln -s '\(outside)' link; ln -s '\(outside)/kept/file' deep/file")
            #expect(FolderRemoval.remove(doomed) == nil)
            #expect(Kind(doomed) == .nothing)
            #expect(FolderRemoval.remove(doomed) == nil, "once more is fine")
        }
    }

    @Test func aFolderThatMayNotBeWrittenOrReadGoesToo() throws {
        try stage { doomed, _ in
            try make("cd '\(doomed)'; touch deep/er/x; chmod 0 deep/er; chmod 500 deep .")
            #expect(FolderRemoval.remove(doomed) == nil)
            #expect(Kind(doomed) == .nothing)
        }
    }

    /// Deeper than a stack, a limit of open files or a path would allow.
    @Test func howeverDeepFoldersLieTheyGo() throws {
        try stage { doomed, _ in
            let nest = "import os\nfor i in range(5000): os.mkdir('n'); os.chdir('n')\nopen('file', 'w')"
            try make("cd '\(doomed)/deep' && python3 -c \"\(nest)\" && chmod 500 n")
            #expect(FolderRemoval.remove(doomed) == nil)
            #expect(Kind(doomed) == .nothing)
        }
    }

    /// Whether or not this user may unmount.
    @Test func whatIsMountedIsNotEntered() throws {
        try stage { doomed, outside in
            guard
                shell(
                    "cd '\(doomed)'; mkdir 'a mount' && mount --bind '\(outside)' 'a mount' && mount -t tmpfs tmpfs deep/er"
                ).code == 0
            else { return }  // nobody here can mount anything
            #expect(FolderRemoval.remove(doomed) == nil)
            #expect(Kind(doomed) == .nothing)
        }
    }

    @Test func whatCannotBeRemovedIsNamedAndTheRestGoes() throws {
        try stage { doomed, _ in
            guard shell("cd '\(doomed)'; touch keep other; chattr +i keep").code == 0 else { return }
            defer { _ = shell("chattr -i '\(doomed)/keep'") }
            let left = FolderRemoval.remove(doomed)
            #expect(left?.contains("cannot remove \(doomed)/keep: Operation not permitted") == true, "\(left ?? "")")
            #expect(Kind(doomed + "/other") == .nothing)
            _ = shell("chattr -i '\(doomed)/keep'")
            #expect(FolderRemoval.remove(doomed) == nil)
        }
    }
}

import Testing

@testable import Controller

/// What patterns of `.skyignore` leave out, as rsync reads them.
@Suite struct SkyIgnoreTests {
    @Test(
        arguments: [
            ("*.log", "a.log", true), ("*.log", "deep/er/a.log", true), ("*.log", "a.log.txt", false),
            ("*.log", "logs/a", false), ("/a.log", "a.log", true), ("/a.log", "deep/a.log", false),
            ("deep/a", "deep/a", true), ("deep/a", "very/deep/a", true), ("deep/a", "deep/er/a", false),
            ("**/a", "x/y/a", true), ("x/**/a", "x/y/z/a", true), ("x*a", "x/a", false), ("x**a", "x/y/a", true),
            ("a?c", "abc", true), ("a?c", "a/c", false), ("[a-c]x", "bx", true), ("[!a-c]x", "bx", false),
            ("[^a-c]x", "dx", true), ("[]]x", "]x", true), ("[x", "[x", true), ("\\*x", "*x", true),
            ("\\*x", "ax", false),
            ("# a", "# a", false), ("; a", "; a", false), ("a  ", "a", true), ("/", "a", false),
            ("/data/***", "data", true), ("café", "deep/café", true),
        ])
    func patterns(_ pattern: String, _ path: String, _ isLeftOut: Bool) {
        #expect(SkyIgnore(pattern.utf8).leavesOut(path.utf8, isFolder: pattern.hasSuffix("***")) == isLeftOut)
    }

    @Test func aSlashAtTheEndIsForFolders() {
        let ignores = SkyIgnore("# what we make\r\nbuild/\r\n\n*.o\n".utf8)
        #expect(ignores.leavesOut("a/build".utf8, isFolder: true))
        #expect(!ignores.leavesOut("a/build".utf8, isFolder: false))
        #expect(ignores.leavesOut("x.o".utf8, isFolder: false))
    }

    @Test func noPatternTakesLong() {
        let pattern = String(repeating: "a*", count: 100) + "b"
        #expect(!SkyIgnore(pattern.utf8).leavesOut(String(repeating: "a", count: 200).utf8, isFolder: false))
    }
}

import Testing

@testable import Controller

/// What patterns leave out: those of `.skyignore` as rsync reads them, those of `.gitignore` as git does.
@Suite struct IgnoreFileTests {
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
        #expect(
            (IgnoreFile(pattern.utf8, .sky).leavesOut(path.utf8, isFolder: pattern.hasSuffix("***")) ?? false)
                == isLeftOut)
    }

    @Test func aSlashAtTheEndIsForFolders() {
        let ignores = IgnoreFile("# what we make\r\nbuild/\r\n\n*.o\n".utf8, .sky)
        #expect(ignores.leavesOut("a/build".utf8, isFolder: true) == true)
        #expect(ignores.leavesOut("a/build".utf8, isFolder: false) == nil)
        #expect(ignores.leavesOut("x.o".utf8, isFolder: false) == true)
    }

    @Test func noPatternTakesLong() {
        let pattern = String(repeating: "a*", count: 100) + "b"
        #expect(
            IgnoreFile(pattern.utf8, .sky).leavesOut(String(repeating: "a", count: 200).utf8, isFolder: false) == nil)
    }

    @Test(
        arguments: [
            ("*.log", "deep/er/a.log", true), ("/a.log", "deep/a.log", false), ("deep/a", "deep/a", true),
            ("deep/a", "very/deep/a", false), ("**/deep/a", "very/deep/a", true), ("**/deep/a", "deep/a", true),
            ("a/**/b", "a/b", true), ("a/**/b", "a/x/y/b", true), ("a/**/b", "a/xb", false), ("a/**", "a/x/y", true),
            ("a/**", "a", false), ("x**a", "x/y/a", false), ("x**a", "xya", true), ("**", "a/b", true),
            ("a  ", "a", true), ("a\\ ", "a ", true), ("\\!a", "!a", true), ("\\#a", "#a", true), ("; a", "; a", true),
            ("*.log\n!keep.log", "keep.log", false), ("*.log\n!keep.log", "other.log", true),
            ("!keep.log\n*.log", "keep.log", true), ("/*\n!/src", "src", false), ("!", "a", false),
        ])
    func patternsOfGit(_ patterns: String, _ path: String, _ isLeftOut: Bool) {
        #expect((IgnoreFile(patterns.utf8, .git).leavesOut(path.utf8, isFolder: false) ?? false) == isLeftOut)
    }
}

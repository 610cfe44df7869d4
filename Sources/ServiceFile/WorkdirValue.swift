import Lifecycle

/// `workdir`: a folder, or `{url, ref}` of a git repository.
enum WorkdirValue {
    /// Nil when there is none, or it is wrong.
    static func read(_ file: Section, _ folders: Folders) -> Workdir? {
        guard let entry = file.entry("workdir") else { return nil }
        if case .map = entry.value.content { return file.section("workdir").flatMap { git($0, folders) } }
        guard let text = file.string("workdir", wanted: "the path of a folder, or a section with `url`") else {
            return nil
        }
        if GitRule.hasPassword(text) {
            file.problem(GitRule.passwordInURL, key: "workdir")
            return nil
        }
        if text.contains("://") || text.wholeMatch(of: /[A-Za-z0-9_.-]+@[A-Za-z0-9_.-]+:.+/) != nil {
            file.problem("is a URL; a git repository is `workdir: {url: \(text.shortened)}`", key: "workdir")
            return nil
        }
        return PathValue(folders: folders).find(text, .folder, key: "workdir", in: file).map(Workdir.folder)
    }

    private static func git(_ section: Section, _ folders: Folders) -> Workdir? {
        section.refuseUnknownKeys(known: ["url", "ref"], elsewhere: ["branch": "ref", "commit": "ref"])
        guard section.has("url") else {
            section.problem("has no `url`; say which repository to clone")
            return nil
        }
        guard let url = section.string("url", wanted: "the URL of a git repository") else { return nil }
        let ref = section.string("ref", wanted: "a branch, tag or commit (in quotes if it looks like a number)")
        if section.has("ref"), ref == nil { return nil }
        if let ref, let wrong = GitRule.problem(ref: ref) {
            section.problem(wrong, key: "ref")
            return nil
        }
        // A repository on this machine may be named by its path, as other paths are.
        if !url.contains(":"), !url.hasPrefix("-") {
            let path = PathValue(folders: folders).find(url, .folder, key: "url", in: section)
            return path.map { .git(GitRepository(url: $0, ref: ref)) }
        }
        if let wrong = GitRule.problem(url: url) {
            section.problem(wrong, key: "url")
            return nil
        }
        return .git(GitRepository(url: url, ref: ref))
    }
}

/// What may be handed to git: nothing that it would take for an option or run as a program.
enum GitRule {
    static let schemes = ["https", "http", "ssh", "git", "file"]

    static func problem(url: String) -> String? {
        if url.hasPrefix("-") { return "must not begin with a dash" }
        if url.contains(where: { $0.isWhitespace || $0.isNewline }) || url.utf8.contains(where: { $0 < 0x20 }) {
            return "must have no spaces or control characters"
        }
        if let colons = url.firstRange(of: "::"), !url[..<colons.lowerBound].contains("/") {
            return "must be a plain URL; git's remote helpers (`\(url[..<colons.upperBound])`) are not used"
        }
        if let scheme = url.firstRange(of: "://") {
            let name = url[..<scheme.lowerBound].lowercased()
            guard schemes.contains(name) else {
                return
                    "must begin with one of \(schemes.map { $0 + "://" }.joined(separator: ", ")), not \(name.shortened)://"
            }
            if hasPassword(url) { return passwordInURL }
            let host = url[scheme.upperBound...]
            if host.hasPrefix("-") || host.contains("@-") { return "must not have a host that begins with a dash" }
            return nil
        }
        // user@host:path, as ssh has it.
        guard url.wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9_.@-]*:[^-].*/) != nil, !url.contains("@-") else {
            return "is not the URL of a git repository"
        }
        return nil
    }

    /// A user's name alone is none, such as `git@` or the organization's in Azure's URLs, unless it is a token.
    static func hasPassword(_ url: String) -> Bool {
        guard let scheme = url.firstRange(of: "://") else { return false }
        let authority = url[scheme.upperBound...].prefix { !"/?#".contains($0) }
        guard let at = authority.lastIndex(of: "@") else { return false }
        let user = authority[..<at]
        return user.contains(":") || tokens.contains(where: user.hasPrefix)
    }

    /// What tokens of GitHub and GitLab begin with.
    private static let tokens = ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-"]

    static let passwordInURL =
        "has a password in it, which would be kept in the log for ever; leave it out, and give it to git itself: "
        + "a credential helper, ~/.netrc, or an SSH key with ssh://"

    static func problem(ref: String) -> String? {
        guard !ref.isEmpty, ref.wholeMatch(of: /[A-Za-z0-9_.\/@+#-]+/) != nil, !ref.hasPrefix("-"),
            !ref.contains(".."), !ref.contains("@{")
        else { return "\"\(ref.shortened)\" is not the name of a branch or tag, or a commit" }
        return nil
    }
}

import Foundation

/// The folders a relative `workdir` may be in.
struct Folders {
    /// Where the service file is, absolute.
    var file: String
    /// Where the command was given, absolute.
    var here: String
}

/// `workdir`: the folder in which `setup` and `run` start.
enum WorkdirValue {
    /// The absolute path; nil when there is none, or it is wrong.
    ///
    /// A relative path is taken from the file's folder, so that the file means the same wherever the
    /// command is given; where there is no such folder, from the command's, as SkyPilot does.
    static func read(_ file: Section, _ folders: Folders, _ substitution: Substitution) -> String? {
        guard let entry = file.entry("workdir") else { return nil }
        if case .map = entry.value.content {
            file.problem("as a git URL is not done yet: clone it, and give the path", key: "workdir")
            return nil
        }
        guard let text = file.string("workdir", wanted: "the path of a folder").map(substitution.fill) else {
            return nil
        }
        guard !text.isEmpty else {
            file.problem("is empty; leave it out, or give the path of a folder", key: "workdir")
            return nil
        }
        let expanded = NSString(string: text).expandingTildeInPath
        if expanded.hasPrefix("/") { return checked([expanded], text, file) }
        let found = checked([folders.file + "/" + expanded, folders.here + "/" + expanded], text, file)
        if let found, folders.file != folders.here, found.hasPrefix(folders.file),
            isFolder(folders.here + "/" + expanded)
        {
            file.findings.note(
                "workdir \(text) is \(found), beside the file, not \(standardized(folders.here + "/" + expanded))")
        }
        return found
    }

    private static func checked(_ candidates: [String], _ text: String, _ file: Section) -> String? {
        if let found = candidates.first(where: isFolder) { return standardized(found) }
        let places = candidates.map(standardized).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        let isFile = places.contains { access($0, F_OK) == 0 }
        file.problem(
            "\(text.shortened) \(isFile ? "is not a folder" : "does not exist") (looked for \(places.joined(separator: " and ")))",
            key: "workdir")
        return nil
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func standardized(_ path: String) -> String {
        URL(fileURLWithPath: path).standardizedFileURL.path
    }
}

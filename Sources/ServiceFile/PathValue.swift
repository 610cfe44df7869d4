import Foundation

/// The folders a relative path of a service file may be in.
struct Folders {
    /// Where the service file is, absolute.
    var file: String
    /// Where the command was given, absolute.
    var here: String
    /// Variables whose values are not known yet: a path with one in it cannot be looked for.
    var unknown: Set<String> = []
    /// Variables whose values must not be kept, as paths are.
    var secret: Set<String> = []

    /// The home that `run` sees, which `~` stands for: the environment's, not that of the list of users.
    var home = Folders.homeHere

    /// The home of whoever gives the command.
    static var homeHere: String {
        ProcessInfo.processInfo.environment["HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? NSHomeDirectory()
    }

    /// `text` with what its `~` stands for.
    static func expanded(_ text: String, home: String) -> String {
        if text == "~" { return home }
        return text.hasPrefix("~/") ? home + text.dropFirst() : NSString(string: text).expandingTildeInPath
    }

    func hasUnknown(_ text: String) -> Bool { Self.refers(text, to: unknown) }
    func hasSecret(_ text: String) -> Bool { Self.refers(text, to: secret) }

    private static func refers(_ text: String, to names: Set<String>) -> Bool {
        Substitution(envs: Dictionary(uniqueKeysWithValues: names.map { ($0, "") })).fill(text) != text
    }
}

/// A path of this machine that a service file names.
///
/// A relative path is taken from the file's folder, so that the file means the same wherever the command
/// is given; where there is nothing, from the command's folder, as SkyPilot does.
struct PathValue {
    /// What must be there.
    enum Kind {
        case folder, file, any

        fileprivate var inWords: String {
            switch self {
            case .folder: "a folder"
            case .file: "a file"
            case .any: "a file or folder"
            }
        }

        fileprivate func accepts(_ path: String) -> Bool {
            var status = stat()
            guard stat(path, &status) == 0 else { return false }
            let isFolder = status.st_mode & S_IFMT == S_IFDIR
            return switch self {
            case .folder: isFolder
            case .file: !isFolder
            case .any: true
            }
        }
    }

    let folders: Folders

    /// The absolute path that `text`, the value of `key`, means; nil, with the problem told, when there is
    /// nothing of the kind. One that depends on what `up` will be given is taken as it is.
    func find(_ text: String, _ kind: Kind, key: String, in section: Section) -> String? {
        guard !text.isEmpty else {
            section.problem("is empty; leave it out, or give the path of \(kind.inWords)", key: key)
            return nil
        }
        if folders.hasUnknown(text) { return text }
        let expanded = Folders.expanded(text, home: Folders.homeHere)
        if expanded.hasPrefix("/") { return checked([expanded], text, kind, key, section) }
        let beside = folders.file + "/" + expanded
        let here = folders.here + "/" + expanded
        let found = checked([beside, here], text, kind, key, section)
        if let found, folders.file != folders.here, found == Self.standardized(beside), kind.accepts(here) {
            section.findings.note("\(key) \(text) is \(found), beside the file, not \(Self.standardized(here))")
        }
        return found
    }

    private func checked(
        _ candidates: [String], _ text: String, _ kind: Kind, _ key: String, _ section: Section
    ) -> String? {
        if let found = candidates.first(where: kind.accepts) { return Self.standardized(found) }
        let places = candidates.map(Self.standardized).reduce(into: [String]()) {
            if !$0.contains($1) { $0.append($1) }
        }
        let exists = places.contains { access($0, F_OK) == 0 }
        section.problem(
            "\(text.shortened) \(exists ? "is not \(kind.inWords)" : "does not exist") "
                + "(looked for \(places.map { $0.shortened(to: 300) }.joined(separator: " and ")))", key: key)
        return nil
    }

    static func standardized(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
}

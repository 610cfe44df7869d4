import Foundation
import Lifecycle

/// `file_mounts`: what replicas find under another name.
enum FileMounts {
    static func read(_ file: Section, _ folders: Folders) -> [FileMount] {
        guard let entry = file.entry("file_mounts"), entry.value.content != .null,
            let section = file.section("file_mounts")
        else { return [] }
        var mounts: [FileMount] = []
        for entry in section.entries {
            guard let source = source(entry, section, folders),
                let destination = destination(entry, section, home: folders.home)
            else { continue }
            mounts.append(FileMount(destination: destination, source: source))
        }
        refuseOverlaps(mounts, section)
        return mounts
    }

    private static func source(_ entry: YAMLNode.Entry, _ section: Section, _ folders: Folders) -> String? {
        switch entry.value.content {
        case .string(let text):
            if let scheme = text.firstMatch(of: /^[A-Za-z][A-Za-z0-9+.-]*:\/\//) {
                section.problem(
                    "is in a cloud (\(scheme.0)…), and only files of this machine can be mounted; fetch it in `setup`",
                    key: entry.key, at: entry.keyLine)
                return nil
            }
            guard !text.hasSuffix("/") else {
                section.problem("must not end with a slash: \(text.shortened)", key: entry.key, at: entry.keyLine)
                return nil
            }
            return PathValue(folders: folders).find(text, .any, key: entry.key, in: section)
        case .map:
            section.problem(
                "is a bucket, and only files of this machine can be mounted; give a path, or fetch it in `setup`",
                key: entry.key, at: entry.keyLine)
            return nil
        case .null, .bool, .number, .list:
            section.problem(
                "must be the path of a file or folder, not \(entry.value.inWords)", key: entry.key, at: entry.keyLine)
            return nil
        }
    }

    /// Absolute, or relative to where `setup` and `run` start; never outside it by way of `..`.
    private static func destination(_ entry: YAMLNode.Entry, _ section: Section, home: String) -> String? {
        func refuse(_ message: String) -> String? {
            section.problem(message, key: entry.key.shortened, at: entry.keyLine)
            return nil
        }
        if entry.key.isEmpty { return refuse("has no destination before the colon") }
        if entry.key.hasSuffix("/") { return refuse("must not end with a slash") }
        if entry.key.contains("://") { return refuse("is a place in a cloud; a destination is a path") }
        if entry.key == "~/sky_workdir" { return refuse("is the working directory itself; use `workdir`") }
        var path = entry.key
        // SkyPilot's name for the folder in which `run` starts.
        if path.hasPrefix("~/sky_workdir/") { path = String(path.dropFirst("~/sky_workdir/".count)) }
        if path.hasPrefix("~") { path = Folders.expanded(path, home: home) }
        if path.hasPrefix("~") { return refuse("is in the home of a user who does not exist") }
        guard !path.split(separator: "/").contains("..") else { return refuse("must not have .. in it") }
        let parts = path.split(separator: "/").filter { $0 != "." }
        guard !parts.isEmpty else { return refuse("must be a path below the working directory, or an absolute one") }
        return (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
    }

    private static func refuseOverlaps(_ mounts: [FileMount], _ section: Section) {
        let destinations = mounts.map(\.destination).sorted()
        for (one, next) in zip(destinations, destinations.dropFirst())
        where next == one || next.hasPrefix(one + "/") {
            section.problem("has \(next.shortened) inside of \(one.shortened), which is a mount itself")
        }
    }
}

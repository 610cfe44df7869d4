import Foundation

extension Home {
    /// Whether a path leads to something that the home keeps, or would keep: into its folder, into one that a link in it
    /// leads to, or to a file that SQLite would take for part of the log. Whoever writes what somebody asked for asks
    /// first, for a name is quickly mistyped, and what is in a home is dwell's to write.
    public func keeps(_ path: String) -> Bool {
        let place = Place(path)
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: self.path)) ?? []
        let kept = [self.path] + entries.map { "\(self.path)/\($0)" }
        // A hard link has another name and is the same file.
        if let identity = FileIdentity(path), kept.contains(where: { FileIdentity($0) == identity }) { return true }
        return kept.contains { Place($0).holds(place) }
            || LogFile.suffixes.contains { place.path == Place(database).path + $0 }
    }
}

/// Where a path leads, every link on its way followed, whether or not there is anything yet.
private struct Place {
    let path: String

    init(_ path: String) { self.path = Self.resolved(URL(fileURLWithPath: path).standardizedFileURL.path, links: 40) }

    func holds(_ other: Place) -> Bool { other.path == path || other.path.hasPrefix(path == "/" ? "/" : path + "/") }

    private static func resolved(_ path: String, links: Int) -> String {
        if let there = realpath(path, nil) {
            defer { free(there) }
            return String(cString: there)
        }
        guard path != "/" else { return path }
        let url = URL(fileURLWithPath: path)
        // One that leads to nothing yet is followed by whoever makes what it leads to.
        if links > 0, let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) {
            let absolute = target.hasPrefix("/") ? target : url.deletingLastPathComponent().path + "/" + target
            return resolved(URL(fileURLWithPath: absolute).standardizedFileURL.path, links: links - 1)
        }
        let folder = resolved(url.deletingLastPathComponent().path, links: links)
        return (folder == "/" ? "" : folder) + "/" + url.lastPathComponent
    }
}

import Foundation
import Lifecycle

/// The folder in which a replica's `setup` and `run` start, made ready: the version's copy of a folder of the user's, a
/// clone of a repository, or an empty one of the replica's own, with what `file_mounts` says in it.
///
/// A mount is a symbolic link to its source: nothing is copied, and what a replica writes there is written
/// to the source. Nothing of the user's is ever overwritten or added to, nor is the copy, which replicas share. A mount
/// with a relative destination under it is therefore put into a folder of links that looks like it
/// (``shadow(_:)``). For absolute destinations see ``OutsideMounts``.
struct ReplicaFiles {
    /// The replica's run folder.
    let directory: String
    let spec: ServiceSpec
    let copies: WorkdirCopies

    private var work: String { directory + "/work" }

    /// - Returns: the folder to start in.
    func prepare(_ git: GitClone, _ outside: OutsideMounts) async throws(LaunchFailure) -> String {
        let inside = spec.fileMounts.filter { !$0.destination.hasPrefix("/") }
        for mount in spec.fileMounts where mount.destination.hasPrefix("/") { try outside.place(mount) }
        switch spec.workdir {
        case nil: break
        case .git(let repository): try await git.clone(repository, into: work)
        case .folder(let path):
            let folder = try copy(of: path)
            if inside.isEmpty { return folder }
            try shadow(folder)
        }
        for mount in inside { try place(mount) }
        return work
    }

    /// Whether the copy that the version was made with is not there any more.
    var isCopyGone: Bool { spec.workdirCopy.map { Kind(copies.path($0)) != .folder } ?? false }

    /// Where the code of the version is; in logs of earlier builds no copy is named.
    private func copy(of path: String) throws(LaunchFailure) -> String {
        guard let digest = spec.workdirCopy else { return path }
        let copy = copies.path(digest)
        guard !isCopyGone else {
            // A backup does not hold the copies of its versions, which may be gone by the time it is restored. What is in
            // the folder now is better than nothing.
            guard Kind(path) == .folder else {
                throw LaunchFailure(
                    "workdir: the copy of \(path) that this version runs is gone (\(copy)), and so is the folder")
            }
            return path
        }
        return copy
    }

    private func place(_ mount: FileMount) throws(LaunchFailure) {
        guard access(mount.source, F_OK) == 0 else {
            throw LaunchFailure("file_mounts: \(mount.source) does not exist")
        }
        var folder = work
        let parts = mount.destination.split(separator: "/").map(String.init)
        for part in parts.dropLast() {
            folder += "/" + part
            try makeReal(folder)
        }
        let destination = work + "/" + mount.destination
        // Ours: a link of the shadow, or a file of the clone. What it stood for stays where it is.
        if Kind(destination) != .nothing { try? FileManager.default.removeItem(atPath: destination) }
        guard symlink(mount.source, destination) == 0 else {
            throw LaunchFailure("file_mounts", of: SystemError("link \(destination)"))
        }
    }

    /// Sees to it that `folder` is a folder of our own, so that a mount can be put into it: a link to one of
    /// the user's becomes a folder of links.
    private func makeReal(_ folder: String) throws(LaunchFailure) {
        switch Kind(folder) {
        case .folder: return
        case .nothing: break
        case .link:
            var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
            guard readlink(folder, &buffer, Int(PATH_MAX)) > 0 else {
                throw LaunchFailure("file_mounts", of: SystemError("read \(folder)"))
            }
            let target = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            unlink(folder)
            try make(folder)
            // A link that the clone itself has may lead anywhere: what is below it is not looked at.
            if target.hasPrefix("/"), Kind(target) == .folder { try link(target, into: folder) }
            return
        case .other: throw LaunchFailure("file_mounts: \(folder) is a file, so nothing can be mounted below it")
        }
        try make(folder)
    }

    /// Makes `work` look like the user's folder: a link for everything in it.
    private func shadow(_ path: String) throws(LaunchFailure) { try link(path, into: work) }

    private func link(_ path: String, into folder: String) throws(LaunchFailure) {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw LaunchFailure("file_mounts: cannot read \(path): \(error.localizedDescription)")
        }
        for name in names where symlink("\(path)/\(name)", "\(folder)/\(name)") != 0 {
            throw LaunchFailure("file_mounts", of: SystemError("link \(folder)/\(name)"))
        }
    }

    private func make(_ folder: String) throws(LaunchFailure) {
        guard mkdir(folder, 0o700) == 0 else { throw LaunchFailure("file_mounts", of: SystemError("make \(folder)")) }
    }
}

/// What a path itself is, links not followed.
enum Kind {
    case nothing, folder, link, other

    init(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            self = .nothing
            return
        }
        self =
            switch status.st_mode & S_IFMT {
            case S_IFDIR: .folder
            case S_IFLNK: .link
            default: .other
            }
    }
}

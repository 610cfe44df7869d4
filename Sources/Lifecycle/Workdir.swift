/// Where `setup` and `run` of a replica start.
public enum Workdir: Hashable, Sendable {
    /// An absolute folder of this machine: what it held when the version was made, see ``ServiceSpec/workdirCopy``.
    case folder(String)
    /// A repository of which each replica gets a copy of its own.
    case git(GitRepository)
}

/// A git repository, as `workdir: {url, ref}` names it.
public struct GitRepository: Hashable, Sendable, Codable {
    public var url: String
    /// A branch, tag or commit; nil for the repository's default branch.
    public var ref: String?
    /// The commit that `ref` was when the version was made, so that each of its replicas has the same; nil where only
    /// the repository can tell what `ref` means, and in logs of earlier builds.
    public var commit: String?

    public init(url: String, ref: String? = nil, commit: String? = nil) {
        self.url = url
        self.ref = ref
        self.commit = commit
    }
}

/// Stored as it is in a file: a path, or an object with `url` and `ref`.
extension Workdir: Codable {
    public init(from decoder: any Decoder) throws {
        let stored = try decoder.singleValueContainer()
        if let folder = try? stored.decode(String.self) {
            self = .folder(folder)
        } else {
            self = .git(try stored.decode(GitRepository.self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var stored = encoder.singleValueContainer()
        switch self {
        case .folder(let path): try stored.encode(path)
        case .git(let repository): try stored.encode(repository)
        }
    }
}

/// A file or folder of this machine that replicas find under another name.
public struct FileMount: Hashable, Sendable, Codable {
    /// Where replicas find it: absolute, or relative to where `setup` and `run` start.
    public var destination: String
    /// The absolute path of what is found there.
    public var source: String

    public init(destination: String, source: String) {
        self.destination = destination
        self.source = source
    }
}

import Foundation

/// Everything the user owns of dwell: one folder, `$DWELL_HOME` or `~/.dwell`, mode 0700.
public struct Home: Hashable, Sendable {
    /// Absolute path of the folder.
    public let path: String

    public init(path: String) {
        self.path = URL(fileURLWithPath: path).standardizedFileURL.path
    }

    /// The home that the environment names.
    public init(environment: [String: String]) {
        if let path = environment["DWELL_HOME"], !path.isEmpty {
            self.init(path: path)
        } else {
            let user = environment["HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? NSHomeDirectory()
            self.init(path: user + "/.dwell")
        }
    }

    public var database: String { path + "/dwell.db" }
    public var configuration: String { path + "/config.yaml" }
    public var logs: String { path + "/logs" }
    public var run: String { path + "/run" }
    /// Written to with every commit; see ``CommitBell``.
    public var commitBell: String { run + "/commits" }

    /// Where those who want to write stand in line; see ``WritersTurn``.
    var writersTurn: String { run + "/turn" }

    /// There while a sync of the WAL has failed and nobody has written anew what it was to bring to the disk.
    var doubt: String { run + "/unsynced" }

    /// Makes the folder and the files in it that are needed, for nobody else to read.
    func prepare(touchingDatabase: Bool = true) throws(HomeFailure) {
        try makeDirectory(path)
        try closeToOthers()
        try makeDirectory(run)
        // Before SQLite makes it, for SQLite would let the umask decide who may read it.
        if touchingDatabase { try touch(database) }
        try touch(commitBell)
    }

    /// Whether its owner may write in it; root could also where it may not be.
    public var isWritable: Bool {
        var status = stat()
        return stat(path, &status) == 0 && access(path, W_OK) == 0
            && (status.st_uid != geteuid() || status.st_mode & S_IRWXU == S_IRWXU)
    }

    /// A home that somebody made beforehand may be open to others. One that its owner made read-only stays so, and is
    /// refused, also to root, whom the kernel would let write in it.
    private func closeToOthers() throws(HomeFailure) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw HomeFailure(path) }
        guard status.st_uid == geteuid() else {
            guard access(path, W_OK) == 0 else {
                let owner = getpwuid(status.st_uid).map { String(cString: $0.pointee.pw_name) } ?? "\(status.st_uid)"
                throw HomeFailure(path: path, reason: "it belongs to \(owner)")
            }
            return
        }
        guard isWritable else {
            let mode = String(status.st_mode & 0o777, radix: 8)
            throw HomeFailure(path: path, reason: "it is read-only (mode \(mode)); to allow it: chmod u+rwx \(path)")
        }
        guard status.st_mode & 0o077 != 0 else { return }
        guard chmod(path, 0o700) == 0 else { throw HomeFailure(path) }
    }

    /// Makes a folder of mode 0700 under the home, and those above it.
    public func makeDirectory(_ path: String) throws(HomeFailure) {
        if mkdir(path, 0o700) == 0 { return }
        switch errno {
        case EEXIST:
            var status = stat()
            guard stat(path, &status) == 0 else { throw HomeFailure(path) }
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw HomeFailure(path: path, reason: "it is not a folder")
            }
        case ENOENT where path != "/":
            try makeDirectory(URL(fileURLWithPath: path).deletingLastPathComponent().path)
            if mkdir(path, 0o700) != 0 && errno != EEXIST { throw HomeFailure(path) }
        default:
            throw HomeFailure(path)
        }
    }

    private func touch(_ path: String) throws(HomeFailure) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw HomeFailure(path) }
        close(descriptor)
    }
}

/// Why the home cannot be used.
public struct HomeFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public var path: String
    public var reason: String

    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    /// The failure that `errno` tells.
    init(_ path: String) {
        self.init(path: path, reason: String(cString: strerror(errno)))
    }

    public var description: String { "cannot use \(path): \(reason)" }
}

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
    /// The values of services' secrets.
    public var secrets: String { path + "/secrets" }
    /// Copies of the folders that services start in.
    public var sources: String { path + "/sources" }
    /// Every folder that dwell keeps in it.
    var folders: [String] { [run, logs, secrets, sources] }
    /// Written to with every commit; see ``CommitBell``.
    public var commitBell: String { run + "/commits" }

    /// Where those who want to write stand in line; see ``WritersTurn``.
    var writersTurn: String { run + "/turn" }

    /// There while a sync of the WAL has failed and nobody has written anew what it was to bring to the disk.
    var doubt: String { run + "/unsynced" }

    /// Makes the folder and the files in it that are needed, for nobody else to read.
    ///
    /// - Returns: a sentence for each thing that was open to others, and is not any more.
    /// - Throws: also when it is no folder to make a home of, or holds what another user put there.
    @discardableResult
    func prepare(touchingDatabase: Bool = true) throws(HomeFailure) -> [String] {
        try makeDirectory(path)
        let ownership = try HomeOwnership(self)
        try ownership.mustBeAHome()
        try mustBeWritable()
        // What is in it is looked at when nobody can put anything there any more.
        let closed = [try ownership.close()].compactMap { $0 } + (try ownership.closeContents())
        try makeDirectory(run)
        // Before SQLite makes it, for SQLite would let the umask decide who may read it.
        if touchingDatabase { try touchDatabase() }
        close(try HomeFile.open(commitBell, O_WRONLY | O_CREAT))
        return closed
    }

    /// What of it is another user's, so that it is refused, and what to do; nothing is changed.
    public var problemsOfOwnership: [HomeFailure] { (try? HomeOwnership(self))?.problems ?? [] }

    /// Whether its owner may write in it; root could also where it may not be.
    public var isWritable: Bool {
        var status = stat()
        return stat(path, &status) == 0 && access(path, W_OK) == 0
            && (status.st_uid != geteuid() || status.st_mode & S_IRWXU == S_IRWXU)
    }

    /// One that its owner made read-only stays so, and is refused, also to root, whom the kernel would let write in it.
    private func mustBeWritable() throws(HomeFailure) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw HomeFailure(path) }
        guard status.st_uid == geteuid() else {
            guard access(path, W_OK) == 0 else {
                throw HomeFailure(path: path, reason: "it belongs to \(HomeOwnership.name(status.st_uid))")
            }
            return
        }
        guard isWritable else {
            let mode = String(status.st_mode & 0o777, radix: 8)
            var disk = statvfs()
            let isMountedSo = statvfs(path, &disk) == 0 && disk.f_flag & UInt(ST_RDONLY) != 0
            throw HomeFailure(
                path: path,
                reason: isMountedSo
                    ? "the disk that holds it is mounted read-only"
                    : "it is read-only (mode \(mode)); to allow it: chmod u+rwx \(path)")
        }
    }

    /// Makes a folder of mode 0700 under the home, and those above it.
    ///
    /// A folder of the home itself may be a link to another disk, which is its owner's to choose; no link below is
    /// followed, for then what is written there would go to a place that nobody meant.
    public func makeDirectory(_ path: String) throws(HomeFailure) {
        try refuseLinks(path)
        try make(path)
    }

    private func refuseLinks(_ path: String) throws(HomeFailure) {
        let below = self.path + "/"
        guard path.hasPrefix(below) else { return }
        let parts = path.dropFirst(below.count).split(separator: "/")
        for count in stride(from: 2, through: parts.count, by: 1) {
            let folder = below + parts.prefix(count).joined(separator: "/")
            var status = stat()
            guard lstat(folder, &status) == 0 else { return }
            guard status.st_mode & S_IFMT != S_IFLNK else {
                throw HomeFailure(path: folder, reason: "it is a symbolic link, which is not followed; remove it")
            }
        }
    }

    private func make(_ path: String) throws(HomeFailure) {
        // Others remove what is empty, also in the moment between two looks.
        for _ in 0..<100 {
            if mkdir(path, 0o700) == 0 { return }
            switch errno {
            case EEXIST:
                var status = stat()
                guard stat(path, &status) == 0 else {
                    if errno == ENOENT { continue }
                    throw HomeFailure(path)
                }
                guard status.st_mode & S_IFMT == S_IFDIR else {
                    throw HomeFailure(path: path, reason: "it is not a folder")
                }
                return
            case ENOENT where path != "/":
                try make(URL(fileURLWithPath: path).deletingLastPathComponent().path)
            default:
                throw HomeFailure(path)
            }
        }
        throw HomeFailure(path: path, reason: "there is something that leads nowhere, or it is removed again and again")
    }

    /// It may be a link to another disk, which is its owner's to choose.
    private func touchDatabase() throws(HomeFailure) {
        let descriptor = open(database, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o600)
        let failure = HomeFailure(database)
        if descriptor >= 0 { close(descriptor) }
        if access(database, F_OK) == 0 { try HomeFile.mustBeAFile(database) }
        if descriptor < 0 { throw failure }
    }
}

/// Why the home cannot be used.
public struct HomeFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public var path: String
    public var reason: String
    /// What the kernel said; nil where it is dwell that refuses.
    public private(set) var code: CInt?
    /// Whether there is no such file; of one that was to be made, that its folder is not there.
    public var isMissing: Bool { code == ENOENT }

    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    /// The failure that `errno` tells.
    init(_ path: String) {
        let code = errno
        self.init(path: path, reason: String(cString: strerror(code)))
        self.code = code
    }

    public var description: String { "cannot use \(path): \(reason)" }
}

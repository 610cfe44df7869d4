import Foundation

/// Whose a home is, and what is in it. What the log and `config.yaml` say is run as whoever gives a command, and copies of
/// code lie beside them, so nothing is taken that another user put there, and nobody else may put anything there.
///
/// Root is trusted by everybody. In the home of another user, which root may use, what is that user's is as good as root's:
/// it was root who named that home.
struct HomeOwnership {
    private let home: Home
    private let status: stat
    private let trusted: Set<uid_t>

    private var path: String { home.path }

    init(_ home: Home) throws(HomeFailure) {
        var status = stat()
        guard stat(home.path, &status) == 0 else { throw HomeFailure(home.path) }
        self.home = home
        self.status = status
        trusted = geteuid() == 0 ? [0, status.st_uid] : [0, geteuid()]
    }

    /// Fails when the folder is not one to make a home of: what is in it would be closed to others, who may need it.
    func mustBeAHome() throws(HomeFailure) {
        let advice = "set DWELL_HOME to a folder of your own"
        if status.st_mode & S_ISVTX != 0 {
            throw HomeFailure(path: path, reason: "it is a folder for everybody (sticky); \(advice)")
        }
        if Self.ofTheSystem.contains(realName) {
            throw HomeFailure(path: path, reason: "it is a folder of the system; \(advice)")
        }
        let holdsLog = exists(home.database)
        guard status.st_uid == geteuid() || geteuid() == 0 && holdsLog else {
            let owner = Self.name(status.st_uid)
            let way = access(path, W_OK) == 0 ? "\(advice), such as \(path)/dwell" : advice
            throw HomeFailure(path: path, reason: "it belongs to \(owner), not to \(Self.name(geteuid())); \(way)")
        }
        guard !holdsLog, !exists(home.configuration), let strange = strangeEntry else { return }
        throw HomeFailure(
            path: path, reason: "it holds \(strange), which is none of dwell's; \(advice), or to an empty one")
    }

    /// Others may have put there what they like for as long as it was open to them.
    ///
    /// - Returns: what was done, in a sentence; nil when it was closed already, or is another user's, which root leaves as
    ///   it is.
    func close() throws(HomeFailure) -> String? {
        guard status.st_uid == geteuid(), status.st_mode & 0o077 != 0 else { return nil }
        guard chmod(path, 0o700) == 0 else { throw HomeFailure(path) }
        return Self.closed(path, status, to: 0o700)
    }

    /// Closes what is in the home to others' writing.
    ///
    /// - Returns: a sentence for each that was open.
    /// - Throws: what is another user's, and what cannot be closed.
    func closeContents() throws(HomeFailure) -> [String] {
        var said: [String] = []
        for entry in entries {
            guard let found = try trustedStatus(of: entry), found.st_mode & 0o022 != 0 else { continue }
            let mode = found.st_mode & 0o7755
            guard chmod(entry, mode) == 0 else {
                let failure = HomeFailure(entry)
                throw HomeFailure(
                    path: entry, reason: "others may write in it, and it cannot be closed (\(failure.reason))")
            }
            // Nothing can be put there any more, so this look is the last that is needed; and the next has to find it
            // as this one does.
            if found.st_mode & S_IFMT == S_IFDIR, let stranger = stranger(in: entry) {
                chmod(entry, found.st_mode & 0o7777)
                throw stranger
            }
            said.append(Self.closed(entry, found, to: mode))
        }
        return said
    }

    /// What keeps the home from being used; nothing is changed.
    var problems: [HomeFailure] {
        do throws(HomeFailure) { try mustBeAHome() } catch { return [error] }
        return entries.compactMap { entry in
            do throws(HomeFailure) {
                _ = try trustedStatus(of: entry)
                return nil
            } catch {
                return error
            }
        }
    }

    /// - Returns: of what the entry leads to; nil when there is nothing, or what is neither file nor folder, which is
    ///   refused where it is used.
    private func trustedStatus(of entry: String) throws(HomeFailure) -> stat? {
        var status = stat()
        guard lstat(entry, &status) == 0 else { return nil }
        try mustBeTrusted(status, entry)
        if status.st_mode & S_IFMT == S_IFLNK {
            guard stat(entry, &status) == 0 else { return nil }
            try mustBeTrusted(status, entry)
        }
        return [S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT) ? status : nil
    }

    private func mustBeTrusted(_ status: stat, _ entry: String) throws(HomeFailure) {
        guard !trusted.contains(status.st_uid) else { return }
        let target = realpath(entry, nil)
        defer { free(target) }
        let real = target.map { String(cString: $0) } ?? entry
        // Root gives what is another's to whose the home is.
        let heir = Self.name(geteuid() == 0 ? self.status.st_uid : geteuid())
        throw HomeFailure(
            path: entry,
            reason:
                "\(real == entry ? "it" : real) belongs to \(Self.name(status.st_uid)), and would be used as \(heir)'s; "
                + "look at it, then remove \(entry), or take it over: chown \(heir) \(real)")
    }

    /// What somebody else put in a folder that was open.
    private func stranger(in folder: String) -> HomeFailure? {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            var status = stat()
            let entry = folder + "/" + name
            guard lstat(entry, &status) == 0 else { continue }
            do throws(HomeFailure) { try mustBeTrusted(status, entry) } catch { return error }
        }
        return nil
    }

    /// What is acted upon. Where the database is a link, SQLite has its WAL beside what the link leads to.
    private var entries: [String] {
        let database = home.database
        var entries = Self.files(of: database) + [home.configuration] + home.folders
        var status = stat()
        if lstat(database, &status) == 0, status.st_mode & S_IFMT == S_IFLNK, let target = realpath(database, nil) {
            entries += Self.files(of: String(cString: target)).dropFirst()
            free(target)
        }
        return entries
    }

    /// The database and what SQLite has beside it.
    private static func files(of database: String) -> [String] {
        [database] + ["-wal", "-shm", "-journal"].map { database + $0 }
    }

    /// The first entry, by name, that a home cannot have got from dwell. Beginning one may have been cut off before there
    /// was a log.
    private var strangeEntry: String? {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else { return nil }
        return names.sorted().first {
            let entry = path + "/" + $0
            // A disk of its own has the one, and what was put aside of a log the other.
            return $0 != "lost+found" && !entry.hasPrefix(home.database) && !home.folders.contains(entry)
        }
    }

    private static let ofTheSystem: Set<String> = [
        "/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/media", "/mnt", "/opt", "/proc", "/run",
        "/sbin", "/srv", "/sys", "/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/local", "/var", "/var/lib", "/var/log",
        "/var/tmp",
    ]

    private var realName: String {
        guard let name = realpath(path, nil) else { return path }
        defer { free(name) }
        return String(cString: name)
    }

    private func exists(_ file: String) -> Bool {
        var status = stat()
        return lstat(file, &status) == 0
    }

    private static func closed(_ path: String, _ status: stat, to mode: mode_t) -> String {
        let mode = String(mode & 0o777, radix: 8)
        return status.st_mode & 0o022 == 0
            ? "\(path) was open to others (mode \(octal(status))); it is closed now (mode \(mode))"
            : "others could write in \(path) (mode \(octal(status))), so see that what is in it is yours; "
                + "it is closed now (mode \(mode))"
    }

    private static func octal(_ status: stat) -> String { String(status.st_mode & 0o777, radix: 8) }

    static func name(_ user: uid_t) -> String {
        getpwuid(user).map { String(cString: $0.pointee.pw_name) } ?? "user \(user)"
    }
}

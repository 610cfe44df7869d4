import CLinux
import Crypto
import EventLog
import Foundation

/// Copies a folder, and names what it has copied by a digest of it: the paths, what they are, their modes, where links
/// lead and what is in files (and, for root, whose they are). Times are copied, and are not in the digest.
///
/// What it names is what it has written, not what the folder may be by then. A file that is written to while it is
/// copied is copied again, twice at most; one that is gone by the time it is looked at is left out. So are sockets,
/// pipes and devices, the home itself, and what `.skyignore` says, or without one `.gitignore`, as with SkyPilot. It needs
/// memory for the names of one folder at each depth and one buffer.
struct FolderCopy: ~Copyable {
    /// How far it has come.
    struct Progress: Sendable {
        var files = 0
        var bytes: Int64 = 0
    }

    /// The folder, for words.
    private let source: String
    private let home: FileIdentity?
    private let report: (Progress) throws(LaunchFailure) -> Void
    private var progress = Progress()
    private var hash = SHA256()
    private var canShareBlocks = true
    /// Which files say what is left out.
    private var ignoring = IgnoreFile.Kind.sky
    private let isRoot = geteuid() == 0
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)

    /// - Parameters:
    ///   - home: a folder that is not copied, should it be in this one.
    ///   - report: is told again and again; may end it.
    init(_ source: String, except home: String, report: @escaping (Progress) throws(LaunchFailure) -> Void) {
        self.source = source
        self.home = FileIdentity(home)
        self.report = report
    }

    deinit { buffer.deallocate() }

    /// - Parameter target: an empty folder.
    /// - Returns: the digest, 32 hexadecimal digits (128 bits of SHA-256).
    mutating func copy(into target: CInt) throws(LaunchFailure) -> String {
        let raw = open(source, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard raw >= 0 else { throw failure("open", []) }
        let folder = Descriptor(owning: raw)
        var status = stat()
        guard fstat(raw, &status) == 0 else { throw failure("look at", []) }
        ignoring = faccessat(raw, IgnoreFile.Kind.sky.rawValue, F_OK, 0) == 0 ? .sky : .git
        hash.update(data: Array("dwell folder 1\n".utf8))
        try fill(target, from: folder.raw, [], status, [])
        return hash.finalize().prefix(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Each folder that another lies in takes memory and open files, of which there is an end.
    private static let deepest = 400

    /// Patterns, and how long the path is of the folder that they are of.
    private typealias Ignores = [(patterns: IgnoreFile, depth: Int)]

    private mutating func fill(
        _ target: CInt, from folder: CInt, _ path: [UInt8], _ status: stat, _ above: Ignores
    ) throws(LaunchFailure) {
        note(.folder, path, status)
        guard path.count(where: { $0 == UInt8(ascii: "/") }) < Self.deepest else {
            throw LaunchFailure(
                "workdir: \(name(path)) lies deeper than \(Self.deepest) folders, which is as deep as is copied; name it in .skyignore"
            )
        }
        var ignores = above
        if let text = Self.text(ignoring.rawValue, in: folder) {
            ignores.append((IgnoreFile(text, ignoring), path.isEmpty ? 0 : path.count + 1))
        }
        let names: [[CChar]]
        do { names = try FolderNames.read(folder) } catch { throw failure("read", path, error.code) }
        for name in names {
            let below = path + (path.isEmpty ? [] : [UInt8(ascii: "/")]) + FolderNames.bytes(name)
            var status = stat()
            guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
                if errno == ENOENT { continue }
                throw failure("look at", below)
            }
            let isFolder = status.st_mode & S_IFMT == S_IFDIR
            // The file that lies deepest has the word.
            let isLeftOut = ignores.reversed().lazy.compactMap {
                $0.patterns.leavesOut(below[$0.depth...], isFolder: isFolder)
            }.first
            if isLeftOut == true || isFolder && home != nil && FileIdentity(status) == home { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: try copyFolder(name, folder, target, below, ignores)
            case S_IFREG: try copyFile(name, folder, target, below)
            case S_IFLNK: try copyLink(name, folder, target, below, status)
            default: break
            }
        }
        try finish(target, status, path)
    }

    private mutating func copyFolder(
        _ name: [CChar], _ folder: CInt, _ target: CInt, _ path: [UInt8], _ ignores: Ignores
    ) throws(LaunchFailure) {
        let raw = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard raw >= 0 else {
            if errno == ENOENT || errno == ENOTDIR || errno == ELOOP { return }
            throw failure("read", path)
        }
        let below = Descriptor(owning: raw)
        var status = stat()
        guard fstat(below.raw, &status) == 0 else { throw failure("look at", path) }
        guard mkdirat(target, name, 0o700) == 0 else { throw writeFailure(path) }
        let made = openat(target, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard made >= 0 else { throw writeFailure(path) }
        let copy = Descriptor(owning: made)
        try fill(copy.raw, from: below.raw, path, status, ignores)
    }

    private mutating func copyLink(
        _ name: [CChar], _ folder: CInt, _ target: CInt, _ path: [UInt8], _ status: stat
    ) throws(LaunchFailure) {
        var bytes = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let count = readlinkat(folder, name, &bytes, Int(PATH_MAX))
        guard count >= 0 else {
            if errno == ENOENT || errno == EINVAL { return }
            throw failure("read", path)
        }
        let link = leadingTheSameWay(bytes[..<count].map { UInt8(bitPattern: $0) }, path)
        guard symlinkat(link.map { CChar(bitPattern: $0) } + [0], target, name) == 0 else { throw writeFailure(path) }
        if isRoot { fchownat(target, name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) }
        var times = [status.st_atim, status.st_mtim]
        utimensat(target, name, &times, AT_SYMLINK_NOFOLLOW)
        note(.link, path, status)
        note(link)
        progress.files += 1
    }

    /// A relative link that leads out of the folder leads to the same from elsewhere only by an absolute path.
    private func leadingTheSameWay(_ link: [UInt8], _ path: [UInt8]) -> [UInt8] {
        guard link.first != UInt8(ascii: "/") else { return link }
        var depth = path.count { $0 == UInt8(ascii: "/") }
        for part in link.split(separator: UInt8(ascii: "/")) where !part.elementsEqual(".".utf8) {
            depth += part.elementsEqual("..".utf8) ? -1 : 1
            guard depth < 0 else { continue }
            let folder = path.lastIndex(of: UInt8(ascii: "/")).map { Array(path[..<$0]) } ?? []
            return Array(source.utf8) + [UInt8(ascii: "/")] + folder + (folder.isEmpty ? [] : [UInt8(ascii: "/")])
                + link
        }
        return link
    }

    private mutating func copyFile(
        _ name: [CChar], _ folder: CInt, _ target: CInt, _ path: [UInt8]
    ) throws(LaunchFailure) {
        let made = openat(target, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard made >= 0 else { throw writeFailure(path) }
        let copy = Descriptor(owning: made)
        for attempt in 1...3 {
            let raw = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
            guard raw >= 0 else {
                guard errno == ENOENT || errno == ELOOP else { throw failure("read", path) }
                unlinkat(target, name, 0)
                return
            }
            let file = Descriptor(owning: raw)
            var before = stat()
            guard fstat(file.raw, &before) == 0 else { throw failure("look at", path) }
            guard ftruncate(copy.raw, 0) == 0 else { throw writeFailure(path) }
            let digest = try copyContent(of: file.raw, Int64(before.st_size), to: copy.raw, path)
            var after = stat()
            guard fstat(file.raw, &after) == 0 else { throw failure("look at", path) }
            let isQuiet =
                before.st_size == after.st_size && before.st_mtim.tv_sec == after.st_mtim.tv_sec
                && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec
            guard isQuiet || attempt == 3 else { continue }
            try finish(copy.raw, before, path)
            note(.file, path, before)
            note(Array(digest))
            break
        }
        progress.files += 1
        try report(progress)
    }

    /// - Returns: the digest of what the copy has.
    private mutating func copyContent(
        of file: CInt, _ length: Int64, to copy: CInt, _ path: [UInt8]
    ) throws(LaunchFailure) -> SHA256.Digest {
        var isShared = false
        if canShareBlocks, length > 0 {
            isShared = clinux_share_blocks(copy, file) == 0
            // Not tried for each file again; the data are copied.
            canShareBlocks = isShared
        }
        var hash = SHA256()
        var at: Int64 = 0
        while isShared || at < length {
            let wanted = isShared ? buffer.count : Int(min(Int64(buffer.count), length - at))
            let count = pread(isShared ? copy : file, buffer.baseAddress, wanted, off_t(at))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("read", path) }
            guard count > 0 else { break }
            let chunk = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            hash.update(bufferPointer: chunk)
            // A hole stays one.
            if !isShared, !Self.isZero(chunk) { try write(chunk, to: copy, at: at, path) }
            at += Int64(count)
            progress.bytes += Int64(count)
            try report(progress)
        }
        if !isShared, ftruncate(copy, off_t(at)) != 0 { throw writeFailure(path) }
        return hash.finalize()
    }

    private static func isZero(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= 4096, bytes[0] == 0, let base = bytes.baseAddress else { return false }
        return memcmp(base, base + 1, bytes.count - 1) == 0
    }

    private func write(
        _ bytes: UnsafeRawBufferPointer, to copy: CInt, at offset: Int64, _ path: [UInt8]
    ) throws(LaunchFailure) {
        var done = 0
        while done < bytes.count {
            let count = pwrite(
                copy, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset) + off_t(done))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw writeFailure(path) }
            done += count
        }
    }

    /// Owner, mode and times, last, for the first two may forbid to write.
    private func finish(_ copy: CInt, _ status: stat, _ path: [UInt8]) throws(LaunchFailure) {
        // Where root may not (without CAP_CHOWN, or as root of a user namespace that has no such user), a copy is its own,
        // as anybody else's is.
        if isRoot, fchown(copy, status.st_uid, status.st_gid) != 0, errno != EPERM, errno != EINVAL {
            throw writeFailure(path)
        }
        // Their owner could not remove the whole otherwise.
        let mode = path.isEmpty ? status.st_mode | 0o700 : status.st_mode
        // A copy is in the home and for nobody else to read, and must not run as us what runs as its owner.
        guard fchmod(copy, mode & 0o700) == 0 else { throw writeFailure(path) }
        var times = [status.st_atim, status.st_mtim]
        futimens(copy, &times)
    }

    // MARK: The digest

    private enum What: UInt8 { case folder = 1, file, link }

    private mutating func note(_ what: What, _ path: [UInt8], _ status: stat) {
        var numbers = [UInt32(what == .link ? 0 : status.st_mode & 0o7777)]
        if isRoot { numbers += [status.st_uid, status.st_gid] }
        hash.update(data: [what.rawValue])
        for number in numbers { withUnsafeBytes(of: number.littleEndian) { hash.update(bufferPointer: $0) } }
        note(path)
    }

    private mutating func note(_ bytes: [UInt8]) {
        withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { hash.update(bufferPointer: $0) }
        hash.update(data: bytes)
    }

    // MARK: Words

    private func name(_ path: [UInt8]) -> String {
        ShownPath.words(Array(source.utf8) + (path.isEmpty ? [] : [UInt8(ascii: "/")] + path))
    }

    private static let adviceOnOpenFiles =
        "; every folder that it lies in is open: raise ulimit -n, or name it in .skyignore"

    private func failure(_ what: String, _ path: [UInt8], _ code: CInt = errno) -> LaunchFailure {
        let advice: String =
            switch code {
            case EACCES where path.isEmpty: "; it must be yours to read"
            case EACCES: "; make it yours to read, or name it in .skyignore"
            case EMFILE: Self.adviceOnOpenFiles
            default: ""
            }
        return LaunchFailure("workdir: cannot \(what) \(name(path)): \(String(cString: strerror(code)))\(advice)")
    }

    private func writeFailure(_ path: [UInt8], _ code: CInt = errno) -> LaunchFailure {
        if code == ENOSPC || code == EDQUOT {
            return LaunchFailure(
                "workdir: no space left on the disk for a copy of \(source) (\(progress.bytes >> 20) MB were copied); "
                    + "make room, or leave files out by .skyignore")
        }
        let advice = code == EMFILE ? Self.adviceOnOpenFiles : ""
        return LaunchFailure("workdir: cannot copy \(name(path)): \(String(cString: strerror(code)))\(advice)")
    }

    /// What is in a small file; nil when it is none.
    private static func text(_ name: String, in folder: CInt) -> [UInt8]? {
        let raw = openat(folder, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard raw >= 0 else { return nil }
        let file = Descriptor(owning: raw)
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = read(file.raw, &bytes, bytes.count)
        return count >= 0 ? Array(bytes[..<count]) : nil
    }
}

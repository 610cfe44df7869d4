import CLinux
import Foundation

/// Removes a folder of ours, whatever those who ran in it have made there, and nothing that is not in it: no link is
/// followed, and no mount is entered. What is mounted in it is taken out of sight first, where that is permitted. However
/// deep folders lie in one another, it takes no more memory and no more open files: what lies deep is lifted to the top,
/// and removed from there.
struct FolderRemoval {
    private var problems: [String] = []
    /// The folder itself, open.
    private var top: CInt = -1
    private var hasLifted = false

    /// What lies deeper is lifted.
    private static let deepest = 50

    /// - Returns: what is left and why, in words; nil when nothing is.
    static func remove(_ path: String) -> String? {
        var removal = FolderRemoval()
        removal.detachMounts(below: path)
        let parent = (path as NSString).deletingLastPathComponent
        let raw = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard raw >= 0 else { return errno == ENOENT ? nil : "cannot open \(SystemError(parent))" }
        let folder = Descriptor(owning: raw)
        let name = Array((path as NSString).lastPathComponent.utf8CString)
        removal.remove(name, in: folder.raw, Array(path.utf8), depth: 0)
        guard let first = removal.problems.first else { return nil }
        let more = removal.problems.count - 1
        return first + (more > 0 ? ", and \(more) more" : "")
    }

    private mutating func remove(_ name: [CChar], in folder: CInt, _ path: [UInt8], depth: Int) {
        var status = stat()
        guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            if errno != ENOENT { note(path) }
            return
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            if unlinkat(folder, name, 0) != 0, errno != ENOENT { note(path) }
            return
        }
        guard depth < Self.deepest else {
            if !lift(name, in: folder) { note(path) }
            return
        }
        // Again if something is made in it meanwhile.
        for attempt in 1...3 {
            let before = problems.count
            guard empty(name, in: folder, path, depth: depth) else { return }
            if unlinkat(folder, name, AT_REMOVEDIR) == 0 || errno == ENOENT || problems.count > before { return }
            guard attempt < 3, errno == ENOTEMPTY else { return note(path) }
        }
    }

    /// Whether it could be opened.
    private mutating func empty(_ name: [CChar], in folder: CInt, _ path: [UInt8], depth: Int) -> Bool {
        var raw = clinux_open_folder_within(folder, name)
        if raw < 0, errno == EACCES {
            makeOurs(name, in: folder)
            raw = clinux_open_folder_within(folder, name)
        }
        guard raw >= 0 else {
            if errno == EXDEV {
                problems.append("cannot remove \(String(decoding: path, as: UTF8.self)): something is mounted there")
            } else if errno != ENOENT {
                note(path)
            }
            return false
        }
        let below = Descriptor(owning: raw)
        var status = stat()
        if fstat(below.raw, &status) == 0, status.st_mode & S_IRWXU != S_IRWXU { _ = fchmod(below.raw, 0o700) }
        if depth == 0 { top = below.raw }
        let before = problems.count
        repeat {
            if depth == 0 {
                hasLifted = false
                // What is left is tried once more with what was lifted, and told once.
                problems.removeSubrange(before...)
            }
            do {
                for name in try FolderNames.read(below.raw) {
                    let path = path + [UInt8(ascii: "/")] + FolderNames.bytes(name)
                    remove(name, in: below.raw, path, depth: depth + 1)
                }
            } catch {
                note(path, error.code)
                return false
            }
        } while depth == 0 && hasLifted
        return true
    }

    /// Moves a folder to the top.
    private mutating func lift(_ name: [CChar], in folder: CInt) -> Bool {
        let new = Array("lifted-\(UUID().uuidString.lowercased())".utf8CString)
        if renameat(folder, name, top, new) != 0 {
            // One that may not be written cannot be moved: it holds the way back.
            guard errno == EACCES else { return false }
            makeOurs(name, in: folder)
            guard renameat(folder, name, top, new) == 0 else { return false }
        }
        hasLifted = true
        return true
    }

    /// Lets us look into a folder of ours whose mode forbids it.
    private func makeOurs(_ name: [CChar], in folder: CInt) {
        let raw = openat(folder, name, clinux_path_only | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard raw >= 0 else { return }
        let found = Descriptor(owning: raw)
        _ = chmod("/proc/self/fd/\(found.raw)", 0o700)
    }

    private mutating func note(_ path: [UInt8], _ code: CInt = errno) {
        let advice =
            switch code {
            case EPERM: " (immutable? chattr -i)"
            case EBUSY: " (something is mounted there)"
            default: ""
            }
        problems.append("cannot remove \(ShownPath.words(path)): \(String(cString: strerror(code)))\(advice)")
    }

    // MARK: Mounts

    private func detachMounts(below path: String) {
        guard geteuid() == 0, let real = realpath(path, nil) else { return }
        defer { free(real) }
        // The last is on top of those before it, and deeper.
        for mount in Self.mounts(below: String(cString: real)).reversed() { _ = clinux_detach_mount(mount) }
    }

    private static func mounts(below path: String) -> [String] {
        guard let bytes = ProcessTable.read("/proc/self/mountinfo") else { return [] }
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
            guard fields.count > 4 else { return nil }
            let mount = decode(fields[4])
            return mount.hasPrefix(path + "/") ? mount : nil
        }
    }

    /// Spaces and the like are written as `\040`.
    private static func decode(_ field: some Collection<UInt8>) -> String {
        var bytes: [UInt8] = []
        var rest = Array(field)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
